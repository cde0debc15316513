import { Logger } from '@nestjs/common';
import { randomHex } from '@droppio/tips/testing';
import { ManualClock } from '@droppio/tips/testing';
import type { HeadListener } from '@droppio/tips';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ChainFollower } from './follow/chain-follower.js';
import { unregisteredMetrics } from './metrics.js';
import { ViemChainReader } from './nodes/viem-chain-reader.js';
import { FakeNode, type Answerer } from './testing/fake-node.js';
import { JAR, NotingRelay, testChain } from './testing/follow-kit.js';
import { MemoryTipLedger } from './testing/memory-tip-ledger.js';
import { aTx, ScriptedChain } from './testing/scripted-chain.js';
import { honestly } from './testing/scripted-node.js';
import { aRawTip } from './testing/tip-log.js';

Logger.overrideLogger(false);

let chain: ScriptedChain;
let clock: ManualClock;

beforeEach(() => {
  chain = new ScriptedChain(1, JAR);
  chain.mine();
  clock = new ManualClock();
});

describe('readiness of the nodes', () => {
  let nodes: FakeNode[] = [];
  let watching: AbortController;

  beforeEach(() => {
    watching = new AbortController();
  });
  afterEach(async () => {
    watching.abort();
    await Promise.all(nodes.map((node) => node.stop()));
  });

  const honest: Answerer = (question) => honestly(chain, question);
  const dead: Answerer = () => ({ raw: (response) => response.destroy() });

  async function watched(...answers: readonly Answerer[]): Promise<ViemChainReader> {
    nodes = await Promise.all(answers.map((answer) => FakeNode.start(answer)));
    const settings = { chainId: 1, tipJar: JAR, rpcUrls: nodes.map((node) => node.url), wsUrls: [] };
    const reader = new ViemChainReader(settings, clock, unregisteredMetrics());
    reader.watchHeads(() => undefined, watching.signal);
    return reader;
  }
  /** Lets time pass in small steps, and polls come back in between. */
  async function pass(seconds: number): Promise<void> {
    for (let step = 0; step < seconds * 2; step += 1) {
      clock.advance(500);
      await new Promise((resolve) => setTimeout(resolve, 8));
    }
  }

  it('is whole on a chain that stands still for minutes while its nodes answer', async () => {
    const reader = await watched(honest);
    await pass(90);
    expect(reader.fault()).toBeUndefined();
  });

  it('ends when every node has fallen silent, says for how long, and comes back with the first that answers', async () => {
    const reader = await watched(honest, honest);
    await pass(3);
    for (const node of nodes) node.answer = dead;
    await pass(8);
    expect(reader.fault()).toBeUndefined();
    await pass(4);
    expect(reader.fault()).toMatch(/^no node of it has answered for 1[0-3] s$/);
    const [first] = nodes;
    if (first !== undefined) first.answer = honest;
    await pass(15);
    expect(reader.fault()).toBeUndefined();
  });

  it('is not asked of a chain that was stopped: nobody listens to its nodes any more', async () => {
    const reader = await watched(honest);
    await pass(3);
    watching.abort();
    await pass(30);
    expect(reader.fault()).toBeUndefined();
  });

  it('is whole as long as one of them answers', async () => {
    const reader = await watched(dead, honest);
    await pass(40);
    expect(reader.fault()).toBeUndefined();
  });

  it('never began where all serve another chain', async () => {
    const reader = await watched((question) => (question.method === 'eth_chainId' ? { result: '0x7' } : honest(question)));
    await expect.poll(() => reader.fault(), { timeout: 4000 }).toBe('all its nodes serve another chain');
  });
});

