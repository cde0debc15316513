import { describe, expect, it } from 'vitest';
import { randomHex } from '@droppio/tips/testing';
import { testChain } from '../testing/follow-kit.js';
import { filterVersion } from './filter-version.js';

describe(filterVersion.name, () => {
  const [one, two] = [1, 2].map(() => ({ address: randomHex(20), symbol: 'T', decimals: 6 }));
  const tokens = one !== undefined && two !== undefined ? [one, two] : [];
  const chain = testChain({ tokens, transfers: { tokens: true, native: false } });

  it('is the same for the same search, however it is written and shown', () => {
    const written = {
      ...chain,
      tokens: [...tokens].reverse().map((token) => ({ ...token, symbol: 'X' })),
      name: 'other',
      confirmations: 5,
    };
    expect(filterVersion(written)).toBe(filterVersion(chain));
    const [none, unused] = [
      { ...chain, tokens: [], transfers: { tokens: false, native: false } },
      { ...chain, transfers: { tokens: false, native: false } },
    ];
    expect(filterVersion(none)).toBe(filterVersion(unused));
  });

  it('is another one as soon as something else is looked for', () => {
    const others = [
      { ...chain, tipJar: randomHex(20) },
      { ...chain, tokens: tokens.slice(1) },
      { ...chain, transfers: { tokens: true, native: true } },
      { ...chain, transfers: { tokens: false, native: false } },
    ];
    expect(new Set([chain, ...others].map(filterVersion)).size).toBe(5);
  });
});
