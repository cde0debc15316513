import { Logger } from '@nestjs/common';
import type { ChainLog, Hex } from '@droppio/tips';
import { randomHex } from '@droppio/tips/testing';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { followed, JAR, testChain, type FollowOptions } from '../testing/follow-kit.js';
import { MemoryTipLedger } from '../testing/memory-tip-ledger.js';
import { aTx, ScriptedChain, type ScriptedTx } from '../testing/scripted-chain.js';
import { aRawTip, aTipLog } from '../testing/tip-log.js';
import type { ChainFollower } from './chain-follower.js';
import { FinalityAudit } from './finality-audit.js';

/** What the walk is told by one node may differ from what two agree on. */
class DoubtfulChain extends ScriptedChain {
  agreed: (logs: readonly ChainLog[]) => readonly ChainLog[] = (logs) => logs;
  readonly ranges: (readonly [number, number])[] = [];

  override async agreedLogs(...[from, to, filter]: Parameters<ScriptedChain['agreedLogs']>): Promise<readonly ChainLog[]> {
    this.ranges.push([from, to]);
    return this.agreed(await super.agreedLogs(from, to, filter));
  }
}

let chain: DoubtfulChain;
let ledger: MemoryTipLedger;
let followers: ChainFollower[];

beforeAll(() => {
  Logger.overrideLogger(false);
});
beforeEach(() => {
  chain = new DoubtfulChain(1, JAR);
  ledger = new MemoryTipLedger();
  followers = [];
});
afterEach(async () => {
  await Promise.all(followers.map((follower) => follower.stop()));
});

function follow(options: FollowOptions = {}): ChainFollower {
  const chainSettings = testChain({ quorum: { above: [], finalized: true } });
  const follower = followed(chain, ledger, { chain: chainSettings, ...options });
  followers.push(follower);
  return follower;
}

const aTipTx = (creator: Hex = randomHex(20)): ScriptedTx => aTx(aRawTip({ creator }));
const states = (): string[] => [...ledger.tips.values()].map(({ state }) => state);
const caughtUp = async (): Promise<void> => {
  await expect.poll(async () => (await ledger.cursor())?.hash, { interval: 2, timeout: 4000 }).toBe(chain.tip.hash);
};
/** Tips in blocks 1 to 3, of which two blocks are final by the word of the node. */
async function threeTips(): Promise<ChainFollower> {
  const follower = follow();
  for (let n = 0; n < 3; n += 1) chain.mine(aTipTx());
  await caughtUp();
  chain.settle({ safe: 3, finalized: 2 });
  return follower;
}

describe(FinalityAudit.name, () => {
  it('calls blocks final once two providers agree on just what is stored', async () => {
    await threeTips();
    await expect.poll(() => (chain.mine(), states()), { timeout: 5000, interval: 100 }).toEqual(['finalized', 'finalized', 'safe']);
    expect(chain.ranges).toEqual([[1, 2]]);
    chain.settle({ safe: 4, finalized: 4 });
    await expect.poll(() => (chain.mine(), states()), { timeout: 5000, interval: 100 }).toEqual(['finalized', 'finalized', 'finalized']);
    expect(chain.ranges).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  it('begins where the ledger is final, also when another leader brought it there', async () => {
    await threeTips();
    await expect.poll(() => (chain.mine(), states()), { timeout: 5000, interval: 100 }).toEqual(['finalized', 'finalized', 'safe']);
    await caughtUp();
    const { fence } = (await ledger.cursor()) ?? { fence: -1 };
    await ledger.finalize(1, fence, { finalized: chain.at(3) });
    chain.settle({ safe: 4, finalized: 4 });
    await expect
      .poll(() => (chain.mine(), chain.ranges), { timeout: 5000, interval: 100 })
      .toEqual([
        [1, 2],
        [4, 4],
      ]);
  });

  it('counts a log that was set aside as stored', async () => {
    const follower = follow();
    chain.mine(aTx(aRawTip({ amount: 0n })), aTipTx());
    chain.mine();
    await caughtUp();
    chain.settle({ finalized: 2 });
    await expect.poll(() => (chain.mine(), states()), { timeout: 5000, interval: 100 }).toEqual(['finalized']);
    expect(follower.notReady()).toBeUndefined();
  });

  it.each<[string, (logs: readonly ChainLog[]) => readonly ChainLog[], RegExp]>([
    ['one tip less: it was invented', (logs) => logs.slice(1), /0 missing, 1 invented, 0 changed/],
    [
      'one tip more: it was hidden',
      (logs) => [...logs, ...logs.slice(0, 1).map((log) => ({ ...log, logIndex: 99 }))],
      /1 missing, 0 invented, 0 changed/,
    ],
    [
      'another amount',
      (logs) => logs.map((log, index) => (index === 0 ? { ...log, data: aTipLog(aRawTip({ amount: 2n ** 200n })).data } : log)),
      /0 missing, 0 invented, 1 changed/,
    ],
    [
      'another creator',
      (logs) => logs.map((log, index) => (index === 0 ? { ...aTipLog(aRawTip()), ...log, topics: aTipLog(aRawTip()).topics } : log)),
      /0 missing, 0 invented, 1 changed/,
    ],
    [
      'another block',
      (logs) => logs.map((log, index) => (index === 0 ? { ...log, blockHash: randomHex(32) } : log)),
      /1 missing, 1 invented/,
    ],
  ])('calls nothing final when two providers agree on %s; says so, and goes on following', async (_, agreed, sentence) => {
    chain.agreed = agreed;
    const follower = await threeTips();
    await expect.poll(() => (chain.mine(), follower.notReady()), { timeout: 5000, interval: 100 }).toMatch(sentence);
    expect(follower.notReady()).toMatch(/Chain test: blocks 1 to 2 are not called final/);
    const late = aTipTx();
    chain.mine(late);
    await caughtUp();
    expect(states()).toEqual(['safe', 'safe', 'safe', 'confirmed']);
    expect(follower.notAlive()).toBeUndefined();
    expect(chain.ranges).toHaveLength(1);
  });

  it('waits, and says nothing wrong, while no two providers agree', async () => {
    chain.failNext('agreedLogs', 1_000_000);
    const follower = await threeTips();
    await expect.poll(() => (chain.mine(), states()), { timeout: 5000, interval: 100 }).toEqual(['safe', 'safe', 'safe']);
    expect(ledger.writes['finalize']).toBe(1);
    expect(follower.notReady()).toBeUndefined();
  });

  it('is not asked for where settings do not say so', async () => {
    const follower = follow({ chain: testChain() });
    chain.mine(aTipTx());
    await caughtUp();
    chain.settle({ finalized: 1 });
    await expect.poll(() => (chain.mine(), states()), { timeout: 5000, interval: 100 }).toEqual(['finalized']);
    expect(chain.ranges).toEqual([]);
    expect(follower.notReady()).toBeUndefined();
  });
});
