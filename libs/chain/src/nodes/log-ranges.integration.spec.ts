import { Readable } from 'node:stream';
import { Logger } from '@nestjs/common';
import { SystemClock } from '@droppio/platform';
import type { ChainLog, LogFilter } from '@droppio/tips';
import { randomHex, randomInt } from '@droppio/tips/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TIP_TOPIC } from '../decode-tip.js';
import { unregisteredMetrics } from '../metrics.js';
import { FakeNode, type Answerer, type Question, type Reply } from '../testing/fake-node.js';
import { JAR } from '../testing/follow-kit.js';
import { aTx, ScriptedChain } from '../testing/scripted-chain.js';
import { honestly, logOf } from '../testing/scripted-node.js';
import { aRawTip } from '../testing/tip-log.js';
import { LogRanges } from './log-ranges.js';
import { RpcEndpoint } from './rpc-endpoint.js';
import { RpcPool } from './rpc-pool.js';
import { ViemChainReader } from './viem-chain-reader.js';

Logger.overrideLogger(false);

const filter: LogFilter = { addresses: [JAR], topics: [TIP_TOPIC] };
const BLOCKS = 400;
let chain: ScriptedChain;
let nodes: FakeNode[];

beforeEach(() => {
  nodes = [];
  chain = new ScriptedChain(1, JAR);
  // Some with tips, some with others' logs, some empty: blooms that admit, exclude and say nothing.
  for (let n = 0; n < BLOCKS; n += 1) {
    const other = aTx(aRawTip());
    if (n % 3 === 0) chain.mine(aTx(aRawTip()));
    else if (n % 3 === 1) chain.mine({ hash: other.hash, tips: [], logs: [otherLog()] });
    else chain.mine();
  }
  chain.settle({ safe: BLOCKS, finalized: BLOCKS });
});
afterEach(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
});

function otherLog(): ChainLog {
  const hash = randomHex(32);
  return { blockHash: hash, blockNumber: 1, txHash: hash, logIndex: 0, address: randomHex(20), topics: [randomHex(32)], data: '0x' };
}

/** How many blocks a question asks for; 0 when it asks for one by hash. */
function spanOf({ params: [query] }: Question): number {
  if (typeof query !== 'object' || query === null || !('fromBlock' in query && 'toBlock' in query)) return 0;
  return Number(query.toBlock) - Number(query.fromBlock) + 1;
}

async function readerOf(...answers: readonly Answerer[]): Promise<ViemChainReader> {
  nodes = await Promise.all(answers.map((answer) => FakeNode.start(answer)));
  const reader = new ViemChainReader(
    { chainId: 1, tipJar: JAR, rpcUrls: nodes.map((node) => node.url), wsUrls: [] },
    new SystemClock(),
    unregisteredMetrics(),
  );
  await reader.tagged('finalized');
  return reader;
}

/** Reads all blocks as a catch-up does, some side by side. */
async function readAll(reader: ViemChainReader): Promise<readonly string[]> {
  const found: string[] = [];
  for (let at = 1; at <= BLOCKS; at += 16) {
    const blocks = Array.from({ length: Math.min(16, BLOCKS - at + 1) }, (_, index) => chain.at(at + index));
    for (const logs of await Promise.all(blocks.map((block) => reader.logs(block, filter)))) found.push(...logs.map((log) => log.txHash));
  }
  return found;
}

const honest: Answerer = (question) => honestly(chain, question);
const expected = (): readonly string[] => chain.tips.map(({ txHash }) => txHash);
const questions = (index = 0): readonly Question[] => nodes[index]?.asked.filter(({ method }) => method === 'eth_getLogs') ?? [];
const onLogs =
  (answer: (question: Question) => Reply | undefined): Answerer =>
  (question) =>
    (question.method === 'eth_getLogs' ? answer(question) : undefined) ?? honestly(chain, question);

