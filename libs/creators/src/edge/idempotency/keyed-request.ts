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
 * order of fields is another request. Throws `InvalidRequest` for what is no key, and where a key would promise what is not kept.
 */
export function keyedRequest(request: Request): KeyedRequest | undefined {
  const key = request.method === 'POST' ? request.get(KEY_HEADER) : undefined;
  if (key === undefined) return undefined;
  const caller = callerOf(request);
  if (caller?.role !== 'creator') throw refused('is for requests of creators only');
  if (!KEY.test(key)) throw refused(`must be 1 to ${String(KEY_MAX_LENGTH)} printable ASCII characters`);
  const asked = JSON.stringify([request.method, request.originalUrl, request.body ?? null]);
  return { creatorId: caller.creator.id, keyHash: sha256(key), fingerprint: sha256(asked) };
}

function refused(message: string): InvalidRequest {
  return new InvalidRequest(`The header ${KEY_HEADER} does not fit.`, [{ in: 'header', pointer: `/${KEY_HEADER}`, message }]);
}

function sha256(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}
