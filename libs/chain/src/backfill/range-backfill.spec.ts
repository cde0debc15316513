import { Logger } from '@nestjs/common';
import { NotOurJob, type BackfillJob, type BlockRange } from '@droppio/tips';
import { ManualClock, randomHex, randomInt } from '@droppio/tips/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ChainSettings } from '../chain-settings.js';
import { JAR, testChain } from '../testing/follow-kit.js';
import { MemoryTipLedger } from '../testing/memory-tip-ledger.js';
import { PastChain } from '../testing/past-chain.js';
import { aTx } from '../testing/scripted-chain.js';
import { aRawTip } from '../testing/tip-log.js';
import { BackfillMetrics } from './backfill-metrics.js';
import { HistoryReader } from './history-reader.js';
import { logSieve } from './log-sieve.js';
import { RangeBackfill } from './range-backfill.js';
import { TipSpotter } from '../sight-tips.js';

Logger.overrideLogger(false);

const BLOCKS = 60;
const BEGUN = 50;
let chain: PastChain;
let ledger: MemoryTipLedger;
let clock: ManualClock;
const never = new AbortController().signal;

beforeEach(async () => {
  clock = new ManualClock();
  chain = new PastChain(1, JAR);
  for (let n = 0; n < BLOCKS; n += 1) chain.mine(...Array.from({ length: randomInt(3) }, () => aTx(aRawTip())));
  chain.settle({ finalized: BLOCKS });
  ledger = new MemoryTipLedger();
  await ledger.begin(1, chain.at(BEGUN));
});

function backfill(settings: Partial<ChainSettings> = {}, watched: ReadonlySet<`0x${string}`> = new Set()): RangeBackfill {
  const own = testChain(settings);
  const spotter = new TipSpotter(own, watched);
  const reader = new HistoryReader({
    nodes: chain,
    spotter,
    sieve: logSieve(own, watched),
    clock,
    paid: own.transfers.native ? watched : undefined,
  });
  const metrics = BackfillMetrics.unregistered();
  return new RangeBackfill(own, { ledger, nodes: chain, reader, clock, metrics, ready: () => Promise.resolve() });
}

const jobOf = (worker: RangeBackfill, range: BlockRange = { from: 0, to: 1000 }): BackfillJob => ({
  chainId: 1,
  filter: worker.filter,
  ...range,
  asked: range,
});
const keys = (): readonly string[] => [...ledger.tips.keys()].sort();
const expected = (to = BEGUN): readonly string[] =>
  chain.tips
    .filter(({ log }) => log.blockNumber <= to)
    .map(({ txHash }) => `1-${txHash}-0`)
    .sort();