describe(LogRanges.name, () => {
  it('reads finalised blocks by the hundred and finds the same as block by block', async () => {
    const reader = await readerOf(honest, honest);
    expect(await readAll(reader)).toEqual(expected());
    expect(questions(0).length + questions(1).length).toBeLessThan(5);
  });

  it('is not used above the finalised block', async () => {
    chain.settle({ safe: 10, finalized: 10 });
    const reader = await readerOf(honest);
    expect(await readAll(reader)).toEqual(expected());
    expect(Math.max(...questions().map(spanOf))).toBeLessThanOrEqual(10);
  });

  it.each([37, 1])('learns from a provider that serves %i blocks at once, and does not ask for more again', async (most) => {
    const limited = onLogs((question) =>
      spanOf(question) > most ? { error: { code: -32000, message: `maximum block range: ${String(most)}` } } : undefined,
    );
    const reader = await readerOf(limited);
    expect(await readAll(reader)).toEqual(expected());
    expect(questions().filter((question) => spanOf(question) > most)).toHaveLength(1);
  });

  it('halves where the provider names no limit', async () => {
    const limited = onLogs((question) =>
      spanOf(question) > 60 ? { error: { code: -32011, message: 'no backend is currently healthy to serve traffic' } } : undefined,
    );
    const reader = await readerOf(limited);
    expect(await readAll(reader)).toEqual(expected());
    expect(questions().length).toBeLessThan(40);
  });

  it('asks for fewer blocks where they are full of logs, as those of a busy token are', async () => {
    const busy: LogFilter = { addresses: [JAR], topics: [TIP_TOPIC, randomHex(32)] };
    const full = { ...aTx(), logs: Array.from({ length: 100 }, () => ({ ...otherLog(), address: JAR, topics: busy.topics.slice(1) })) };
    for (let n = 0; n < 300; n += 1) chain.mine({ ...full, hash: randomHex(32) });
    chain.settle({ safe: BLOCKS + 100, finalized: BLOCKS + 100 });
    const reader = await readerOf(honest);
    const read = async (from: number, to: number): Promise<void> => {
      for (let at = from; at <= to; at += 1) expect(await reader.logs(chain.at(at), busy)).toHaveLength(100);
    };
    await read(BLOCKS + 1, BLOCKS + 100);
    chain.settle({ safe: BLOCKS + 300, finalized: BLOCKS + 300 });
    await reader.tagged('finalized');
    await read(BLOCKS + 101, BLOCKS + 300);
    const [first, ...later] = questions().map(spanOf);
    expect(first).toBe(100);
    expect(Math.max(...later)).toBeLessThan(60);
    expect(Math.min(...later.slice(0, -1))).toBeGreaterThan(30);
  });

  it('asks for fewer blocks when an answer is larger than it cares to read', async () => {
    const megabyte = Buffer.alloc(1024 * 1024, ' ');
    const flood = onLogs((question) =>
      spanOf(question) > 150
        ? {
            raw: (response) => {
              Readable.from(Array.from({ length: 70 }, () => megabyte)).pipe(response.writeHead(200));
            },
          }
        : undefined,
    );
    const reader = await readerOf(flood);
    expect(await readAll(reader)).toEqual(expected());
    expect(questions().length).toBeLessThan(12);
  });

  it('asks for fewer blocks the next time when an answer does not come in time', async () => {
    const { rpc } = unregisteredMetrics();
    const late = onLogs((question) => (spanOf(question) > 250 ? { raw: () => undefined } : undefined));
    nodes = [await FakeNode.start(late)];
    const endpoint = new RpcEndpoint(nodes[0]?.url ?? '', 'late', new SystemClock(), rpc);
    const ranges = new LogRanges(new RpcPool(1, [endpoint]), false, 1000);
    ranges.finalized = BLOCKS;
    expect(await ranges.logs(chain.at(1), filter, false)).toBeUndefined();
    await expect.poll(() => endpoint.circuit.isOpen).toBe(false);
    expect(await ranges.logs(chain.at(1), filter, false)).toHaveLength(1);
    expect(questions().map(spanOf)).toEqual([400, 200]);
  });

  it('falls back to single blocks when ranges are refused for good', async () => {
    const reader = await readerOf(
      onLogs((question) => (spanOf(question) > 0 ? { error: { code: -32601, message: 'only by block hash' } } : undefined)),
    );
    expect(await readAll(reader)).toEqual(expected());
  });

  it('asks a second node before it believes that a range is empty where blooms say otherwise', async () => {
    const reader = await readerOf(
      onLogs((question) => (spanOf(question) > 0 ? { result: [] } : undefined)),
      honest,
    );
    expect(await readAll(reader)).toEqual(expected());
  });

  it('believes no log whose block is not the one that was walked', async () => {
    const forged = onLogs((question) => {
      if (spanOf(question) === 0) return undefined;
      return {
        result: chain.tips
          .slice(0, 5)
          .map(({ log }) => ({ ...logOf(log), blockHash: randomHex(32), logIndex: `0x${randomInt(9).toString(16)}` })),
      };
    });
    const reader = await readerOf(forged);
    expect(await readAll(reader)).toEqual(expected());
  });

  it.each<[string, (question: Question) => Reply | undefined]>([
    [
      'logs outside of it',
      (question) =>
        spanOf(question) > 0 ? { result: chain.tips.map(({ log }) => ({ ...logOf(log), blockNumber: '0xffff' })) } : undefined,
    ],
    [
      'two blocks of one height',
      (question) =>
        spanOf(question) > 0 ? { result: chain.tips.slice(0, 2).map(({ log }) => ({ ...logOf(log), blockNumber: '0x1' })) } : undefined,
    ],
    ['rubbish', (question) => (spanOf(question) > 0 ? { result: 'none' } : undefined)],
  ])('uses nothing of a range that holds %s', async (_, answer) => {
    const reader = await readerOf(onLogs(answer));
    expect(await readAll(reader)).toEqual(expected());
  });
});
