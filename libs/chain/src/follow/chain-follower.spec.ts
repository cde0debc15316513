import { Logger } from '@nestjs/common';
import { NotFound, tipId, type CommitOutcome, type FinalizeOutcome, type Hex } from '@droppio/tips';
import { randomHex, randomInt } from '@droppio/tips/testing';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { followed, JAR, NotingRelay, QUICK_LEASE, testChain, type FollowOptions } from '../testing/follow-kit.js';
import { MemoryTipLedger } from '../testing/memory-tip-ledger.js';
import { aTx, ScriptedChain, type ScriptedTx } from '../testing/scripted-chain.js';
import { aRawTip } from '../testing/tip-log.js';
import { ChainFollower } from './chain-follower.js';

let chain: ScriptedChain;
let ledger: MemoryTipLedger;
let followers: ChainFollower[];

beforeAll(() => {
  Logger.overrideLogger(false);
});
beforeEach(() => {
  chain = new ScriptedChain(1, JAR);
  ledger = new MemoryTipLedger();
  followers = [];
});
afterEach(async () => {
  await Promise.all(followers.map((follower) => follower.stop()));
});

function follow(options: FollowOptions = {}): ChainFollower {
  const follower = followed(chain, ledger, options);
  followers.push(follower);
  return follower;
}

const aTipTx = (creator: Hex = randomHex(20)): ScriptedTx => aTx(aRawTip({ creator }));
const ids = (...txs: readonly ScriptedTx[]): string[] =>
  txs.flatMap((tx) => tx.tips.map((_, ordinal) => tipId({ chainId: 1, txHash: tx.hash, ordinal })));
const caughtUp = async (): Promise<void> => {
  await expect.poll(async () => (await ledger.cursor())?.hash, { interval: 2, timeout: 4000 }).toBe(chain.tip.hash);
};
const types = (creator: Hex): string[] => (ledger.events.get(creator) ?? []).map((event) => event.type);

