import { Logger } from '@nestjs/common';
import { SystemClock } from '@droppio/platform';
import type { ChainLog, LogFilter } from '@droppio/tips';
import { randomHex } from '@droppio/tips/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TIP_TOPIC } from '../decode-tip.js';
import { unregisteredMetrics } from '../metrics.js';
import { FakeNode, type Answerer, type Question, type Reply } from '../testing/fake-node.js';
import { JAR, testChain } from '../testing/follow-kit.js';
import { aTx, ScriptedChain } from '../testing/scripted-chain.js';
import { honestly, logOf } from '../testing/scripted-node.js';
import { aRawTip } from '../testing/tip-log.js';
import { PastReader } from './past-reader.js';
import { RangeReader, type BlockLogs } from './range-reader.js';

Logger.overrideLogger(false);

const filter: LogFilter = { addresses: [JAR], topics: [TIP_TOPIC] };
const BLOCKS = 240;
let chain: ScriptedChain;
let nodes: FakeNode[];

beforeEach(() => {
  nodes = [];
  chain = new ScriptedChain(1, JAR);
  for (let n = 0; n < BLOCKS; n += 1) chain.mine(...(n % 3 === 0 ? [aTx(aRawTip(), aRawTip())] : []));
  chain.settle({ finalized: BLOCKS });
});
afterEach(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
});

const honest: Answerer = (question) => honestly(chain, question);
const onLogs =
  (answer: (question: Question) => Reply | undefined): Answerer =>
  (question) =>
    (question.method === 'eth_getLogs' ? answer(question) : undefined) ?? honestly(chain, question);
const fault = (message: string, code = -32000): Reply => ({ error: { code, message } });
const expected = (): readonly string[] => chain.tips.map(({ txHash }) => txHash);
const questions = (index = 0): readonly Question[] => nodes[index]?.asked.filter(({ method }) => method === 'eth_getLogs') ?? [];

function spanOf({ params: [query] }: Question): number {
  if (typeof query !== 'object' || query === null || !('fromBlock' in query && 'toBlock' in query)) return 0;
  return Number(query.toBlock) - Number(query.fromBlock) + 1;
}

async function readerOf(answers: readonly Answerer[], settings = {}): Promise<PastReader> {
  nodes = await Promise.all(answers.map((answer) => FakeNode.start(answer)));
  return new PastReader(
    testChain({ rpcUrls: nodes.map(({ url }) => url), wsUrls: [], ...settings }),
    new SystemClock(),
    unregisteredMetrics(),
  );
}

async function readAll(reader: PastReader, to = BLOCKS): Promise<readonly BlockLogs[]> {
  const blocks: BlockLogs[] = [];
  for (let from = 0; from <= to;) {
    const read = await reader.logsIn({ from, to }, { filter });
    blocks.push(...read.blocks);
    expect(read.to).toBeGreaterThanOrEqual(from);
    from = read.to + 1;
  }
  return blocks;
}
const hashes = (blocks: readonly BlockLogs[]): readonly string[] => blocks.flatMap(({ logs }) => logs.map(({ txHash }) => txHash));

