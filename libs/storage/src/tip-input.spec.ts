import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import type { SightedTip } from '@droppio/tips';
import { aBlock, aDisplay, aTip, randomHex } from '@droppio/tips/testing';
import { blockInput, isStorable, setAside, tipsJson, type BlockInput } from './tip-input.js';

const sort = (tips: readonly SightedTip[]): BlockInput => blockInput({ block: aBlock(), seenAtMs: 1, tips, quarantined: [] });

const storable = (text: string): boolean => !text.includes('\0') && Buffer.from(text, 'utf8').toString('utf8') === text;
const text = z.string().refine(storable);
const hex = (bytes: number): z.ZodType<string> => z.string().regex(new RegExp(`^0x[0-9a-f]{${String(bytes * 2)}}$`));
const int4 = z.number().int().min(0).max(2_147_483_647);
const amount = z.object({ raw: text, decimals: z.number(), symbol: text, chainId: z.number(), token: text });
/** What the tables hold, said as a schema. */
const StorableTip = z.object({
  txHash: hex(32),
  ordinal: int4,
  logIndex: int4,
  creator: hex(20),
  from: hex(20),
  token: hex(20),
  amount: z
    .bigint()
    .min(0n)
    .max(2n ** 256n - 1n),
  message: text.max(20_000),
  ref: hex(32),
  display: z.object({ tipId: text, name: text, from: text, amount, message: text, ref: text, txHash: text }).optional(),
});

const oddHex = fc.constantFrom('0x', `0x${'0'.repeat(63)}g`, `0x${'A'.repeat(40)}`, `0x${'a'.repeat(64)}\n`, 'b'.repeat(42));
const oddText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 4 }),
  fc.constantFrom('\0', '\ud800', 'a\udfffb', '\ud83d\ude00', 'x'.repeat(20_001)),
);
const oddNumber = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(-0, 2 ** 31 - 1, 2 ** 31, Number.NaN, Infinity));
const oddAmount = fc.oneof(fc.bigInt(), fc.constantFrom(-1n, 0n, 2n ** 256n - 1n, 2n ** 256n));
/** One field or none of a good tip is replaced. */
const tipLike = fc
  .oneof(
    fc.constant({}),
    fc.constantFrom('txHash', 'creator', 'from', 'token', 'ref').chain((field) => oddHex.map((value) => ({ [field]: value }))),
    fc.constantFrom('ordinal', 'logIndex').chain((field) => oddNumber.map((value) => ({ [field]: value }))),
    oddAmount.map((value) => ({ amount: value })),
    oddText.map((message) => ({ message })),
    oddText.map((name) => ({ display: aDisplay({ name }) })),
    oddText.map((symbol) => ({ display: { ...aDisplay(), amount: { ...aDisplay().amount, symbol } } })),
  )
  .map((fields): SightedTip => ({ ...aTip(), ...fields }));

describe(isStorable.name, () => {
  it('takes and refuses just what the schema takes and refuses', () => {
    const seen = { taken: 0, refused: 0 };
    const check = fc.property(tipLike, (tip) => {
      const { success } = StorableTip.safeParse(tip);
      expect(isStorable(tip)).toBe(success);
      seen[success ? 'taken' : 'refused'] += 1;
    });
    fc.assert(check, { numRuns: 3000 });
    expect(Math.min(seen.taken, seen.refused)).toBeGreaterThan(500);
  });
});

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

it('keeps where a bad log is, and not its data', () => {
  const log = {
    blockHash: randomHex(32),
    blockNumber: 7,
    txHash: randomHex(32),
    logIndex: 3,
    address: randomHex(20),
    topics: [randomHex(32)],
  };
  const data = randomHex(64);
  const { aside } = blockInput({
    block: aBlock(),
    seenAtMs: 1,
    tips: [],
    quarantined: [{ log: { ...log, data }, code: 'log-undecodable' }],
  });
  expect(JSON.parse(Buffer.from(aside[0]?.raw ?? '', 'hex').toString())).toEqual(log);
});

describe(setAside.name, () => {
  it('keeps what the chain says of a tip as bytes, and nothing that anybody wrote', () => {
    const tip = aTip({ amount: 2n ** 200n });
    const { tips, aside } = setAside(sort([tip]), tip, 'storage-refused');
    expect(tips).toEqual([]);
    const kept: unknown = JSON.parse(Buffer.from(aside[0]?.raw ?? '', 'hex').toString());
    const { txHash, ordinal, logIndex, creator, from, token, ref } = tip;
    expect(kept).toEqual({ txHash, ordinal, logIndex, creator, from, token, ref, amount: (2n ** 200n).toString() });
  });
});
