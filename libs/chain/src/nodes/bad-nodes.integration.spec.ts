import type { ServerResponse } from 'node:http';
import { Logger } from '@nestjs/common';
import { SystemClock } from '@droppio/platform';
import type { LogFilter } from '@droppio/tips';
import { ManualClock, randomHex } from '@droppio/tips/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TIP_TOPIC } from '../decode-tip.js';
import { unregisteredMetrics } from '../metrics.js';
import { FakeNode, type Answerer, type Reply } from '../testing/fake-node.js';
import { JAR } from '../testing/follow-kit.js';
import { aTx, ScriptedChain } from '../testing/scripted-chain.js';
import { blockOf, honestly, logOf } from '../testing/scripted-node.js';
import { aRawTip } from '../testing/tip-log.js';
import { ViemChainReader } from './viem-chain-reader.js';

Logger.overrideLogger(false);

let chain: ScriptedChain;
let nodes: FakeNode[];
const filter: LogFilter = { addresses: [JAR], topics: [TIP_TOPIC] };

beforeEach(() => {
  chain = new ScriptedChain(1, JAR);
  nodes = [];
  chain.mine();
  chain.mine(aTx(aRawTip()));
});
afterEach(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
});

const honest: Answerer = (question) => honestly(chain, question);
/** Honest but for one method. */
const liar =
  (method: string, lie: (truth: () => Promise<Reply>) => Reply | Promise<Reply>): Answerer =>
  (question) =>
    question.method === method ? lie(() => honestly(chain, question)) : honestly(chain, question);

async function readerOf(...answers: readonly Answerer[]): Promise<ViemChainReader> {
  nodes = await Promise.all(answers.map((answer) => FakeNode.start(answer)));
  return new ViemChainReader(
    { chainId: 1, tipJar: JAR, rpcUrls: nodes.map((node) => node.url), wsUrls: [] },
    new SystemClock(),
    unregisteredMetrics(),
  );
}

const raw = (write: (response: ServerResponse) => void): Reply => ({ raw: write });
const json = (body: string, status = 200, headers: Record<string, string> = {}): Reply =>
  raw((response) => response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body));