describe(RangeBackfill.name, () => {
  it('stores exactly the tips of the settled blocks, finalised and untold, and leaves no hole', async () => {
    const worker = backfill();
    const found = await worker.work(jobOf(worker), never);
    expect(keys()).toEqual(expected());
    expect(found).toEqual({ blocks: BEGUN + 1, stored: expected().length, known: 0 });
    expect([...ledger.tips.values()].every(({ state }) => state === 'finalized')).toBe(true);
    expect(ledger.events.size).toBe(0);
    expect(await ledger.holes(1, worker.filter, { from: 0, to: BEGUN })).toEqual([]);
  });

  it('does nothing a second time', async () => {
    const worker = backfill();
    await worker.work(jobOf(worker), never);
    const asked = chain.ranges.length;
    expect(await worker.work(jobOf(worker), never)).toEqual({ blocks: 0, stored: 0, known: 0 });
    expect(chain.ranges).toHaveLength(asked);
  });

  it('asks only for what is not covered', async () => {
    const worker = backfill();
    await worker.work(jobOf(worker, { from: 10, to: 19 }), never);
    chain.ranges.length = 0;
    await worker.work(jobOf(worker, { from: 5, to: 30 }), never);
    expect(chain.ranges.every(({ from, to }) => to < 10 || from > 19)).toBe(true);
    expect(await ledger.holes(1, worker.filter, { from: 0, to: BEGUN })).toEqual([
      { from: 0, to: 4 },
      { from: 31, to: BEGUN },
    ]);
  });

  it('stays below what the nodes call final, by depth where they do not say', async () => {
    chain.settle({ finalized: 20 });
    const worker = backfill();
    await worker.work(jobOf(worker), never);
    expect(keys()).toEqual(expected(20));
    chain.settle({});
    await backfill({ finalityDepth: 30 }).work(jobOf(worker), never);
    expect(keys()).toEqual(expected(30));
    expect(await ledger.holes(1, worker.filter, { from: 0, to: BEGUN })).toEqual([{ from: 31, to: BEGUN }]);
  });

  it('leaves tips as the walk stored them', async () => {
    const worker = backfill();
    await worker.work(jobOf(worker), never);
    const [[key, tip] = ['', undefined]] = ledger.tips;
    if (tip !== undefined) tip.state = 'confirmed';
    const other = backfill({ tipJar: JAR, transfers: { tokens: false, native: true } });
    expect(other.filter).not.toBe(worker.filter);
    const found = await other.work(jobOf(other), never);
    expect(found).toMatchObject({ stored: 0, known: expected().length });
    expect(ledger.tips.get(key)?.state).toBe('confirmed');
  });

  it('keeps what it has when a node fails in the middle, and goes on from there', async () => {
    const worker = backfill();
    let asked = 0;
    const logsIn = chain.logsIn.bind(chain);
    chain.logsIn = (range, search) => ((asked += 1) === 4 ? Promise.reject(new Error('node away')) : logsIn(range, search));
    await expect(worker.work(jobOf(worker), never)).rejects.toThrow('node away');
    const left = await ledger.holes(1, worker.filter, { from: 0, to: BEGUN });
    expect(left).toEqual([{ from: 21, to: BEGUN }]);
    expect((await worker.work(jobOf(worker), never)).blocks).toBe(BEGUN - 20);
    expect(keys()).toEqual(expected());
  });

  it('reads a long hole from two places at once, and every block of it once', async () => {
    for (let n = BLOCKS; n < 700; n += 1) chain.mine(...Array.from({ length: randomInt(2) }, () => aTx(aRawTip())));
    chain.settle({ finalized: 700 });
    ledger = new MemoryTipLedger();
    await ledger.begin(1, chain.tip);
    const [running, most] = [{ now: 0 }, { ever: 0 }];
    const logsIn = chain.logsIn.bind(chain);
    chain.logsIn = async (range, search) => {
      running.now += 1;
      most.ever = Math.max(most.ever, running.now);
      await new Promise(setImmediate);
      running.now -= 1;
      return logsIn(range, search);
    };
    const worker = backfill();
    expect(await worker.work(jobOf(worker), never)).toEqual({ blocks: 701, stored: expected(700).length, known: 0 });
    expect(keys()).toEqual(expected(700));
    expect(await ledger.holes(1, worker.filter, { from: 0, to: 700 })).toEqual([]);
    expect(most.ever).toBe(2);
    const firsts = chain.ranges.map(({ from }) => from);
    expect(new Set(firsts).size).toBe(firsts.length);
  });

  it('ends both when one of two places fails', async () => {
    for (let n = BLOCKS; n < 700; n += 1) chain.mine();
    chain.settle({ finalized: 700 });
    ledger = new MemoryTipLedger();
    await ledger.begin(1, chain.tip);
    const logsIn = chain.logsIn.bind(chain);
    chain.logsIn = (range, search) => (range.from > 360 ? Promise.reject(new Error('node away')) : logsIn(range, search));
    const worker = backfill();
    await expect(worker.work(jobOf(worker), never)).rejects.toThrow('node away');
    const asked = chain.ranges.length;
    expect(asked).toBeLessThan(20);
    await new Promise(setImmediate);
    expect(chain.ranges).toHaveLength(asked);
  });

  it('believes no log of a block that is not the one at its height', async () => {
    const worker = backfill();
    const logsIn = chain.logsIn.bind(chain);
    chain.logsIn = async (range, search) => {
      const scanned = await logsIn(range, search);
      return { ...scanned, blocks: scanned.blocks.map((block) => ({ ...block, hash: randomHex(32) })) };
    };
    await expect(worker.work(jobOf(worker), never)).rejects.toMatchObject({ code: 'chain-unavailable', retryable: true });
    expect(keys()).toEqual([]);
  });

  it('asks for no header where the node tells the time along with the logs', async () => {
    chain.tellsTimes = true;
    const worker = backfill();
    await worker.work(jobOf(worker), never);
    expect(keys()).toEqual(expected());
    expect(chain.calls['blockByNumber'] ?? 0).toBe(0);
  });

  it('ends early when it is told to, and when its time is up, with the rest uncovered', async () => {
    const worker = backfill();
    const stopping = new AbortController();
    const logsIn = chain.logsIn.bind(chain);
    chain.logsIn = (range, search) => {
      if (range.from >= 14) stopping.abort();
      return logsIn(range, search);
    };
    await worker.work(jobOf(worker), stopping.signal);
    expect(await ledger.holes(1, worker.filter, { from: 0, to: BEGUN })).toEqual([{ from: 21, to: BEGUN }]);
    chain.logsIn = (range, search) => {
      clock.advance(4000);
      return logsIn(range, search);
    };
    await worker.work(jobOf(worker), never);
    const [left] = await ledger.holes(1, worker.filter, { from: 0, to: BEGUN });
    expect(left?.from).toBeGreaterThan(21);
    expect(left?.to).toBe(BEGUN);
  });

  it('finds coins that were sent straight to a wallet where these count, and only successful ones', async () => {
    const [wallet, stranger] = [randomHex(20), randomHex(20)];
    const own = new PastChain(1, JAR);
    const payment = { from: randomHex(20), to: wallet, amount: 5n };
    const paid = [aTx(), aTx(), aTx()].map((tx, n) => ({
      ...tx,
      payment: { ...payment, ...(n === 1 ? { fails: true } : {}), ...(n === 2 ? { to: stranger } : {}) },
    }));
    own.mine(aTx(aRawTip()), ...paid);
    own.mine();
    own.settle({ finalized: 2 });
    chain = own;
    ledger = new MemoryTipLedger();
    await ledger.begin(1, own.tip);
    const worker = backfill({ transfers: { tokens: false, native: true } }, new Set([wallet]));
    await worker.work(jobOf(worker), never);
    expect([...ledger.tips.values()].map(({ tip }) => tip.txHash).sort()).toEqual([own.tips[0]?.txHash, paid[0]?.hash].sort());
  });

  it('leaves a job alone that looks for something else', async () => {
    const worker = backfill();
    await expect(worker.work({ ...jobOf(worker), filter: 'another' }, never)).rejects.toThrow(NotOurJob);
    expect(chain.ranges).toEqual([]);
  });
});
