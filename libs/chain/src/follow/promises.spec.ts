import { Logger } from '@nestjs/common';
import type { Hex } from '@droppio/tips';
import { randomHex } from '@droppio/tips/testing';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { followed, JAR, testChain } from '../testing/follow-kit.js';
import { MemoryTipLedger } from '../testing/memory-tip-ledger.js';
import { aTx, ScriptedChain } from '../testing/scripted-chain.js';
import { aRawTip } from '../testing/tip-log.js';
import { ChainFollower } from './chain-follower.js';

let chain: ScriptedChain;
let ledger: MemoryTipLedger;
let follower: ChainFollower;
const creator: Hex = randomHex(20);

beforeAll(() => {
  Logger.overrideLogger(false);
});
beforeEach(async () => {
  chain = new ScriptedChain(1, JAR);
  ledger = new MemoryTipLedger();
  ledger.early.add(creator);
  follower = followed(chain, ledger, { chain: testChain({ preconfirmations: { source: 'pendingLogs', dropAfter: 2 } }) });
  chain.mine();
  await caughtUp();
});
afterEach(() => follower.stop());

const caughtUp = async (): Promise<void> => {
  await expect.poll(async () => (await ledger.cursor())?.hash, { interval: 2, timeout: 4000 }).toBe(chain.tip.hash);
};
const events = (): string[] => (ledger.events.get(creator) ?? []).map((event) => `${event.type} ${'state' in event ? event.state : ''}`);
const told = (story: readonly string[]) => expect.poll(events, { interval: 2, timeout: 4000 }).toEqual(story);
const aTipTx = () => aTx(aRawTip({ creator }));

describe(`${ChainFollower.name} and promised tips`, () => {
  it('tells at once of what is promised, and confirms it with its block', async () => {
    const tx = aTipTx();
    chain.promise(tx);
    await told(['tip seen']);
    chain.mine(tx);
    await told(['tip seen', 'tip.updated confirmed']);
  });

  it('takes back what no block held in time, and tells of nothing early after that', async () => {
    chain.promise(aTipTx());
    await told(['tip seen']);
    for (let n = 0; n < 3; n += 1) chain.mine();
    await told(['tip seen', 'tip.retracted dropped']);
    const next = aTipTx();
    chain.promise(next);
    chain.mine(next);
    await told(['tip seen', 'tip.retracted dropped', 'tip confirmed']);
  });

  it('takes back what an earlier process left behind', async () => {
    const tx = aTipTx();
    chain.promise(tx);
    await told(['tip seen']);
    await follower.stop();
    for (let n = 0; n < 3; n += 1) chain.mine();
    follower = followed(chain, ledger, { chain: testChain({ preconfirmations: { source: 'pendingLogs', dropAfter: 2 } }) });
    await told(['tip seen', 'tip.retracted dropped']);
  });

  it('says nothing early where that is not asked for', async () => {
    await follower.stop();
    follower = followed(chain, ledger);
    await caughtUp();
    const tx = aTipTx();
    chain.promise(tx);
    chain.mine(tx);
    await told(['tip confirmed']);
  });

  it('tells of what waited for the block that it finds committed: whoever committed that may have been cut off', async () => {
    await follower.stop();
    const asked: number[] = [];
    const tellDue = ledger.tellDue.bind(ledger);
    ledger.tellDue = (chainId, fence, height) => {
      asked.push(height);
      return tellDue(chainId, fence, height);
    };
    const { number } = chain.tip;
    follower = followed(chain, ledger, { chain: testChain({ confirmations: 3 }) });
    await expect.poll(() => asked, { interval: 2, timeout: 4000 }).toEqual([number + 2]);
  });

  it('gives the block the number of blocks on top that are known', async () => {
    await follower.stop();
    const seen: (number | undefined)[] = [];
    const commit = ledger.commit.bind(ledger);
    ledger.commit = (...args) => {
      seen.push(args[2].onTop);
      return commit(...args);
    };
    for (let n = 0; n < 3; n += 1) chain.mine();
    follower = followed(chain, ledger);
    await caughtUp();
    expect(seen).toEqual([2, 1, 0]);
  });
});
