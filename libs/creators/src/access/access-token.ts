import { createHash, randomBytes } from 'node:crypto';

/** The prefix lets secret scanners find a leaked one. */
export const ACCESS_TOKEN_PREFIX = 'dro_pat_';
const SHAPE = /^dro_pat_[A-Za-z0-9_-]{43}$/;

/** 256 random bits, so that a fast hash is enough to store and nothing can be guessed or enumerated. */
export function newAccessToken(): string {
  return ACCESS_TOKEN_PREFIX + randomBytes(32).toString('base64url');
}

export function isAccessToken(text: string): boolean {
  return SHAPE.test(text);
}

/** What is stored and looked up: SHA-256 of the token's text. */
export function hashAccessToken(token: string): Uint8Array {
  return createHash('sha256').update(token).digest();
}
