import fc from 'fast-check';
import { LogUndecodable, toHex, type ChainLog, type Hex } from '@droppio/tips';
import { randomHex } from '@droppio/tips/testing';
import { TIP_TOPIC as CONTRACT_TOPIC, tipJarAbi } from '@droppio/tip-jar';
import { decodeEventLog } from 'viem';
import { describe, expect, it } from 'vitest';
import { decodeTip, TIP_TOPIC } from './decode-tip.js';
import { aRawTip, aTipLog } from './testing/tip-log.js';

const hexOf = (bytes: number): fc.Arbitrary<Hex> =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value) => `0x${Buffer.from(value).toString('hex')}` as const);
const rawTip = fc.record({
  creator: hexOf(20),
  from: hexOf(20),
  token: hexOf(20),
  amount: fc.bigInt(0n, 2n ** 256n - 1n),
  message: fc.string({ unit: 'binary', maxLength: 300 }),
  ref: hexOf(32),
});

function byViem(log: ChainLog): unknown {
  const [signature, ...rest] = log.topics;
  if (signature === undefined) throw new Error('a log without topics');
  const { args } = decodeEventLog({ abi: tipJarAbi, eventName: 'Tip', data: log.data, topics: [signature, ...rest] });
  return { ...args, creator: toHex(args.creator), from: toHex(args.from), token: toHex(args.token) };
}

const reasonOf = (log: ChainLog): unknown => {
  try {
    return decodeTip(log, log.address);
  } catch (error) {
    return error instanceof LogUndecodable ? error.context['reason'] : error;
  }
};

/** The same log with one word of its data replaced. */
function withWord(log: ChainLog, index: number, word: string): ChainLog {
  const at = 2 + index * 64;
  return { ...log, data: toHex(log.data.slice(0, at) + word.padStart(64, '0') + log.data.slice(at + 64)) };
}

describe(decodeTip.name, () => {
  it('looks for the topic that the contract emits', () => {
    expect(TIP_TOPIC).toBe(CONTRACT_TOPIC);
  });

  it('reads every tip as a general decoder does', () => {
    fc.assert(
      fc.property(rawTip, (raw) => {
        const log = aTipLog(raw);
        expect(decodeTip(log, log.address)).toEqual(raw);
        expect(byViem(log)).toEqual(raw);
      }),
    );
  });

  it('leaves logs of other contracts and of other events alone', () => {
    const log = aTipLog(aRawTip());
    expect(decodeTip(log, randomHex(20))).toBeUndefined();
    expect(decodeTip({ ...log, topics: [randomHex(32), ...log.topics.slice(1)] }, log.address)).toBeUndefined();
    expect(decodeTip({ ...log, topics: [] }, log.address)).toBeUndefined();
  });

  it.each<[string, (log: ChainLog) => ChainLog]>([
    ['topics', (log) => ({ ...log, topics: log.topics.slice(0, 2) })],
    ['topics', (log) => ({ ...log, topics: [...log.topics, randomHex(32)] })],
    ['address', (log) => ({ ...log, topics: [TIP_TOPIC, `0x${'1'.repeat(64)}`, ...log.topics.slice(2)] })],
    ['address', (log) => withWord(log, 0, 'f'.repeat(64))],
    ['too-short', (log) => ({ ...log, data: '0x' })],
    ['too-short', (log) => ({ ...log, data: toHex(log.data.slice(0, 2 + 4 * 64)) })],
    ['message-offset', (log) => withWord(log, 2, '0')],
    ['message-offset', (log) => withWord(log, 2, 'f'.repeat(64))],
    ['message-length', (log) => withWord(log, 4, 'f'.repeat(64))],
    ['message-length', (log) => withWord(log, 4, 'ffff')],
    ['message-length', (log) => ({ ...log, data: `${log.data}00` })],
    ['invalid-utf8', (log) => withWord(log, 5, 'ff'.repeat(32))],
  ])('refuses a log with a wrong %s', (reason, damage) => {
    expect(reasonOf(damage(aTipLog(aRawTip({ message: 'twenty-one characters' }))))).toBe(reason);
  });

  it('reads a log with a damaged byte as a general decoder does, or refuses it', () => {
    const seen = { read: 0, refused: 0 };
    fc.assert(
      fc.property(rawTip, fc.nat(), fc.integer({ min: 1, max: 255 }), (raw, at, change) => {
        const bytes = Buffer.from(aTipLog(raw).data.slice(2), 'hex');
        const place = at % bytes.length;
        bytes.writeUInt8(bytes.readUInt8(place) ^ change, place);
        const log = { ...aTipLog(raw), data: toHex(`0x${bytes.toString('hex')}`) };
        const read = reasonOf(log);
        if (typeof read === 'string') {
          seen.refused += 1;
          return;
        }
        seen.read += 1;
        expect(byViem(log)).toEqual(read);
      }),
      { numRuns: 500 },
    );
    expect(Math.min(seen.read, seen.refused)).toBeGreaterThan(0);
  });

  it('either reads or refuses whatever bytes it is given', () => {
    const words = fc.array(
      fc.oneof(
        hexOf(32),
        fc.nat({ max: 300 }).map((n) => `0x${n.toString(16).padStart(64, '0')}`),
      ),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(words, (list) => {
        const log = { ...aTipLog(aRawTip()), data: toHex(`0x${list.map((word) => word.slice(2)).join('')}`) };
        const read = reasonOf(log);
        expect(typeof read === 'string' || (typeof read === 'object' && read !== null && 'amount' in read)).toBe(true);
      }),
    );
  });
});