describe('readiness of a follower', () => {
  it('ends, with the reason, when no step succeeds for a quarter of a minute: a chain that was reset is not taken for a quiet one', async () => {
    const ledger = new MemoryTipLedger(() => clock.now());
    const leaseTimes = { ttlMs: 3_600_000, renewEveryMs: 600_000, tryEveryMs: 1000 };
    const parts = { ledger, relay: new NotingRelay(), clock, metrics: unregisteredMetrics(), leaseTimes };
    const follower = new ChainFollower(testChain({ window: 8 }), chain, parts, randomHex(8));
    follower.start();
    for (let n = 0; n < 40; n += 1) chain.mine();
    await expect.poll(() => ledger.height).toBe(chain.tip.number);
    chain.rollback(38);
    chain.mine();
    for (let second = 0; second < 40; second += 1) {
      clock.advance(1000);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(follower.notReady()).toMatch(/no step has succeeded for \d+ s: .*far behind what is stored, or serve another history\.$/);
    expect(follower.notReady()).not.toMatch(/needs a person/);
    for (let n = 0; n < 60; n += 1) chain.mine();
    // Another history all the same: now it can be seen, and a person must decide.
    for (let second = 0; second < 10; second += 1) {
      clock.advance(1000);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(follower.notReady()).toMatch(/needs a person/);
    await follower.stop();
  });
});

describe('liveness of a follower', () => {
  /** Its log questions hang above some height, as those of a node behind a broken balancer. */
  class HangingChain extends ScriptedChain {
    private waiting: { readonly height: number; readonly go: () => void }[] = [];
    private answersUpTo = Infinity;

    answerUpTo(height: number): void {
      this.answersUpTo = height;
      for (const { go } of this.waiting.filter((question) => question.height <= height)) go();
      this.waiting = this.waiting.filter((question) => question.height > height);
    }

    override async logs(...[block, filter]: Parameters<ScriptedChain['logs']>): ReturnType<ScriptedChain['logs']> {
      if (block.number > this.answersUpTo)
        await new Promise<void>((go) => {
          this.waiting.push({ height: block.number, go });
        });
      return super.logs(block, filter);
    }

    override watchHeads(listener: HeadListener, signal: AbortSignal): void {
      super.watchHeads((head) => {
        listener(head, clock.now());
      }, signal);
    }
  }

  function follow(hanging: HangingChain): { follower: ChainFollower; ledger: MemoryTipLedger } {
    const ledger = new MemoryTipLedger(() => clock.now());
    const leaseTimes = { ttlMs: 3_600_000, renewEveryMs: 600_000, tryEveryMs: 1000 };
    const parts = { ledger, relay: new NotingRelay(), clock, metrics: unregisteredMetrics(), leaseTimes };
    const follower = new ChainFollower(testChain(), hanging, parts, randomHex(8));
    follower.start();
    return { follower, ledger };
  }

  it('ends when it stands still for half a minute while blocks arrive, and not while none do', async () => {
    const hanging = new HangingChain(1, JAR);
    const { follower, ledger } = follow(hanging);
    hanging.mine();
    await expect.poll(() => ledger.height).toBe(1);
    hanging.answerUpTo(1);
    hanging.mine(aTx(aRawTip()));
    clock.advance(29_000);
    hanging.mine();
    expect(follower.notAlive()).toBeUndefined();
    clock.advance(60_000);
    // Nothing was told since: the chain stands still, and so does he.
    expect(follower.notAlive()).toBeUndefined();
    hanging.mine();
    expect(follower.notAlive()).toMatch(/stands still although new blocks arrive/);
  });

  it('goes on while one long step moves the cursor', async () => {
    const hanging = new HangingChain(1, JAR);
    hanging.answerUpTo(0);
    for (let n = 0; n < 10; n += 1) hanging.mine(aTx(aRawTip()));
    const { follower, ledger } = follow(hanging);
    for (let height = 1; height <= 5; height += 1) {
      clock.advance(25_000);
      hanging.answerUpTo(height);
      await expect.poll(() => ledger.height).toBe(height);
      hanging.mine();
      expect(follower.notAlive()).toBeUndefined();
    }
    clock.advance(31_000);
    hanging.mine();
    expect(follower.notAlive()).toMatch(/stands still/);
  });

  it('is not in question while another process leads', async () => {
    const hanging = new HangingChain(1, JAR);
    const ledger = new MemoryTipLedger(() => clock.now());
    await ledger.acquire(1, 'another', 10_000_000);
    const parts = { ledger, relay: new NotingRelay(), clock, metrics: unregisteredMetrics() };
    const standby = new ChainFollower(testChain(), hanging, parts, randomHex(8));
    standby.start();
    hanging.mine();
    clock.advance(60_000);
    hanging.mine();
    expect(standby.notAlive()).toBeUndefined();
    expect(standby.notReady()).toBeUndefined();
  });
});