describe(ChainFollower.name, () => {
  it('commits every block in order and tells the relay of every creator that got something', async () => {
    const relay = new NotingRelay();
    const [one, two] = [randomHex(20), randomHex(20)];
    follow({ relay });
    const txs = [aTipTx(one), aTipTx(two), aTipTx(one)];
    chain.mine(...txs.slice(0, 2));
    chain.mine();
    chain.mine(...txs.slice(2));
    await caughtUp();
    expect(ledger.standing).toEqual(ids(...txs));
    expect(relay.drained).toEqual(expect.arrayContaining([one, two]));
  });

  it('asks for no logs of a block whose bloom excludes the jar, when the reader can tell', async () => {
    follow();
    chain.mine();
    await caughtUp();
    expect(chain.calls['logs']).toBe(1);
  });

  it('finds its start below the head when none is configured, and at the configured block otherwise', async () => {
    const old = aTipTx();
    chain.mine(old);
    for (let n = 0; n < 30; n += 1) chain.mine();
    const recent = aTipTx();
    chain.mine(recent);
    const { startBlock, ...rest } = testChain();
    expect(startBlock).toBe(0);
    follow({ chain: rest });
    await caughtUp();
    expect(ledger.standing).toEqual(ids(recent));
    const other = new MemoryTipLedger();
    followers.push(followed(chain, other, { chain: testChain({ startBlock: 1 }) }));
    await expect.poll(() => other.height).toBe(chain.tip.number);
    expect(other.standing).toEqual(ids(old, recent));
  });

  it('walks every block that it missed while it was down', async () => {
    const first = follow();
    chain.mine();
    await caughtUp();
    await first.stop();
    const txs = Array.from({ length: 400 }, () => aTipTx());
    for (const tx of txs) chain.mine(tx);
    follow();
    await caughtUp();
    expect(ledger.standing).toEqual(ids(...txs));
    expect(ledger.writes['commit']).toBe(401);
  });

  describe('a fork', () => {
    it('is stored in one step: what is only in the old branch is retracted, what is in both stays', async () => {
      const [gone, kept, fresh] = [aTipTx(randomHex(20)), aTipTx(randomHex(20)), aTipTx(randomHex(20))];
      follow();
      chain.mine();
      chain.mine(gone);
      chain.mine(kept);
      await caughtUp();
      chain.reorg(2, [[kept], [], [fresh]]);
      await caughtUp();
      expect([...ledger.standing].sort()).toEqual(ids(kept, fresh).sort());
      expect(ledger.writes['reorganise']).toBe(1);
      const creatorOf = (tx: ScriptedTx): Hex => tx.tips[0]?.creator ?? '0x';
      expect(types(creatorOf(gone))).toEqual(['tip', 'tip.retracted']);
      expect(types(creatorOf(kept))).toEqual(['tip']);
      expect(types(creatorOf(fresh))).toEqual(['tip']);
    });

    it('at the same height is followed as soon as the best head is on it', async () => {
      const [old, next] = [aTipTx(), aTipTx()];
      follow();
      chain.mine(old);
      await caughtUp();
      chain.reorg(1, [[next]]);
      await caughtUp();
      expect(ledger.standing).toEqual(ids(next));
    });

    it('to a shorter chain is followed, too', async () => {
      follow();
      for (let n = 0; n < 5; n += 1) chain.mine(aTipTx());
      await caughtUp();
      const last = aTipTx();
      chain.reorg(4, [[last]]);
      await caughtUp();
      expect(ledger.height).toBe(2);
      expect(ledger.standing).toContain(ids(last)[0]);
      expect(ledger.standing).toHaveLength(2);
    });

    it('that goes back and forth ends on the branch that stands', async () => {
      const tx = aTipTx();
      follow();
      chain.mine();
      for (let n = 0; n < 10; n += 1) {
        chain.reorg(1, [[tx], []]);
        chain.reorg(2, [[], [tx]]);
      }
      await caughtUp();
      expect(ledger.standing).toEqual(ids(tx));
    });

    it('is not seen in a known block that a lagging node tells again', async () => {
      follow();
      const first = chain.mine(aTipTx());
      chain.mine();
      chain.mine(aTipTx());
      await caughtUp();
      const asked = chain.calls['head'];
      chain.push(first);
      chain.mine();
      await caughtUp();
      expect(ledger.writes['reorganise']).toBeUndefined();
      expect(chain.calls['head']).toBe(asked);
    });

    it('is not seen in a dead branch that only a stale node still tells', async () => {
      chain.remembers = true;
      follow();
      chain.mine();
      const dead = chain.mine(aTipTx());
      await caughtUp();
      chain.reorg(1, [[aTipTx()], []]);
      await caughtUp();
      chain.push(dead);
      chain.mine();
      await caughtUp();
      expect(ledger.writes['reorganise']).toBe(1);
    });

    it('below the finalised block stops this chain for good and says so', async () => {
      chain.settle({ finalized: 0 });
      const follower = follow();
      for (let n = 0; n < 6; n += 1) chain.mine(aTipTx());
      chain.settle({ safe: 4, finalized: 3 });
      chain.mine();
      await expect.poll(() => ledger.writes['finalize'], { timeout: 4000 }).toBeGreaterThan(0);
      await caughtUp();
      const standing = [...ledger.standing];
      chain.reorg(5, [[], [], [], [], [], []]);
      await expect.poll(() => follower.notReady()).toMatch(/needs a person/);
      chain.mine();
      expect(ledger.standing).toEqual(standing);
      expect(ledger.writes['reorganise']).toBeUndefined();
      expect(follower.notAlive()).toBeUndefined();
    });

    it('deeper than the window stops this chain for good', async () => {
      const follower = follow({ chain: testChain({ window: 8 }) });
      for (let n = 0; n < 40; n += 1) chain.mine();
      await caughtUp();
      await follower.stop();
      const next = follow({ chain: testChain({ window: 8 }) });
      await expect.poll(() => next.notReady()).toBeUndefined();
      chain.reorg(
        20,
        Array.from({ length: 25 }, () => []),
      );
      await expect.poll(() => next.notReady()).toMatch(/needs a person/);
    });
  });

  it('waits for the configured number of blocks on top, and hides a fork above them', async () => {
    follow({ chain: testChain({ confirmations: 3 }) });
    const [early, hidden, late] = [aTipTx(), aTipTx(), aTipTx()];
    chain.mine(early);
    chain.mine();
    chain.mine(hidden);
    await expect.poll(() => ledger.height).toBe(1);
    expect(ledger.standing).toEqual(ids(early));
    chain.reorg(1, [[late], [], []]);
    await expect.poll(() => ledger.height).toBe(3);
    expect(ledger.standing).toEqual(ids(early, late));
    expect(ledger.writes['reorganise']).toBeUndefined();
  });

  it('counts only blocks that it has walked as lying on top: a head far away is one node’s word', async () => {
    for (let n = 0; n < 128; n += 1) chain.mine();
    const far = { ...chain.tip, number: 1_000_000, hash: randomHex(32), parentHash: randomHex(32) };
    chain.head = () => Promise.resolve(far);
    follow({ chain: testChain({ confirmations: 3 }) });
    await expect.poll(() => chain.doubted, { timeout: 4000 }).toContain(far.hash);
    expect(ledger.height).toBe(126);
  });

  it('raises states up to the tags of the chain, once each', async () => {
    follow();
    const [one, two] = [aTipTx(), aTipTx()];
    chain.mine(one);
    chain.mine(two);
    await caughtUp();
    chain.settle({ safe: 2, finalized: 1 });
    await expect
      .poll(() => (chain.mine(), [...ledger.tips.values()].map(({ state }) => state)), { timeout: 5000, interval: 100 })
      .toEqual(['finalized', 'safe']);
    expect(ledger.writes['finalize']).toBe(1);
  });

  it('lets a block that comes while many old tips are raised go first', async () => {
    const tips = 8;
    const order: string[] = [];
    ledger = new (class extends MemoryTipLedger {
      override raisedAtOnce = 1;
      override commit(...args: Parameters<MemoryTipLedger['commit']>): Promise<CommitOutcome> {
        if (chain.tip.number > tips) order.push('commit');
        return super.commit(...args);
      }
      override async finalize(...args: Parameters<MemoryTipLedger['finalize']>): Promise<FinalizeOutcome> {
        order.push('finalize');
        if (order.length === 1) chain.mine();
        await new Promise(setImmediate);
        return super.finalize(...args);
      }
    })();
    for (let n = 0; n < tips; n += 1) chain.mine(aTipTx());
    chain.settle({ safe: tips, finalized: tips });
    follow();
    await expect.poll(() => [...ledger.tips.values()].filter(({ state }) => state === 'finalized')).toHaveLength(tips);
    expect(order).toEqual(['finalize', 'commit', ...Array.from({ length: tips - 1 }, () => 'finalize')]);
  });

  it('undoes nothing below a mark whose tips are being raised', async () => {
    let isHeld = true;
    ledger = new (class extends MemoryTipLedger {
      override async finalize(...args: Parameters<MemoryTipLedger['finalize']>): Promise<FinalizeOutcome> {
        const outcome = await super.finalize(...args);
        await new Promise((resolve) => setTimeout(resolve, 5));
        return isHeld && outcome.kind === 'committed' ? { ...outcome, more: true } : outcome;
      }
    })();
    for (let n = 0; n < 6; n += 1) chain.mine(aTipTx());
    chain.settle({ safe: 4, finalized: 3 });
    const follower = follow();
    await expect.poll(() => ledger.writes['finalize'] ?? 0).toBeGreaterThan(1);
    chain.reorg(5, [[], [], [], [], [], []]);
    await expect.poll(() => follower.notReady()).toMatch(/needs a person/);
    isHeld = false;
    expect(ledger.writes['reorganise']).toBeUndefined();
  });

  it('counts depth where a chain has no tags', async () => {
    follow({ chain: testChain({ finalityDepth: 3 }) });
    const tx = aTipTx();
    chain.mine(tx);
    await expect
      .poll(() => (chain.mine(), [...ledger.tips.values()].map(({ state }) => state)), { timeout: 5000, interval: 100 })
      .toEqual(['finalized']);
  });

  it('sets unreadable logs aside and goes on', async () => {
    follow();
    const poison: ScriptedTx = { hash: randomHex(32), tips: [aRawTip({ amount: 0n })] };
    const fine = aTipTx();
    chain.mine(poison, fine);
    await caughtUp();
    expect(ledger.standing).toEqual(ids(fine));
    expect(ledger.quarantine).toMatchObject([{ code: 'zero-amount' }]);
  });

  it('loses nothing when nodes fail at every step', async () => {
    const txs: ScriptedTx[] = [];
    follow();
    for (let n = 0; n < 30; n += 1) {
      const tx = aTipTx();
      txs.push(tx);
      chain.failNext(n % 3 === 0 ? 'logs' : n % 3 === 1 ? 'blockByHash' : 'head', 1 + randomInt(2));
      chain.pushes = n % 4 !== 0;
      chain.mine(tx);
    }
    chain.pushes = true;
    chain.mine();
    await caughtUp();
    expect(ledger.standing).toEqual(ids(...txs));
  });

  it('is not stopped for good by a ledger that refuses a block: what is refused today may fit tomorrow', async () => {
    let refusals = 3;
    const commit = ledger.commit.bind(ledger);
    ledger.commit = (...args) => {
      refusals -= 1;
      return refusals < 0 ? commit(...args) : Promise.reject(new NotFound('no such table'));
    };
    const follower = follow();
    const tx = aTipTx();
    chain.mine(tx);
    await caughtUp();
    expect(ledger.standing).toEqual(ids(tx));
    expect(follower.notReady()).toBeUndefined();
  });

  it('tells of what was committed although the relay of one creator hangs', async () => {
    const [stuck, other] = [randomHex(20), randomHex(20)];
    const relay = new NotingRelay();
    relay.drain = (creatorId) => {
      relay.drained.push(creatorId);
      return creatorId === stuck ? new Promise(() => undefined) : Promise.resolve();
    };
    follow({ relay });
    chain.mine(aTipTx(stuck));
    for (let n = 0; n < 5; n += 1) chain.mine(aTipTx(stuck), aTipTx(other));
    await caughtUp();
    expect(relay.drained.filter((id) => id === stuck)).toHaveLength(1);
    expect(relay.drained.filter((id) => id === other)).toHaveLength(5);
  });

  describe('two of them', () => {
    it('never commit at the same time; the standby takes over when the leader stops', async () => {
      const [leader, standby] = [follow({ holder: 'a' }), follow({ holder: 'b' })];
      const txs = [aTipTx(), aTipTx()];
      chain.mine(...txs.slice(0, 1));
      await caughtUp();
      expect([leader, standby].map((follower) => follower.notReady())).toEqual([undefined, undefined]);
      await leader.stop();
      chain.mine(...txs.slice(1));
      await caughtUp();
      expect(ledger.standing).toEqual(ids(...txs));
      expect(ledger.writes['commit']).toBe(2);
    });

    it('change places when the leader can no longer renew, and the old one commits nothing more', async () => {
      const cut = new MemoryTipLedger();
      const old = new CutLedger(cut);
      followers.push(followed(chain, old, { holder: 'old', leaseTimes: QUICK_LEASE }));
      chain.mine(aTipTx());
      await expect.poll(() => cut.height).toBe(1);
      old.isCut = true;
      followers.push(followed(chain, cut, { holder: 'new', leaseTimes: QUICK_LEASE }));
      chain.mine(aTipTx());
      await expect.poll(() => cut.height, { timeout: 3000 }).toBe(2);
      expect(old.late).toBe(0);
    });
  });

  it('says that it is behind, and that it has heard of nothing', async () => {
    const silent = new ScriptedChain(1, JAR);
    silent.watchHeads = () => undefined;
    const deaf = followed(silent, new MemoryTipLedger());
    followers.push(deaf);
    expect(deaf.notReady()).toMatch(/not told of a block/);
    const follower = follow();
    chain.mine();
    await caughtUp();
    chain.failNext('logs', 1_000_000);
    for (let n = 0; n < 5; n += 1) chain.mine();
    await expect.poll(() => follower.notReady()).toMatch(/5 blocks behind/);
    chain.failNext('logs', 0);
    await caughtUp();
    await expect.poll(() => follower.notReady()).toBeUndefined();
  });
});