describe(RangeReader.name, () => {
  it('reads a whole range at once where the node lets it, block by block in order', async () => {
    const blocks = await readAll(await readerOf([honest]));
    expect(hashes(blocks)).toEqual(expected());
    expect(blocks.map(({ number }) => number)).toEqual([...blocks.map(({ number }) => number)].sort((a, b) => a - b));
    expect(blocks.every(({ number, hash }) => chain.at(number).hash === hash)).toBe(true);
    expect(questions()).toHaveLength(1);
  });

  it.each([
    ['a limit in words', 20, 'query exceeds max block range 20'],
    ['a suggested range', 16, 'Query returned more than 10000 results. Try with this block range [0x1, 0x10].'],
    ['no number at all', 40, 'block range is too large'],
    ['too many results', 25, 'query returned more than 10000 results'],
  ])('finds everything behind a node that serves few blocks at once: %s', async (_what, most, message) => {
    const reader = await readerOf([onLogs((question) => (spanOf(question) > most ? fault(message) : undefined))]);
    expect(hashes(await readAll(reader))).toEqual(expected());
    const wanted = Math.ceil((BLOCKS + 1) / most);
    // Not one question more than learning takes: most of them are answered.
    expect(questions().length).toBeLessThan(wanted * 2 + 20);
  });

  it('hands over what it has after a few questions, so that it can be stored', async () => {
    const reader = await readerOf([onLogs((question) => (spanOf(question) > 5 ? fault('query exceeds max block range 5') : undefined))]);
    const { to, blocks } = await reader.logsIn({ from: 0, to: BLOCKS }, { filter });
    expect(to).toBe(8 * 5 - 1);
    expect(hashes(blocks)).toEqual(chain.tips.filter(({ log }) => log.blockNumber <= to).map(({ txHash }) => txHash));
  });

  it('asks for fewer blocks where these are full, and for more where they are empty', async () => {
    const dense = new ScriptedChain(1, JAR);
    for (let n = 0; n < 60; n += 1) dense.mine(...Array.from({ length: 10 }, () => aTx(...Array.from({ length: 10 }, () => aRawTip()))));
    for (let n = 0; n < 5000; n += 1) dense.mine();
    dense.settle({ finalized: dense.tip.number });
    chain = dense;
    const reader = await readerOf([honest]);
    expect(hashes(await readAll(reader, dense.tip.number))).toHaveLength(6000);
    const spans = questions().map(spanOf);
    expect(spans[1]).toBeLessThan(400);
    expect(Math.max(...spans.slice(2))).toBeGreaterThan(1000);
  });

  it('takes the receipts of a single block that is too much for the node', async () => {
    const reader = await readerOf([onLogs(() => fault('query returned more than 10000 results'))]);
    const { to, blocks } = await reader.logsIn({ from: 1, to: 1 }, { filter });
    expect(to).toBe(1);
    expect(hashes(blocks)).toEqual(expected().slice(0, 2));
    expect(nodes[0]?.count('eth_getBlockReceipts')).toBe(1);
  });

  it('does not take the silence of a node that is behind for an empty range', async () => {
    const behind: Answerer = (question) => {
      if (question.method === 'eth_getLogs') return { result: [] };
      return question.method === 'eth_getBlockByNumber' && Number(question.params[0]) > 100 ? { result: null } : honestly(chain, question);
    };
    const reader = await readerOf([behind, honest]);
    expect(hashes(await readAll(reader))).toEqual(expected());
    expect(questions(0)).toEqual([]);
    const alone = await readerOf([behind]);
    await expect(alone.logsIn({ from: 0, to: BLOCKS }, { filter })).rejects.toMatchObject({ code: 'chain-unavailable' });
  });

  it.each<[string, (log: ChainLog) => Record<string, unknown> | null]>([
    ['a log outside the range', (log) => logOf({ ...log, blockNumber: 9999 })],
    ['a log of another contract', (log) => logOf({ ...log, address: randomHex(20) })],
    ['a log that was removed', (log) => ({ ...logOf(log), removed: true })],
    ['two blocks of one height', (log) => logOf({ ...log, blockHash: randomHex(32) })],
    ['null', () => null],
  ])('believes nothing of an answer with %s, and asks another node', async (_what, spoil) => {
    const spoilt = onLogs(() => ({ result: chain.tips.map(({ log }, n) => (n === 1 ? spoil(log) : logOf(log))) }));
    const reader = await readerOf([spoilt, honest]);
    expect(hashes(await readAll(reader))).toEqual(expected());
    expect(questions(1).length).toBeGreaterThan(0);
  });

  it('goes to the next node when one fails, and says so when none is left', async () => {
    const broken = onLogs(() => ({ raw: (response) => response.writeHead(503).end('<html>') }));
    expect(hashes(await readAll(await readerOf([broken, honest])))).toEqual(expected());
    const alone = await readerOf([broken]);
    await expect(alone.logsIn({ from: 0, to: BLOCKS }, { filter })).rejects.toMatchObject({ code: 'chain-unavailable', retryable: true });
  });

  it('believes only what two providers tell alike where that is asked for', async () => {
    const hides = onLogs(() => ({ result: chain.tips.slice(2).map(({ log }) => logOf(log)) }));
    const quorum = { quorum: { above: [], finalized: true } };
    const agreed = await readerOf([hides, honest, honest], quorum);
    expect(hashes(await readAll(agreed))).toEqual(expected());
    const torn = await readerOf([hides, honest], quorum);
    await expect(torn.logsIn({ from: 0, to: BLOCKS }, { filter })).rejects.toMatchObject({ code: 'chain-unavailable' });
    const lonely = await readerOf([honest], quorum);
    await expect(lonely.logsIn({ from: 0, to: BLOCKS }, { filter })).rejects.toMatchObject({ code: 'chain-unavailable' });
  });
});
