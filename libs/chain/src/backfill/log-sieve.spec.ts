import fc from 'fast-check';
import type { ChainLog, Hex } from '@droppio/tips';
import { describe, expect, it } from 'vitest';
import { TIP_TOPIC } from '../decode-tip.js';
import { TRANSFER_TOPIC } from '../decode-transfer.js';
import { readWireLogs } from '../nodes/wire-logs.js';
import { TipSpotter } from '../sight-tips.js';
import { JAR, testChain } from '../testing/follow-kit.js';
import { logOf } from '../testing/scripted-node.js';
import { aTipLog, aRawTip } from '../testing/tip-log.js';
import { logSieve } from './log-sieve.js';

const address = (n: number): Hex => `0x${n.toString(16).padStart(40, 'a')}`;
const topicOf = (wallet: Hex): Hex => `0x${'0'.repeat(24)}${wallet.slice(2)}`;
const [TOKEN, UNLISTED, OURS] = [address(1), address(2), address(3)];
const people = [OURS, address(4), address(5)];
const chain = testChain({ tokens: [{ address: TOKEN, symbol: 'T', decimals: 6 }], transfers: { tokens: true, native: false } });

const person = fc.constantFrom(...people);
const transfer = fc
  .record({
    token: fc.constantFrom(TOKEN, UNLISTED, JAR),
    from: person,
    to: person,
    topic: fc.constantFrom(TRANSFER_TOPIC, TRANSFER_TOPIC, TIP_TOPIC),
    isNft: fc.boolean(),
  })
  .map(({ token, from, to, topic, isNft }) => ({
    address: token,
    topics: [topic, topicOf(from), topicOf(to), ...(isNft ? [topicOf(to)] : [])],
    data: `0x${'0'.repeat(63)}7` as const,
  }));
const tip = fc.record({ creator: person, from: person }).map((fields) => aTipLog(aRawTip(fields), { address: JAR }));
/** Some logs in some transactions, in the order of one block. */
const block = fc.array(fc.tuple(fc.oneof(transfer, tip), fc.nat(4)), { maxLength: 12 }).map((entries) =>
  [...entries]
    .sort(([, a], [, b]) => a - b)
    .map(([log, tx], logIndex): ChainLog => ({
      ...log,
      blockHash: topicOf(address(9)),
      blockNumber: 9,
      txHash: topicOf(address(100 + tx)),
      logIndex,
    })),
);

describe(logSieve.name, () => {
  it('lets through whatever makes a tip, whole transactions, in whatever case the node writes', () => {
    const watched = new Set([OURS]);
    const spotter = new TipSpotter(chain, watched);
    const sieve = logSieve(chain, watched);
    let found = 0;
    fc.assert(
      fc.property(block, fc.boolean(), (logs, isUpper) => {
        const wire = logs
          .map(logOf)
          .map((log) => (isUpper ? { ...log, address: `0x${String(log['address']).slice(2).toUpperCase()}` } : log));
        const sifted = readWireLogs(wire, sieve).map(({ log }) => log);
        expect(spotter.sight(sifted)).toEqual(spotter.sight(logs));
        found += spotter.sight(logs).tips.length;
      }),
    );
    expect(found).toBeGreaterThan(20);
  });

  it('keeps away what pays strangers, and does not even check it', () => {
    const strangers = {
      address: TOKEN,
      topics: [TRANSFER_TOPIC, topicOf(people[1] ?? OURS), topicOf(people[2] ?? OURS)],
      transactionHash: 'nonsense',
    };
    expect(readWireLogs([strangers, strangers], logSieve(chain, new Set([OURS])))).toEqual([]);
    expect(() => readWireLogs([strangers], logSieve(chain, new Set(people)))).toThrow('no logs');
    for (const broken of [null, 5, { ...strangers, topics: 'x' }, { ...strangers, address: 5 }])
      expect(() => readWireLogs([broken], logSieve(chain, new Set([OURS])))).toThrow('no logs');
  });
});