/** A ledger whose network fails for one process. */
class CutLedger extends MemoryTipLedger {
  isCut = false;
  /** Commits tried after the cut plus the whole lease: there must be none. */
  late = 0;
  private cutAtMs = 0;

  constructor(private readonly real: MemoryTipLedger) {
    super();
  }

  override acquire(...args: Parameters<MemoryTipLedger['acquire']>): ReturnType<MemoryTipLedger['acquire']> {
    if (!this.isCut) return this.real.acquire(...args);
    if (this.cutAtMs === 0) this.cutAtMs = Date.now();
    return Promise.reject(new Error('cut off'));
  }

  override commit(...args: Parameters<MemoryTipLedger['commit']>): ReturnType<MemoryTipLedger['commit']> {
    if (this.isCut && this.cutAtMs > 0 && Date.now() > this.cutAtMs + QUICK_LEASE.ttlMs + 50) this.late += 1;
    return this.isCut ? Promise.reject(new Error('cut off')) : this.real.commit(...args);
  }

  override cursor(): ReturnType<MemoryTipLedger['cursor']> {
    return this.real.cursor();
  }

  override begin(...args: Parameters<MemoryTipLedger['begin']>): ReturnType<MemoryTipLedger['begin']> {
    return this.real.begin(...args);
  }

  override window(...args: Parameters<MemoryTipLedger['window']>): ReturnType<MemoryTipLedger['window']> {
    return this.real.window(...args);
  }

  override tellDue(...args: Parameters<MemoryTipLedger['tellDue']>): ReturnType<MemoryTipLedger['tellDue']> {
    return this.real.tellDue(...args);
  }
}
