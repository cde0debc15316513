import type { NextFunction, Request, Response } from 'express';
import { BodyTooLarge, BodyTooSlow, InvalidRequest, UnsupportedMediaType } from '../errors.js';
import { isRawBody } from './raw-body.js';

export const BODY_MAX_BYTES = 64 * 1024;
export const BODY_MAX_DEPTH = 16;
/** For all of a body. Nobody has been counted yet, so what is held for whoever drips must not be held for long. */
const PATIENCE_MS = 7000;
/** One charset only: the depth check below reads bytes. */
const PLAIN_JSON = /^application\/json *(; *charset="?utf-8"? *)?$/i;
/** How much of a body that is too large is read and thrown away. */
const DISCARD_MAX_BYTES = 16 * BODY_MAX_BYTES;
const utf8 = new TextDecoder('utf-8', { fatal: true });
const POISON = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Only plain JSON gets in: bounded in size and depth before it is parsed, and without keys that could reach a prototype.
 * A form or plain text could be sent by any web page without asking; JSON cannot.
 */
export function readJsonBody(request: Request, response: Response, next: NextFunction): void {
  const length = Number(request.headers['content-length'] ?? 0);
  if (length === 0 && request.headers['transfer-encoding'] === undefined) {
    next();
    return;
  }
  if (isRawBody(request, response, length)) {
    next();
    return;
  }
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity' || !PLAIN_JSON.test(request.headers['content-type'] ?? '')) {
    throw new UnsupportedMediaType('Send the body as application/json in UTF-8, uncompressed.');
  }
  collect(request, length)
    .then((bytes) => {
      request.body = parse(bytes);
      next();
    })
    .catch((error: unknown) => {
      if (error instanceof BodyTooLarge || error instanceof BodyTooSlow) response.setHeader('Connection', 'close');
      next(error);
    });
}

/** A body that is a little too long is read to its end, so that its sender sees the answer and not a broken connection. */
function collect(request: Request, announced: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const refuse = (): void => {
      reject(new BodyTooLarge(`A body may have ${String(BODY_MAX_BYTES)} bytes.`));
    };
    if (announced > DISCARD_MAX_BYTES) {
      refuse();
      return;
    }
    const patience = setTimeout(() => {
      // Nothing more of it is kept.
      size = Infinity;
      chunks.length = 0;
      reject(new BodyTooSlow('The body took too long.'));
    }, PATIENCE_MS).unref();
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= BODY_MAX_BYTES) chunks.push(chunk);
      else if (size > DISCARD_MAX_BYTES) refuse();
    });
    request.once('end', () => {
      clearTimeout(patience);
      if (size > BODY_MAX_BYTES) refuse();
      else resolve(Buffer.concat(chunks));
    });
    request.once('close', () => {
      clearTimeout(patience);
      reject(new InvalidRequest('The body ended too early.'));
    });
  });
}

function parse(bytes: Buffer): unknown {
  if (depthOf(bytes) > BODY_MAX_DEPTH) throw new InvalidRequest('The body is nested too deep.');
  let body: unknown;
  try {
    body = JSON.parse(utf8.decode(bytes));
  } catch {
    // The parser's own message repeats the body; this one does not.
    throw new InvalidRequest('The body is not valid JSON.');
  }
  if (hasPoison(body)) throw new InvalidRequest('The body has a key that no object may have.');
  return body;
}

/** Deepest nesting of brackets outside strings, found without parsing, so that depth is bounded before any recursion. */
export function depthOf(json: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  let quoted = false;
  for (let i = 0; i < json.length; i += 1) {
    const byte = json[i];
    if (quoted) {
      if (byte === 0x5c) i += 1;
      else if (byte === 0x22) quoted = false;
    } else if (byte === 0x22) quoted = true;
    else if (byte === 0x7b || byte === 0x5b) deepest = Math.max(deepest, (depth += 1));
    else if (byte === 0x7d || byte === 0x5d) depth -= 1;
  }
  return deepest;
}

export function hasPoison(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, inner]) => (!Array.isArray(value) && POISON.has(key)) || hasPoison(inner));
}
