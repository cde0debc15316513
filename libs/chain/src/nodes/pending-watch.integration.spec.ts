import { Logger } from '@nestjs/common';
import { SystemClock } from '@droppio/platform';
import type { ChainLog, LogFilter } from '@droppio/tips';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TIP_TOPIC } from '../decode-tip.js';
import { unregisteredMetrics } from '../metrics.js';
import { FakeNode } from '../testing/fake-node.js';
import { FakeSocketNode } from '../testing/fake-socket-node.js';
import { JAR, testChain } from '../testing/follow-kit.js';
import { ScriptedChain } from '../testing/scripted-chain.js';
import { honestly } from '../testing/scripted-node.js';
import { aRawTip, aTipLog } from '../testing/tip-log.js';
import { PendingWatch } from './pending-watch.js';
import { ViemChainReader } from './viem-chain-reader.js';

Logger.overrideLogger(false);

const filter: LogFilter = { addresses: [JAR], topics: [TIP_TOPIC] };
let ending: AbortController;
let heard: ChainLog[];
const listen = (logs: readonly ChainLog[]): void => {
  heard.push(...logs);
};

beforeEach(() => {
  ending = new AbortController();
  heard = [];
});
afterEach(() => {
  ending.abort();
});

/** As a node with flashblocks writes it: nothing of a block yet. */
const pendingLog = (fields: Record<string, unknown> = {}): Record<string, unknown> => {
  const { txHash, address, topics, data } = aTipLog(aRawTip());
  return { address, topics, data, transactionHash: txHash, logIndex: '0x3', blockHash: null, blockNumber: null, removed: false, ...fields };
};
const hashes = (): string[] => heard.map(({ txHash }) => txHash);

describe(PendingWatch.name, () => {
  it('asks to be told of our logs alone, passes on what comes, and comes back after a cut', async () => {
    const node = await FakeSocketNode.start();
    const reader = new ViemChainReader(
      testChain({ wsUrls: [node.url], preconfirmations: { source: 'pendingLogs', dropAfter: 2 } }),
      new SystemClock(),
      unregisteredMetrics(),
    );
    reader.watchPending(filter, listen, ending.signal);
    await expect.poll(() => node.subscribed).toEqual([['pendingLogs', { address: [JAR], topics: [[TIP_TOPIC]] }]]);
    const [one, zeroed, two] = [pendingLog(), pendingLog({ blockHash: `0x${'0'.repeat(64)}`, blockNumber: '0x7' }), pendingLog()];
    for (const log of [one, { no: 'log' }, pendingLog({ removed: true }), zeroed]) node.push(log);
    await expect.poll(hashes).toEqual([one, zeroed].map(({ transactionHash }) => transactionHash));
    node.cut();
    await expect.poll(() => node.subscribed, { timeout: 5000 }).toHaveLength(2);
    node.push(two);
    await expect.poll(hashes).toHaveLength(3);
    ending.abort();
    await node.stop();
  });

  it('asks for the pending block where that is how the chain tells, whatever the node answers in between', async () => {
    const log = pendingLog({ blockNumber: '0x5' });
    const answers: unknown[] = [[], null, '<html>', [log], [log, pendingLog()]];
    const chain = new ScriptedChain(1, JAR);
    const node = await FakeNode.start((asked) =>
      asked.method === 'eth_getLogs' ? { result: answers.shift() ?? [] } : honestly(chain, asked),
    );
    const reader = new ViemChainReader(
      testChain({ rpcUrls: [node.url], preconfirmations: { source: 'pending', dropAfter: 2 } }),
      new SystemClock(),
      unregisteredMetrics(),
    );
    reader.watchPending(filter, listen, ending.signal);
    await expect.poll(hashes).toHaveLength(3);
    expect(hashes()[0]).toBe(log['transactionHash']);
    const asked = node.asked.find(({ method }) => method === 'eth_getLogs');
    expect(asked?.params).toEqual([{ fromBlock: 'pending', toBlock: 'pending', address: [JAR], topics: [[TIP_TOPIC]] }]);
    ending.abort();
    await node.stop();
  });
});