const lies: readonly [string, (truth: () => Promise<Reply>) => Reply | Promise<Reply>][] = [
  ['an HTML page', () => raw((response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>busy</html>'))],
  ['truncated JSON', () => json('{"jsonrpc":"2.0","id":1,"resu')],
  ['an empty body', () => json('')],
  ['a batch', () => json('[]')],
  ['null', () => ({ result: null })],
  ['a string', () => ({ result: 'logs' })],
  ['no result at all', () => json('{"jsonrpc":"2.0"}')],
  ['the answer to another question', async (truth) => ({ ...(await truth()), id: 4242 })],
  ['status 429', () => json('{}', 429, { 'retry-after': '1' })],
  ['status 500', () => json('{"error":"oops"}', 500)],
  ['status 503 with a web page', () => raw((response) => response.writeHead(503).end('<html/>'))],
  ['a rate limit inside a 200', () => ({ error: { code: -32005, message: 'rate limit exceeded' } })],
  ['an error that it is unwell', () => ({ error: { code: -32603, message: 'internal error' } })],
  ['a closed connection', () => raw((response) => response.destroy())],
  [
    'a connection that breaks in the middle',
    () => raw((response) => void response.writeHead(200, { 'content-length': '1000' }).write('{"jsonrpc"', () => response.destroy())),
  ],
];

const logLies: readonly [string, () => Reply][] = [
  ['a log of another block', () => ({ result: [{ ...logOf(theLog()), blockHash: randomHex(32) }] })],
  ['a log at another height', () => ({ result: [{ ...logOf(theLog()), blockNumber: '0x63' }] })],
  ['a log of another contract', () => ({ result: [{ ...logOf(theLog()), address: randomHex(20) }] })],
  ['a log of another event', () => ({ result: [{ ...logOf(theLog()), topics: [randomHex(32)] }] })],
  ['the same log twice', () => ({ result: [logOf(theLog()), logOf(theLog())] })],
  ['a log at a place that no block reaches', () => ({ result: [{ ...logOf(theLog()), logIndex: '0x80000000' }] })],
  ['a removed log', () => ({ result: [{ ...logOf(theLog()), removed: true }] })],
  ['a log without a transaction', () => ({ result: [{ ...logOf(theLog()), transactionHash: null }] })],
  ['nothing although the bloom says otherwise', () => ({ result: [] })],
];

const theLog = () => {
  const [log] = chain.logsOf(chain.tip.hash) ?? [];
  if (log === undefined) throw new Error('the tip block has a log');
  return log;
};

describe('logs', () => {
  it.each([...lies, ...logLies])('come from the second node when the first answers with %s', async (_, lie) => {
    const reader = await readerOf(liar('eth_getLogs', lie), honest);
    const logs = await reader.logs(chain.tip, filter);
    expect(logs).toEqual([theLog()]);
  });

  it.each([...lies, ...logLies.slice(0, -1)])('are an error worth trying again when the only node answers with %s', async (_, lie) => {
    const reader = await readerOf(liar('eth_getLogs', lie));
    await expect(reader.logs(chain.tip, filter)).rejects.toMatchObject({ code: 'chain-unavailable', retryable: true });
  });

  it('are not held up by a node that complains at length', async () => {
    const error = { code: -32000, message: 'exceeded '.repeat(40_000) };
    const reader = await readerOf(
      liar('eth_getLogs', () => ({ error })),
      honest,
    );
    const begun = performance.now();
    expect(await reader.logs(chain.tip, filter)).toEqual([theLog()]);
    expect(performance.now() - begun).toBeLessThan(2000);
  });

  it('that one of two nodes does not have are found at the other, whichever is asked first', async () => {
    const empty = liar('eth_getLogs', () => ({ result: [] }));
    for (const answers of [
      [empty, honest],
      [honest, empty],
    ]) {
      const reader = await readerOf(...answers);
      expect(await reader.logs(chain.tip, filter)).toEqual([theLog()]);
      await Promise.all(nodes.map((node) => node.stop()));
      nodes = [];
    }
  });

  it('are believed to be none when the bloom is a false positive: a second look finds none either', async () => {
    const reader = await readerOf(
      liar('eth_getLogs', () => ({ result: [] })),
      liar('eth_getLogs', () => ({ result: [] })),
    );
    expect(await reader.logs(chain.tip, filter)).toEqual([]);
    expect(nodes.map((node) => node.count('eth_getLogs'))).toEqual([1, 1]);
  });

  it('that one node does not have are waited for while the other stumbles', async () => {
    let isDown = false;
    const stumbling = (question: Parameters<Answerer>[0]): ReturnType<Answerer> => (isDown ? json('busy', 503) : honest(question));
    const reader = await readerOf(
      liar('eth_getLogs', () => ({ result: [] })),
      stumbling,
    );
    const other = nodes[1];
    await reader.head();
    await expect.poll(() => other?.count('eth_getBlockByNumber')).toBeGreaterThan(0);
    isDown = true;
    await expect(reader.logs(chain.tip, filter)).rejects.toMatchObject({ code: 'chain-unavailable' });
    // Its circuit is open by now.
    await expect(reader.logs(chain.tip, filter)).rejects.toMatchObject({ code: 'chain-unavailable' });
    isDown = false;
    expect(await reader.logs(chain.tip, filter)).toEqual([theLog()]);
  });

  it('get a second look at the only node, whose index may lag behind its headers', async () => {
    let looks = 0;
    const slow = liar('eth_getLogs', (truth) => ((looks += 1), looks === 1 ? { result: [] } : truth()));
    const reader = await readerOf(slow);
    expect(await reader.logs(chain.tip, filter)).toEqual([theLog()]);
  });

  it('that the only node hides however often it is asked are found in its receipts; one without that method is believed', async () => {
    const hiding = liar('eth_getLogs', () => ({ result: [] }));
    const reader = await readerOf(hiding);
    expect(await reader.logs(chain.tip, filter)).toEqual([theLog()]);
    expect(nodes[0]?.count('eth_getBlockReceipts')).toBe(1);
    // Nearly every bit is set, as where blocks are full: this bloom admits everything.
    expect(await reader.logs({ ...chain.tip, logsBloom: `0x${'ff'.repeat(256)}` }, filter)).toEqual([]);
    expect(nodes[0]?.count('eth_getBlockReceipts')).toBe(1);
    await Promise.all(nodes.map((node) => node.stop()));
    const poor = await readerOf((question) =>
      question.method === 'eth_getBlockReceipts' ? { error: { code: -32601, message: 'the method does not exist' } } : hiding(question),
    );
    expect(await poor.logs(chain.tip, filter)).toEqual([]);
  });

  it('are not asked for at all when the bloom excludes them, and always when the bloom is not filled', async () => {
    const reader = await readerOf(honest);
    const other = chain.mine({ hash: randomHex(32), tips: [], logs: [{ ...theLog(), address: randomHex(20), topics: [randomHex(32)] }] });
    expect(await reader.logs(other, filter)).toEqual([]);
    expect(nodes[0]?.count('eth_getLogs')).toBe(0);
    expect(await reader.logs({ ...chain.at(2), logsBloom: `0x${'00'.repeat(256)}` }, filter)).toHaveLength(1);
  });

  it('of a block with more of them than the node hands out come from its receipts', async () => {
    const capped = liar('eth_getLogs', () => ({ error: { code: -32005, message: 'query returned more than 10000 results' } }));
    const reader = await readerOf(capped);
    expect(await reader.logs(chain.tip, filter)).toEqual([theLog()]);
    expect(nodes[0]?.count('eth_getBlockReceipts')).toBe(1);
  });

  it('are asked at the node that told of the block', async () => {
    const reader = await readerOf(honest, honest);
    const { hash } = await reader.head();
    const block = await reader.blockByHash(hash);
    const told = nodes.findIndex((node) => node.count('eth_getBlockByHash') === 1);
    await reader.logs(block ?? chain.tip, filter);
    expect(nodes[told]?.count('eth_getLogs')).toBe(1);
  });
});

describe('blocks', () => {
  it.each(lies.filter(([name]) => name !== 'null'))('come from the second node when the first answers with %s', async (_, lie) => {
    const reader = await readerOf(liar('eth_getBlockByHash', lie), honest);
    expect(await reader.blockByHash(chain.tip.hash)).toEqual(chain.tip);
  });

  it('that one node does not know are asked of the others; unknown means that all said so', async () => {
    const blind = liar('eth_getBlockByHash', () => ({ result: null }));
    expect(await (await readerOf(blind, honest)).blockByHash(chain.tip.hash)).toEqual(chain.tip);
    await Promise.all(nodes.map((node) => node.stop()));
    expect(await (await readerOf(blind, blind)).blockByHash(chain.tip.hash)).toBeUndefined();
    await Promise.all(nodes.map((node) => node.stop()));
    const broken = liar('eth_getBlockByHash', () => json('{}', 500));
    await expect((await readerOf(blind, broken)).blockByHash(chain.tip.hash)).rejects.toMatchObject({ code: 'chain-unavailable' });
  });

  it('are not believed when they are others than were asked for', async () => {
    const wrong = liar('eth_getBlockByHash', () => ({ result: blockOf(chain.at(0)) }));
    await expect((await readerOf(wrong)).blockByHash(chain.tip.hash)).rejects.toMatchObject({ code: 'chain-unavailable' });
  });

  it('of a time that no calendar knows come from the second node', async () => {
    const told = { ...blockOf(chain.tip), timestamp: '0x9184e72a000' };
    const reader = await readerOf(
      liar('eth_getBlockByHash', () => ({ result: told })),
      honest,
    );
    expect(await reader.blockByHash(chain.tip.hash)).toEqual(chain.tip);
  });

  it('that are still pending are no heads', async () => {
    const pending = liar('eth_getBlockByNumber', () => ({ result: { ...blockOf(chain.tip), number: null, hash: null } }));
    await expect((await readerOf(pending)).head()).rejects.toMatchObject({ code: 'chain-unavailable' });
  });
});

describe('endpoints', () => {
  it('that serve another chain are never asked again; when all do, that is said', async () => {
    const foreign: Answerer = (question) => (question.method === 'eth_chainId' ? { result: '0x2' } : honestly(chain, question));
    const reader = await readerOf(foreign, honest);
    await reader.verify();
    for (let n = 0; n < 5; n += 1) await reader.blockByHash(chain.tip.hash);
    expect(nodes[0]?.count('eth_getBlockByHash')).toBe(0);
    await Promise.all(nodes.map((node) => node.stop()));
    const lost = await readerOf(foreign, foreign);
    await expect(lost.verify()).rejects.toMatchObject({ code: 'wrong-chain', retryable: false });
  });

  it('with the same chain id and another genesis serve another chain', async () => {
    const twin = new ScriptedChain(1, JAR);
    const reader = await readerOf(honest, (question) => honestly(twin, question));
    await reader.verify();
    await expect.poll(async () => (await reader.head()).hash).toBe(chain.tip.hash);
    expect(await reader.blockByHash(twin.tip.hash)).toBeUndefined();
    expect(nodes[1]?.count('eth_getBlockByHash')).toBe(0);
  });

  it('that begin to serve another chain are put aside by name, and their heads are never told; the others go on', async () => {
    const errors = vi.spyOn(Logger.prototype, 'error');
    const other = new ScriptedChain(2, JAR);
    for (let n = 0; n < 50; n += 1) other.mine();
    const clock = new ManualClock(Date.now());
    nodes = await Promise.all([FakeNode.start(honest), FakeNode.start(honest)]);
    const settings = { chainId: 1, tipJar: JAR, rpcUrls: nodes.map((node) => node.url), wsUrls: [] };
    const reader = new ViemChainReader(settings, clock, unregisteredMetrics());
    await reader.verify();
    expect(await reader.head()).toEqual(chain.tip);
    clock.advance(5000);
    const [, second] = nodes;
    if (second === undefined) throw new Error('two nodes');
    second.answer = (question) => honestly(other, question);
    for (let n = 0; n < 3; n += 1) expect(await reader.head()).toEqual(chain.tip);
    expect(errors).toHaveBeenCalledWith('rpc.wrong-chain', { endpoint: '1-rpc1', chainId: 1, served: 2 });
    const asked = second.count('eth_getBlockByHash');
    for (let n = 0; n < 5; n += 1) expect(await reader.blockByHash(chain.tip.hash)).toEqual(chain.tip);
    expect(second.count('eth_getBlockByHash')).toBe(asked);
    // It comes back as what it was, and is noticed within a minute or so.
    second.answer = honest;
    clock.advance(61_000);
    await expect.poll(async () => (await reader.head(), (await reader.agreedLogs(0, 2, filter)).length), { timeout: 4000 }).toBe(1);
    errors.mockRestore();
  });

  it('that all begin to serve another chain are waited for: nobody has to restart anything once they are back', async () => {
    const other = new ScriptedChain(2, JAR);
    const clock = new ManualClock(Date.now());
    const node = await FakeNode.start(honest);
    nodes = [node];
    const settings = { chainId: 1, tipJar: JAR, rpcUrls: [node.url], wsUrls: [] };
    const reader = new ViemChainReader(settings, clock, unregisteredMetrics());
    const watching = new AbortController();
    reader.watchHeads(() => undefined, watching.signal);
    await reader.verify();
    node.answer = (question) => honestly(other, question);
    clock.advance(61_000);
    await expect.poll(() => reader.fault(), { timeout: 4000 }).toBe('all its nodes serve another chain');
    await expect(reader.blockByHash(chain.tip.hash)).rejects.toMatchObject({ code: 'chain-unavailable', retryable: true });
    await expect(reader.verify()).rejects.toMatchObject({ code: 'chain-unavailable', retryable: true });
    node.answer = honest;
    await expect
      .poll(async () => (clock.advance(61_000), await reader.blockByHash(chain.tip.hash).catch(() => undefined)), { timeout: 4000 })
      .toEqual(chain.tip);
    expect(reader.fault()).toBeUndefined();
    watching.abort();
  });

  it('that come back after an outage are asked again which chain they serve', async () => {
    const other = new ScriptedChain(1, JAR);
    other.mine();
    let answer: Answerer = honest;
    const reader = await readerOf((question) => answer(question), honest);
    await reader.verify();
    await reader.head();
    answer = () => raw((response) => response.destroy());
    await reader.head();
    answer = (question) => honestly(other, question);
    for (let n = 0; n < 3; n += 1) {
      expect(await reader.head()).toEqual(chain.tip);
      expect(await reader.blockByHash(other.tip.hash)).toBeUndefined();
    }
  });

  it('that hang are overtaken by the next one long before their deadline', async () => {
    const hanging = liar('eth_getBlockByHash', () => raw(() => undefined));
    const reader = await readerOf(hanging, honest);
    await reader.verify();
    const began = performance.now();
    expect(await reader.blockByHash(chain.tip.hash)).toEqual(chain.tip);
    expect(performance.now() - began).toBeLessThan(3000);
  });

  it('that failed are left alone for a while', async () => {
    const broken = liar('eth_getBlockByHash', () => json('{}', 500));
    const reader = await readerOf(broken, honest);
    for (let n = 0; n < 20; n += 1) await reader.blockByHash(chain.tip.hash);
    expect(nodes[0]?.count('eth_getBlockByHash')).toBeLessThan(5);
    expect(nodes[1]?.count('eth_getBlockByHash')).toBe(20);
  });

  it('that are behind are not asked first', async () => {
    const behind = chain.at(0);
    const late = liar('eth_getBlockByNumber', async (truth) => {
      const reply = await truth();
      return 'result' in reply && JSON.stringify(reply.result) === JSON.stringify(blockOf(chain.tip)) ? { result: blockOf(behind) } : reply;
    });
    const reader = await readerOf(late, honest);
    expect(await reader.head()).toEqual(chain.tip);
    await reader.blockByNumber(1);
    await reader.blockByHash(chain.tip.hash);
    expect(nodes[0]?.count('eth_getBlockByHash')).toBe(0);
  });

  it('tell their best head although one of them is down and one does not answer', async () => {
    const hanging: Answerer = () => raw(() => undefined);
    const reader = await readerOf(hanging, honest, () => raw((response) => response.destroy()));
    const began = performance.now();
    expect(await reader.head()).toEqual(chain.tip);
    expect(performance.now() - began).toBeLessThan(1500);
  });
});
