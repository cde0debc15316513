import { describe, expect, it } from 'vitest';
import { hashAccessToken, isAccessToken, newAccessToken } from './access-token.js';

describe(newAccessToken.name, () => {
  it('carries 256 bits behind a prefix that scanners know', () => {
    const token = newAccessToken();
    expect(token).toMatch(/^dro_pat_[A-Za-z0-9_-]{43}$/);
    expect(Buffer.from(token.slice(8), 'base64url')).toHaveLength(32);
    expect(isAccessToken(token)).toBe(true);
  });

  it('never gives one twice', () => {
    expect(new Set(Array.from({ length: 1000 }, newAccessToken)).size).toBe(1000);
  });
});

describe(isAccessToken.name, () => {
  it.each([
    '',
    'dro_pat_',
    `dro_pat_${'a'.repeat(42)}`,
    `dro_pat_${'a'.repeat(44)}`,
    `dro_ov_${'a'.repeat(43)}`,
    `dro_pat_${'a'.repeat(42)}\n`,
  ])('refuses %j before any look-up', (text) => {
    expect(isAccessToken(text)).toBe(false);
  });
});

describe(hashAccessToken.name, () => {
  it('is SHA-256 of the text', () => {
    expect(Buffer.from(hashAccessToken('abc')).toString('hex')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });
});
