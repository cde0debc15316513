import { createHash } from 'node:crypto';
import type { KeyedRequest } from '@droppio/tips';
import type { Request } from 'express';
import { callerOf } from '../../access/access.js';
import { InvalidRequest } from '../../errors.js';

export const KEY_HEADER = 'Idempotency-Key';
export const KEY_MAX_LENGTH = 255;
const KEY = new RegExp(`^[\\x20-\\x7e]{1,${String(KEY_MAX_LENGTH)}}$`);

/**
 * The request as its key names it; `undefined` without a key. What is asked is the method, the address and the body as it was sent: another
 * order of fields is another request. Keys are kept for creators only: elsewhere a handle or a nonce is good once anyway, and a key that a
 * client adds to all that it sends is not looked at. Throws `InvalidRequest` for what is no key.
 */
export function keyedRequest(request: Request): KeyedRequest | undefined {
  const key = request.method === 'POST' ? request.get(KEY_HEADER) : undefined;
  if (key === undefined) return undefined;
  const caller = callerOf(request);
  if (caller?.role !== 'creator') return undefined;
  if (!KEY.test(key)) throw noKey();
  const asked = JSON.stringify([request.method, request.originalUrl, bodyOf(request)]);
  return { creatorId: caller.creator.id, keyHash: sha256(key), fingerprint: sha256(asked) };
}

/** A file by its hash and what it is said to be. */
function bodyOf(request: Request): unknown {
  const body: unknown = request.body;
  if (!Buffer.isBuffer(body)) return body ?? null;
  return { bytes: createHash('sha256').update(body).digest('base64'), type: request.get('Content-Type') };
}

function noKey(): InvalidRequest {
  const message = `must be 1 to ${String(KEY_MAX_LENGTH)} printable ASCII characters`;
  return new InvalidRequest(`The header ${KEY_HEADER} does not fit.`, [{ in: 'header', pointer: `/${KEY_HEADER}`, message }]);
}

function sha256(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}
