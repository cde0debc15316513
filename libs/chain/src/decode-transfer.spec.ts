import fc from 'fast-check';
import { toHex, type ChainLog, type Hex } from '@droppio/tips';
import { randomHex } from '@droppio/tips/testing';
import { decodeEventLog, encodeEventTopics, erc20Abi, toEventSelector } from 'viem';
import { describe, expect, it } from 'vitest';
import { decodeTransfer, payeeOf, TRANSFER_TOPIC } from './decode-transfer.js';
import { aRawTransfer, aTransferLog } from './testing/tip-log.js';

const hexOf = (bytes: number): fc.Arbitrary<Hex> =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value) => `0x${Buffer.from(value).toString('hex')}` as const);
const rawTransfer = fc.record({ token: hexOf(20), from: hexOf(20), to: hexOf(20), amount: fc.bigInt(0n, 2n ** 256n - 1n) });
const anyLog = fc.record({
  topics: fc.array(fc.oneof(hexOf(32), fc.constant(TRANSFER_TOPIC)), { maxLength: 4 }),
  data: fc.oneof(hexOf(32), hexOf(0), hexOf(31), hexOf(64)),
});

function byViem({ address, topics: [signature = '0x', ...rest], data }: ChainLog): unknown {
  const { args } = decodeEventLog({ abi: erc20Abi, eventName: 'Transfer', data, topics: [signature, ...rest] });
  return { token: address, from: toHex(args.from), to: toHex(args.to), amount: args.value };
}

describe(decodeTransfer.name, () => {
  it('looks for the topic of the standard', () => {
    expect(TRANSFER_TOPIC).toBe(toEventSelector('Transfer(address,address,uint256)'));
  });

  it('reads every transfer as a general decoder does', () => {
    fc.assert(
      fc.property(rawTransfer, (raw) => {
        const log = aTransferLog(raw);
        expect(log.topics).toEqual(encodeEventTopics({ abi: erc20Abi, eventName: 'Transfer', args: { from: raw.from, to: raw.to } }));
        expect(decodeTransfer(log)).toEqual(raw);
        expect(byViem(log)).toEqual(raw);
      }),
    );
  });

  it('reads nothing that a strict decoder would refuse', () => {
    fc.assert(
      fc.property(anyLog, (fields) => {
        const log = { ...aTransferLog(aRawTransfer()), ...fields };
        const read = decodeTransfer(log);
        if (read !== undefined) expect(byViem(log)).toEqual(read);
      }),
    );
  });

  it.each<[string, (log: ChainLog) => ChainLog]>([
    ['an NFT, whose id is a topic', (log) => ({ ...log, topics: [...log.topics, randomHex(32)], data: '0x' })],
    ['an NFT that has a word to say besides', (log) => ({ ...log, topics: [...log.topics, randomHex(32)] })],
    ['a token that indexes nothing', (log) => ({ ...log, topics: [TRANSFER_TOPIC], data: randomHex(96) })],
    ['another event', (log) => ({ ...log, topics: [randomHex(32), ...log.topics.slice(1)] })],
    ['no topics', (log) => ({ ...log, topics: [] })],
    ['an amount of two words', (log) => ({ ...log, data: randomHex(64) })],
    ['an amount of half a word', (log) => ({ ...log, data: randomHex(16) })],
    ['a receiver that is no address', (log) => ({ ...log, topics: [...log.topics.slice(0, 2), `0x01${randomHex(31).slice(2)}`] })],
    [
      'a sender that is no address',
      (log) => ({ ...log, topics: [TRANSFER_TOPIC, `0x01${randomHex(31).slice(2)}`, ...log.topics.slice(2)] }),
    ],
  ])('leaves alone %s', (_, damage) => {
    expect(decodeTransfer(damage(aTransferLog(aRawTransfer())))).toBeUndefined();
  });
});

describe(payeeOf.name, () => {
  it('names the receiver', () => {
    const raw = aRawTransfer();
    expect(payeeOf(aTransferLog(raw))).toBe(raw.to);
    expect(payeeOf({ ...aTransferLog(raw), topics: [TRANSFER_TOPIC] })).toBeUndefined();
  });
});
