import { Logger } from '@nestjs/common';
import type { BlockCommit, ChainLog } from '@droppio/tips';
import { aBlock, ManualClock, randomHex } from '@droppio/tips/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { unregisteredMetrics } from '../metrics.js';
import { TipSpotter } from '../sight-tips.js';
import { JAR, testChain } from '../testing/follow-kit.js';
import { aRawTip, aTipLog } from '../testing/tip-log.js';
import { Preconfirmations } from './preconfirmations.js';

Logger.overrideLogger(false);

const HOUR_MS = 3_600_000;
const chain = testChain();
const spotter = new TipSpotter(chain);
let clock: ManualClock;
let early: Preconfirmations;

beforeEach(() => {
  clock = new ManualClock();
  early = new Preconfirmations(chain, 2, clock, unregisteredMetrics());
});

const aLog = (fields: Partial<ChainLog> = {}, amount = 5n): ChainLog => aTipLog(aRawTip({ amount }), { address: JAR, ...fields });
const block = (number: number, ...logs: readonly ChainLog[]): BlockCommit => ({
  block: aBlock({ number }),
  seenAtMs: 1,
  ...spotter.sight(logs),
});
/** Tells of it while block 10 is the newest. */
const tell = (...logs: readonly ChainLog[]) => {
  early.hear(logs, 77);
  return early.take(10);
};
const ordinals = (promised: ReturnType<Preconfirmations['take']>): number[] => promised?.tips.map(({ ordinal }) => ordinal) ?? [];

describe(Preconfirmations.name, () => {
  it('tells of a promised tip once, however often it comes', () => {
    const log = aLog();
    expect(early.hear([log], 77)).toBe(true);
    expect(early.take(10)).toMatchObject({ seenAtMs: 77, tips: [{ txHash: log.txHash, ordinal: 0 }] });
    expect(early.hear([log, log], 78)).toBe(false);
    expect(early.take(10)).toBeUndefined();
  });

  it('gives a tip the same rank as its block will, though its logs come one by one', () => {
    const txHash = randomHex(32);
    const logs = [2, 4, 9].map((logIndex) => aLog({ txHash, logIndex }));
    expect(logs.flatMap((log) => ordinals(tell(log)))).toEqual([0, 1, 2]);
    early.sealed(block(11, ...logs));
    early.sealed(block(20));
    expect(tell(aLog())).toBeDefined();
  });

  it('takes nothing from another contract, and nothing unreadable', () => {
    expect(tell(aLog({ address: randomHex(20) }), aLog({ data: '0x00' }))).toBeUndefined();
  });

  it('ignores the echo of a promise whose block has come', () => {
    const [told, untold] = [aLog(), aLog()];
    tell(told);
    early.hear([untold], 77);
    early.sealed(block(11, told, untold));
    expect(early.take(11)).toBeUndefined();
    expect(tell(told, untold)).toBeUndefined();
    early.sealed(block(30));
    expect(tell(aLog())).toBeDefined();
  });

  describe('a promise that is not kept', () => {
    it('stops the telling once its blocks are over', () => {
      tell(aLog());
      early.sealed(block(11));
      early.sealed(block(12));
      expect(early.hasNews).toBe(false);
      expect(early.hear([aLog()], 78)).toBe(true);
      early.sealed(block(13));
      expect(tell(aLog())).toBeUndefined();
    });

    it('is one whose block holds another payload, too', () => {
      const log = aLog({}, 5n);
      tell(log);
      early.sealed(block(11, { ...aLog({}, 6n), txHash: log.txHash }));
      expect(tell(aLog())).toBeUndefined();
    });

    it('is forgiven after an hour', () => {
      tell(aLog());
      early.sealed(block(13));
      clock.advance(HOUR_MS - 60_000);
      expect(tell(aLog())).toBeUndefined();
      clock.advance(120_000);
      expect(tell(aLog())).toBeDefined();
    });

    it('is put up with once in ten thousand, not more often', () => {
      const like = aLog();
      const keep = (count: number): void => {
        const logs = Array.from({ length: count }, () => ({ ...like, txHash: randomHex(32) }));
        tell(...logs);
        early.sealed(block(11, ...logs));
      };
      for (let n = 0; n < 5; n += 1) keep(2000);
      tell(aLog());
      early.sealed(block(13));
      expect(tell(aLog())).toBeDefined();
      early.sealed(block(13));
      expect(tell(aLog())).toBeUndefined();
    });
  });

  it('looks for promises to take back once at every height, and anew in every term', () => {
    expect(early.due(100)).toBe(98);
    expect(early.due(100)).toBe(98);
    early.dropped(100);
    expect(early.due(100)).toBeUndefined();
    expect(early.due(101)).toBe(99);
    early.dropped(101);
    // After a reorg.
    expect(early.due(100)).toBe(98);
    early.dropped(100);
    early.begin();
    expect(early.due(100)).toBe(98);
  });
});
