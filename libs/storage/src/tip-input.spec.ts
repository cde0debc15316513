import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SightedTip } from '@droppio/tips';
import { aBlock, aDisplay, aTip, randomHex } from '@droppio/tips/testing';
import { blockInput, setAside, tipsJson, type BlockInput } from './tip-input.js';

const sort = (tips: readonly SightedTip[]): BlockInput => blockInput({ block: aBlock(), seenAtMs: 1, tips, quarantined: [] });

describe(blockInput.name, () => {
  it('puts tips in log order', () => {
    const tips = [3, 1, 2].map((logIndex) => aTip({ logIndex }));
    expect(sort(tips).tips.map(({ logIndex }) => logIndex)).toEqual([1, 2, 3]);
  });

  it.each([
    ['a NUL in the message', { message: 'a\0' }],
    ['half of a surrogate pair', { message: '\udc00' }],
    ['an endless message', { message: 'x'.repeat(20_001) }],
    ['a negative amount', { amount: -1n }],
    ['more than a token can hold', { amount: 2n ** 256n }],
    ['a short address', { from: '0x00' }],
    ['upper case', { creator: `0x${'A'.repeat(40)}` }],
    ['a fraction of an ordinal', { ordinal: 0.5 }],
    ['an ordinal beyond int4', { ordinal: 2 ** 31 }],
    ['a NUL in what is shown', { display: aDisplay({ name: 'a\0' }) }],
    ['half a pair in what is shown', { display: aDisplay({ message: '\ud800x' }) }],
  ] as const)('sets aside %s', (_what, fields) => {
    const input = sort([aTip(fields)]);
    expect(input.tips).toEqual([]);
    expect(input.aside).toMatchObject([{ logIndex: 0, code: 'tip-invalid' }]);
  });

  it('gives a tip without a usable log index a place of its own', () => {
    const input = sort([aTip({ logIndex: -5 }), aTip({ logIndex: Number.NaN })]);
    expect(new Set(input.aside.map(({ logIndex }) => logIndex)).size).toBe(2);
    for (const { logIndex } of input.aside) expect(logIndex).toBeLessThan(0);
  });

  it('stores the first of two tips with one key', () => {
    const txHash = randomHex(32);
    const input = sort([aTip({ txHash, logIndex: 0 }), aTip({ txHash, logIndex: 1 }), aTip({ txHash, ordinal: 1, logIndex: 2 })]);
    expect(input.tips.map(({ logIndex }) => logIndex)).toEqual([0, 2]);
    expect(input.aside).toMatchObject([{ logIndex: 1, code: 'tip-repeated' }]);
  });

  it('loses nothing, whatever a message holds: each tip is in or aside, and what is in can be stored', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 20 }), { maxLength: 6 }), (messages) => {
        const input = sort(messages.map((message, logIndex) => aTip({ message, logIndex })));
        expect(input.tips.length + input.aside.length).toBe(messages.length);
        expect(tipsJson(input.tips)).not.toMatch(/\\u0000|\\ud[89a-f]/i);
      }),
    );
  });
});

describe(setAside.name, () => {
  it('keeps the whole tip as bytes', () => {
    const tip = aTip({ amount: 2n ** 200n });
    const { tips, aside } = setAside(sort([tip]), tip, 'storage-refused');
    expect(tips).toEqual([]);
    const kept: unknown = JSON.parse(Buffer.from(aside[0]?.raw ?? '', 'hex').toString());
    expect(kept).toMatchObject({ txHash: tip.txHash, amount: (2n ** 200n).toString(), message: tip.message });
  });
});
