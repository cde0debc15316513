import { Logger } from '@nestjs/common';
import { SystemClock } from '@droppio/platform';
import type { BlockHeader } from '@droppio/tips';
import { randomHex } from '@droppio/tips/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ChainSettings } from '../chain-settings.js';
import { unregisteredMetrics } from '../metrics.js';
import { ViemChainReader } from '../nodes/viem-chain-reader.js';
import { FakeNode, type Answerer } from '../testing/fake-node.js';
import { followed, JAR, testChain } from '../testing/follow-kit.js';
import { MemoryTipLedger } from '../testing/memory-tip-ledger.js';
import { aTx, ScriptedChain } from '../testing/scripted-chain.js';
import { blockOf, honestly } from '../testing/scripted-node.js';
import { aRawTip } from '../testing/tip-log.js';
import type { ChainFollower } from './chain-follower.js';

Logger.overrideLogger(false);

const MINED = 20;
const FAR = 1_000_000_000;

let chain: ScriptedChain;
let ledger: MemoryTipLedger;
let nodes: FakeNode[];
let follower: ChainFollower;

beforeEach(() => {
  chain = new ScriptedChain(1, JAR);
  for (let n = 0; n < MINED; n += 1) chain.mine();
  ledger = new MemoryTipLedger();
});
afterEach(async () => {
  await follower.stop();
  await Promise.all(nodes.map((node) => node.stop()));
});

async function follow(fields: Partial<ChainSettings>, ...answers: readonly Answerer[]): Promise<void> {
  nodes = await Promise.all(answers.map((answer) => FakeNode.start(answer)));
  const settings = testChain({ rpcUrls: nodes.map((node) => node.url), pollMs: 50, ...fields });
  follower = followed(new ViemChainReader(settings, new SystemClock(), unregisteredMetrics()), ledger, { chain: settings });
}

/** A chain that leaves the honest one at a height and goes on for itself. */
function forkAt(height: number, blocks: number): ScriptedChain {
  const fork = new ScriptedChain(1, JAR);
  fork.adopt(chain, height);
  for (let n = 0; n < blocks; n += 1) fork.mine();
  return fork;
}
const from =
  (told: ScriptedChain): Answerer =>
  (question) =>
    honestly(told, question);
const settled = async (): Promise<void> => {
  await expect.poll(() => ledger.height, { timeout: 5000 }).toBe(chain.tip.number);
};

/** The honest chain goes on, and its tips arrive. */
async function goesOn(): Promise<void> {
  for (let n = 0; n < 3; n += 1) {
    const tip = aTx(aRawTip());
    chain.mine(tip);
    await expect.poll(() => [...ledger.tips.values()].some((stored) => stored.tip.txHash === tip.hash), { timeout: 8000 }).toBe(true);
  }
  expect(follower.notReady()).toBeUndefined();
}

describe('one of two providers', () => {
  it.each([
    ['below the finalised block', 12, {}],
    ['deeper than the window', 3, { window: 8 }],
  ])('on a branch that begins %s stops nothing: the other still stands by our blocks', async (_, height, fields) => {
    chain.settle({ safe: 16, finalized: 15 });
    let other = chain;
    await follow({ ...fields }, (question) => honestly(other, question), from(chain));
    await settled();
    await expect.poll(() => ledger.writes['finalize'] ?? 0).toBeGreaterThan(0);
    other = forkAt(height, 30);
    await goesOn();
  });

  it('that leads the chain on such a branch stops it once the other has gone there, too', async () => {
    chain.settle({ safe: 16, finalized: 15 });
    let [first, second] = [chain, chain];
    await follow(
      {},
      (question) => honestly(first, question),
      (question) => honestly(second, question),
    );
    await settled();
    await expect.poll(() => ledger.writes['finalize'] ?? 0).toBeGreaterThan(0);
    first = forkAt(12, 30);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(follower.notReady() ?? '').not.toMatch(/needs a person/);
    second = first;
    first.mine();
    await expect.poll(() => follower.notReady(), { timeout: 5000 }).toMatch(/needs a person/);
  });

  it.each<[string, (header: BlockHeader) => Answerer]>([
    [
      'and knows nothing of the way there',
      (head) => (question) =>
        question.method === 'eth_getBlockByNumber' && question.params[0] === 'latest'
          ? { result: blockOf(head) }
          : honestly(chain, question),
    ],
    [
      'and makes up every block on the way',
      (head) => (question) => {
        const [asked] = question.params;
        if (question.method === 'eth_getBlockByNumber' && asked === 'latest') return { result: blockOf(head) };
        const number = question.method === 'eth_getBlockByNumber' ? Number(asked) : 5_000_000;
        if (question.method === 'eth_getBlockByNumber' && number > chain.tip.number)
          return { result: blockOf({ ...head, number, hash: randomHex(32), parentHash: randomHex(32) }) };
        return honestly(chain, question);
      },
    ],
  ])('that tells a head a thousand million blocks away %s stops nothing', async (_, answers) => {
    const head = { ...chain.tip, number: FAR, hash: randomHex(32), parentHash: randomHex(32) };
    let liar = from(chain);
    await follow({}, (question) => liar(question), from(chain));
    await settled();
    liar = answers(head);
    await goesOn();
  });
});

describe('one of two providers', () => {
  it('that tells a head far away from the first moment does not keep a chain from beginning', async () => {
    const far = { ...chain.tip, number: FAR, hash: randomHex(32), parentHash: randomHex(32) };
    const liar: Answerer = (question) =>
      question.method === 'eth_getBlockByNumber' && question.params[0] === 'latest' ? { result: blockOf(far) } : honestly(chain, question);
    await follow({ startBlock: undefined }, liar, from(chain));
    await settled();
    await goesOn();
  });

  it('that tells another head with every breath, each just ahead and without a parent, stops nothing', async () => {
    let isLying = false;
    const ahead = (): BlockHeader => ({ ...chain.tip, number: chain.tip.number + 5, hash: randomHex(32), parentHash: randomHex(32) });
    const liar: Answerer = (question) =>
      isLying && question.method === 'eth_getBlockByNumber' && question.params[0] === 'latest'
        ? { result: blockOf(ahead()) }
        : honestly(chain, question);
    await follow({}, liar, from(chain));
    await settled();
    isLying = true;
    await goesOn();
  });
});

describe('the only provider', () => {
  it('on a branch that begins below the finalised block stops the chain: a person must decide', async () => {
    chain.settle({ safe: 16, finalized: 15 });
    let told = chain;
    await follow({}, (question) => honestly(told, question));
    await settled();
    await expect.poll(() => ledger.writes['finalize'] ?? 0).toBeGreaterThan(0);
    told = forkAt(12, 30);
    await expect.poll(() => follower.notReady(), { timeout: 5000 }).toMatch(/needs a person/);
  });
});
