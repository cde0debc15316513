import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLogs } from './rpc-answer.js';
import { readWireLogs } from './wire-logs.js';

const hex = (chars: number): fc.Arbitrary<string> =>
  fc.tuple(fc.uint8Array({ minLength: chars / 2, maxLength: chars / 2 }), fc.boolean()).map(([bytes, isUpper]) => {
    const digits = Buffer.from(bytes).toString('hex');
    return `0x${isUpper ? digits.toUpperCase() : digits}`;
  });
const quantity = fc.nat(2 ** 40).map((value) => `0x${value.toString(16)}`);
const strange = fc.constantFrom<unknown>(
  '0x',
  '0X12',
  '12',
  7,
  null,
  undefined,
  [],
  {},
  `0x${'0'.repeat(63)}g`,
  '0x123',
  `0x${'1'.repeat(14)}`,
  true,
);
const field = (fine: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 30, arbitrary: fine }, { weight: 1, arbitrary: strange });

const wireLog = fc.record({
  address: field(hex(40)),
  topics: field(fc.array(hex(64), { maxLength: 5 })),
  data: field(fc.nat(3).chain((words) => hex(words * 64))),
  blockNumber: field(quantity),
  blockHash: field(hex(64)),
  transactionHash: field(hex(64)),
  transactionIndex: quantity,
  logIndex: field(quantity),
  removed: fc.constantFrom<unknown>(false, false, false, null, undefined, true, 'no'),
});

const attempt = (read: () => unknown): unknown => {
  try {
    return read();
  } catch {
    return 'refused';
  }
};

describe(readWireLogs.name, () => {
  it('reads and refuses just what the schema reads and refuses', () => {
    let read = 0;
    const check = fc.property(fc.array(wireLog, { maxLength: 3 }), (answer) => {
      const expected = attempt(() => parseLogs(answer));
      expect(attempt(() => readWireLogs(answer).map(({ log }) => log))).toEqual(expected);
      if (expected !== 'refused' && answer.length > 0) read += 1;
    });
    fc.assert(check, { numRuns: 2000 });
    expect(read).toBeGreaterThan(200);
  });

  it('refuses what is no list', () => {
    for (const answer of [null, undefined, {}, '[]', 5]) expect(() => readWireLogs(answer)).toThrow('no logs');
  });

  it('tells the time of the block where the node does, and nothing where it tells nonsense', () => {
    const fine = {
      address: `0x${'a'.repeat(40)}`,
      topics: [],
      data: '0x',
      blockNumber: '0x1',
      blockHash: `0x${'B'.repeat(64)}`,
      transactionHash: `0x${'c'.repeat(64)}`,
      logIndex: '0x0',
    };
    const times = [{ blockTimestamp: '0x64' }, {}, { blockTimestamp: 100 }, { blockTimestamp: null }, { blockTimestamp: 'soon' }];
    expect(readWireLogs(times.map((time) => ({ ...fine, ...time }))).map(({ timestampMs }) => timestampMs)).toEqual([
      100_000,
      ...Array.from({ length: 4 }, () => undefined),
    ]);
    expect(readWireLogs([fine])[0]?.log.blockHash).toBe(`0x${'b'.repeat(64)}`);
  });
});
