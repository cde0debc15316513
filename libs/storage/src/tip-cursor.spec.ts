import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidCursor, TIP_STATES, toHex, type TipFilter } from '@droppio/tips';
import { decodeCursor, encodeCursor, walkName } from './tip-cursor.js';

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((all) => toHex(`0x${Buffer.from(all).toString('hex')}`));
const count = fc.maxSafeNat();
const int4 = fc.nat(2_147_483_647);
const place = fc.record({
  timeMs: count,
  chainId: count.map((n) => Math.max(1, n)),
  block: count,
  logIndex: int4,
  txHash: hex(32),
  ordinal: int4,
});
const filter: fc.Arbitrary<TipFilter> = fc.record(
  {
    fromMs: count,
    beforeMs: count,
    chainId: count,
    token: fc.record({ chainId: count, address: hex(20) }),
    sender: hex(20),
    wallet: hex(20),
    states: fc.uniqueArray(fc.constantFrom(...TIP_STATES), { minLength: 1 }),
    minimum: fc.bigInt({ min: 0n, max: 2n ** 256n }),
  },
  { requiredKeys: [] },
);
const told = (of: TipFilter) => fc.stringify({ ...of, states: of.states && [...of.states].sort() });
const walk = fc.record({ creatorId: fc.uuid(), filter });

describe(decodeCursor.name, () => {
  it('gives the very place back to the walk that made the cursor', () => {
    fc.assert(
      fc.property(walk, place, (query, at) => {
        const text = encodeCursor(walkName(query), at);
        expect(text).toMatch(/^[A-Za-z0-9_-]{1,256}$/);
        expect(decodeCursor(walkName(query), text)).toEqual(at);
      }),
    );
  });

  it('refuses the cursor of any other walk', () => {
    fc.assert(
      fc.property(walk, walk, place, (one, other, at) => {
        fc.pre(one.creatorId !== other.creatorId || told(one.filter) !== told(other.filter));
        expect(() => decodeCursor(walkName(other), encodeCursor(walkName(one), at))).toThrow(InvalidCursor);
      }),
    );
  });

  it('refuses it as soon as one part of the filter is another', () => {
    fc.assert(
      fc.property(walk, walk, place, ({ creatorId, filter: one }, { filter: other }, at) => {
        for (const part of Object.keys(other)) {
          const changed: TipFilter = { ...one, [part]: other[part as keyof TipFilter] };
          if (told(changed) === told(one)) continue;
          const cursor = encodeCursor(walkName({ creatorId, filter: one }), at);
          expect(() => decodeCursor(walkName({ creatorId, filter: changed }), cursor)).toThrow(InvalidCursor);
        }
      }),
    );
  });

  it('does not mind in which order, or how often, states are named', () => {
    const states = ['safe', 'finalized', 'safe'] as const;
    expect(walkName({ creatorId: 'x', filter: { states } })).toBe(walkName({ creatorId: 'x', filter: { states: ['finalized', 'safe'] } }));
  });

  it('refuses whatever is not written as we write it', () => {
    const at = { timeMs: 1, chainId: 1, block: 1, logIndex: 0, txHash: toHex(`0x${'ab'.repeat(32)}`), ordinal: 0 };
    const good = encodeCursor('walk', at);
    const json = Buffer.from(good, 'base64url').toString();
    const spelled = [
      `${good}=`,
      `${good}A`,
      ` ${good}`,
      ...[json.replace(',', ', '), json.replace('ab', 'AB'), json.replace('[', '[ ')].map((text) =>
        Buffer.from(text).toString('base64url'),
      ),
    ];
    for (const text of spelled) expect(() => decodeCursor('walk', text)).toThrow(InvalidCursor);
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.base64String(),
          fc.json().map((text) => Buffer.from(text).toString('base64url')),
        ),
        (text) => {
          expect(() => decodeCursor('walk', text)).toThrow(InvalidCursor);
        },
      ),
    );
  });
});
