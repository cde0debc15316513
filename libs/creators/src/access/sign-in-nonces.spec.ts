import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashNonce, NONCE_TTL_MS, SignInNonces } from './sign-in-nonces.js';

const old = { id: 1, secret: randomBytes(32) };
const fresh = { id: 2, secret: randomBytes(32) };
const now = 1_760_000_000_000;

describe(SignInNonces.name, () => {
  const nonces = new SignInNonces([old]);

  it('knows its own until they expire', () => {
    const { nonce, expiresAt } = nonces.issue(now);
    expect(nonce).toMatch(/^[0-9a-f]{76}$/);
    expect(expiresAt.getTime()).toBe(now + NONCE_TTL_MS);
    expect(nonces.expiryOf(nonce, now)).toEqual(expiresAt);
    expect(nonces.expiryOf(nonce, now + NONCE_TTL_MS - 1)).toEqual(expiresAt);
    expect(nonces.expiryOf(nonce, now + NONCE_TTL_MS)).toBeUndefined();
  });

  it('keeps them over a change of keys, and not beyond the old key', () => {
    const { nonce } = nonces.issue(now);
    expect(new SignInNonces([old, fresh]).expiryOf(nonce, now)).toBeDefined();
    expect(new SignInNonces([fresh]).expiryOf(nonce, now)).toBeUndefined();
  });

  it('knows none in which anything was changed', () => {
    const { nonce } = nonces.issue(now);
    fc.assert(
      fc.property(fc.nat(nonce.length - 1), fc.constantFrom('0', '1', '7', '9', 'a', 'f', 'F', '_'), (at, digit) => {
        const bent = nonce.slice(0, at) + digit + nonce.slice(at + 1);
        expect(nonces.expiryOf(bent, now) !== undefined).toBe(bent === nonce);
      }),
    );
  });

  it('keeps purposes apart', () => {
    const { nonce } = nonces.issue(now);
    const { nonce: other } = nonces.issue(now, 'wallet of ada');
    expect(nonces.expiryOf(nonce, now, 'wallet of ada')).toBeUndefined();
    expect(nonces.expiryOf(other, now)).toBeUndefined();
    expect(nonces.expiryOf(other, now, 'wallet of bea')).toBeUndefined();
    expect(nonces.expiryOf(other, now, 'wallet of ada')).toBeDefined();
  });

  it('issues none twice', () => {
    const issued = Array.from({ length: 1000 }, () => Buffer.from(hashNonce(nonces.issue(now).nonce)).toString('hex'));
    expect(new Set(issued).size).toBe(1000);
  });
});
