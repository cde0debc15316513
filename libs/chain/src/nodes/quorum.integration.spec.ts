import { Logger } from '@nestjs/common';
import { SystemClock } from '@droppio/platform';
import { NATIVE_TOKEN, type ChainLog, type Hex, type LogFilter } from '@droppio/tips';
import { randomHex } from '@droppio/tips/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ChainSettings } from '../chain-settings.js';
import { TIP_TOPIC } from '../decode-tip.js';
import { unregisteredMetrics } from '../metrics.js';
import { FakeNode, type Answerer, type Reply } from '../testing/fake-node.js';
import { JAR } from '../testing/follow-kit.js';
import { aTx, ScriptedChain } from '../testing/scripted-chain.js';
import { blockOf, honestly, logOf } from '../testing/scripted-node.js';
import { aRawTip, aTipLog } from '../testing/tip-log.js';
import { bloomOf } from './bloom.js';
import { ViemChainReader } from './viem-chain-reader.js';

Logger.overrideLogger(false);

const filter: LogFilter = { addresses: [JAR], topics: [TIP_TOPIC] };
const LIMIT = 1000n;
const quorum: ChainSettings['quorum'] = { above: [{ token: NATIVE_TOKEN, amount: LIMIT }], finalized: true };

let chain: ScriptedChain;
let nodes: FakeNode[];

beforeEach(() => {
  chain = new ScriptedChain(1, JAR);
  nodes = [];
  chain.mine();
  chain.mine(aTx(aRawTip({ amount: 5n })), aTx(aRawTip({ amount: LIMIT })));
});
afterEach(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
});

/** Honest, but for the logs of the newest block. */
const telling =
  (logs: () => readonly ChainLog[]): Answerer =>
  (question) =>
    question.method === 'eth_getLogs' ? { result: logs().map(logOf) } : honestly(chain, question);
const honest: Answerer = (question) => honestly(chain, question);
const down: Answerer = () => ({ raw: (response) => response.destroy() });
const mute: Answerer = () => ({ raw: () => undefined });

const all = (): readonly ChainLog[] => chain.logsOf(chain.tip.hash) ?? [];
const forged = (amount: bigint): ChainLog => ({
  ...aTipLog(aRawTip({ amount })),
  blockHash: chain.tip.hash,
  blockNumber: chain.tip.number,
  logIndex: 77,
});
/** Tells the same lie every time. */
const withForged = (amount = LIMIT): Answerer => {
  const log = forged(amount);
  return telling(() => [...all(), { ...log, blockHash: chain.tip.hash, blockNumber: chain.tip.number }]);
};
const hidingLast = telling(() => all().slice(0, 1));
const hidingFirst = telling(() => all().slice(1));
const changing = telling(() =>
  all().map((log) => ({ ...aTipLog(aRawTip({ amount: LIMIT * 50n })), ...log, data: aTipLog(aRawTip({ amount: LIMIT * 50n })).data })),
);

const outvoted: string[] = [];
async function readerOf(...answers: readonly Answerer[]): Promise<ViemChainReader> {
  nodes = await Promise.all(answers.map((answer) => FakeNode.start(answer)));
  const metrics = unregisteredMetrics();
  outvoted.length = 0;
  metrics.rpc.quorumDisagreed = (endpoint) => void outvoted.push(endpoint);
  const settings = { chainId: 1, tipJar: JAR, rpcUrls: nodes.map((node) => node.url), wsUrls: [], quorum };
  return new ViemChainReader(settings, new SystemClock(), metrics);
}
const asked = (): number[] => nodes.map((node) => node.count('eth_getLogs'));

describe('a quorum of two', () => {
  it('asks two providers for a block that may hold logs, and nobody for one that cannot', async () => {
    const reader = await readerOf(honest, honest, honest);
    expect(await reader.logs(chain.tip, filter)).toEqual(all());
    expect(asked().reduce((sum, count) => sum + count)).toBe(2);
    const other = chain.mine({ hash: randomHex(32), tips: [], logs: [{ ...forged(1n), address: randomHex(20), topics: [randomHex(32)] }] });
    expect(await reader.logs(other, filter)).toEqual([]);
    expect(asked().reduce((sum, count) => sum + count)).toBe(2);
  });

  it.each<[string, () => Answerer]>([
    ['invents a tip', () => withForged()],
    ['invents a small tip', () => withForged(1n)],
    ['hides a large tip', () => hidingLast],
    ['hides a small tip', () => hidingFirst],
    ['hides all of them', () => telling(() => [])],
    ['changes the amounts', () => changing],
  ])('believes the two others when one of three %s, wherever it stands, and names it', async (_, liar) => {
    for (const place of [0, 1, 2]) {
      const answers = [honest, honest];
      answers.splice(place, 0, liar());
      const reader = await readerOf(...answers);
      expect(await reader.logs(chain.tip, filter)).toEqual(all());
      expect(outvoted.every((endpoint) => endpoint === `1-rpc${String(place)}`)).toBe(true);
      // Where it stands last, the two before it agree and it is not even asked.
      expect(outvoted).toHaveLength(place === 2 ? 0 : 1);
      await Promise.all(nodes.map((node) => node.stop()));
      nodes = [];
    }
  });

  it('believes no bloom of one provider: what it would hide is found all the same, and the one that told it is named', async () => {
    const lyingHeader: Answerer = (question) => {
      if (!question.method.startsWith('eth_getBlockBy') || question.params[0] === '0x0') return honestly(chain, question);
      return { result: { ...blockOf(chain.tip), logsBloom: bloomOf([randomHex(20)]) } };
    };
    const reader = await readerOf(lyingHeader, honest, honest);
    const head = await reader.blockByHash(chain.tip.hash);
    expect(head?.logsBloom).not.toBe(chain.tip.logsBloom);
    expect(await reader.logs(head ?? chain.tip, filter)).toEqual(all());
    expect(outvoted).toEqual(['1-rpc0']);
    await Promise.all(nodes.map((node) => node.stop()));
    // A bloom that only one of two has told is no reason to skip the block.
    const two = await readerOf(lyingHeader, down);
    const told = await two.blockByHash(chain.tip.hash);
    await expect(two.logs(told ?? chain.tip, filter)).rejects.toMatchObject({ code: 'chain-unavailable' });
  });

  it('counts a bloom as the word of the one that told it, whoever else has told of the block since', async () => {
    const logsBloom = bloomOf([randomHex(20)]);
    const lyingHeader: Answerer = (question) => {
      if (question.params[0] === 'latest') return { result: null };
      if (!question.method.startsWith('eth_getBlockBy') || question.params[0] === '0x0') return honestly(chain, question);
      return { result: { ...blockOf(chain.tip), logsBloom } };
    };
    const reader = await readerOf(lyingHeader, honest, honest);
    const told = await reader.blockByHash(chain.tip.hash);
    expect(told?.logsBloom).not.toBe(chain.tip.logsBloom);
    await reader.head();
    expect(await reader.logs(told ?? chain.tip, filter)).toEqual(all());
  });

  it('asks a second provider for the header where a bloom excludes our logs, and nobody for logs', async () => {
    const other = chain.mine({ hash: randomHex(32), tips: [], logs: [{ ...forged(1n), address: randomHex(20), topics: [randomHex(32)] }] });
    const reader = await readerOf(honest, honest, honest);
    const block = await reader.blockByHash(other.hash);
    expect(await reader.logs(block ?? other, filter)).toEqual([]);
    expect(nodes.map((node) => node.count('eth_getBlockByHash')).reduce((sum, count) => sum + count)).toBe(2);
    expect(asked()).toEqual([0, 0, 0]);
  });

  it('asks the one that was outvoted last for a while', async () => {
    const reader = await readerOf(withForged(), honest, honest);
    await reader.logs(chain.tip, filter);
    const before = asked();
    for (let n = 0; n < 3; n += 1) {
      const block = chain.mine(aTx(aRawTip()));
      expect(await reader.logs(block, filter)).toHaveLength(1);
    }
    expect(asked()[0]).toBe(before[0]);
  });

  it.each<[string, () => Answerer]>([
    ['invents a large tip', () => withForged()],
    ['hides a large tip', () => hidingLast],
    ['changes the amounts', () => changing],
  ])('believes neither of two when one of them %s; the block waits until they agree', async (_, liar) => {
    for (const answers of [
      [liar(), honest],
      [honest, liar()],
    ]) {
      const reader = await readerOf(...answers);
      await expect(reader.logs(chain.tip, filter)).rejects.toMatchObject({ code: 'chain-unavailable', retryable: true });
      expect([...outvoted].sort()).toEqual(['1-rpc0', '1-rpc1']);
      expect(reader.quorumFault).toMatch(/disagree on the logs of block 2/);
      for (const node of nodes) node.answer = honest;
      expect(await reader.logs(chain.tip, filter)).toEqual(all());
      expect(reader.quorumFault).toBeUndefined();
      await Promise.all(nodes.map((node) => node.stop()));
      nodes = [];
    }
  });

  it('takes the fuller answer of two where what they differ in is below the amounts', async () => {
    for (const answers of [
      [hidingFirst, honest],
      [honest, hidingFirst],
    ]) {
      const reader = await readerOf(...answers);
      expect(await reader.logs(chain.tip, filter)).toEqual(all());
      expect([...outvoted].sort()).toEqual(['1-rpc0', '1-rpc1']);
      await Promise.all(nodes.map((node) => node.stop()));
      nodes = [];
    }
  });

  it.each<[string, Answerer]>([
    ['is down', down],
    ['serves another chain', (question) => (question.method === 'eth_chainId' ? { result: '0x2' } : honestly(chain, question))],
    ['answers with rubbish', telling(() => [{ ...forged(1n), blockHash: randomHex(32) }])],
  ])('is not lowered when one of two %s: nothing is believed of the one that is left', async (_, broken) => {
    const reader = await readerOf(honest, broken);
    await expect(reader.logs(chain.tip, filter)).rejects.toMatchObject({ code: 'chain-unavailable', retryable: true });
    expect(reader.quorumFault).toMatch(/1 of its providers answered for the logs of block 2, and 2 must agree/);
  });

  it('says nothing any more of a block that nobody asked for again', async () => {
    const reader = await readerOf(honest, down);
    await expect(reader.logs(chain.tip, filter)).rejects.toMatchObject({ code: 'chain-unavailable' });
    expect(reader.quorumFault).toBeDefined();
    const later = performance.now() + 21_000;
    const clock = vi.spyOn(performance, 'now').mockReturnValue(later);
    expect(reader.quorumFault).toBeUndefined();
    clock.mockRestore();
  });

  it('is reached by the third provider when one of the first two is down, or says nothing', async () => {
    for (const broken of [down, mute]) {
      const reader = await readerOf(honest, broken, honest);
      await reader.verify();
      expect(await reader.logs(chain.tip, filter)).toEqual(all());
      await Promise.all(nodes.map((node) => node.stop()));
      nodes = [];
    }
  }, 20_000);

  it('counts two addresses on one host as one voice', async () => {
    const reader = await readerOf(withForged(), honest);
    const [liar, other] = nodes.map((node) => node.url);
    const settings = { chainId: 1, tipJar: JAR, rpcUrls: [`${liar ?? ''}/a`, `${liar ?? ''}/b`, other ?? ''], wsUrls: [], quorum };
    const bought = new ViemChainReader(settings, new SystemClock(), unregisteredMetrics());
    await expect(bought.logs(chain.tip, filter)).rejects.toMatchObject({ code: 'chain-unavailable' });
    await expect(reader.logs(chain.tip, filter)).rejects.toMatchObject({ code: 'chain-unavailable' });
  });

  it('says that a block is unknown when every provider does', async () => {
    const reader = await readerOf(honest, honest);
    await expect(reader.logs({ ...chain.tip, hash: randomHex(32) }, filter)).rejects.toMatchObject({ code: 'chain-unavailable' });
  });

  describe('of blocks that are read many at once', () => {
    beforeEach(() => {
      for (let n = 0; n < 20; n += 1) chain.mine(aTx(aRawTip({ amount: LIMIT })), aTx(aRawTip({ amount: LIMIT })));
      chain.settle({ finalized: chain.tip.number });
    });

    /** One of two in its block: what is empty would be looked at again in any case. */
    const hiding: Answerer = async (question) => {
      const reply = await honestly(chain, question);
      if (question.method !== 'eth_getLogs' || !('result' in reply) || !Array.isArray(reply.result)) return reply;
      const hidden = reply.result.findIndex((log: { blockNumber?: string }) => log.blockNumber === '0x5');
      return { result: reply.result.filter((_, index) => index !== hidden) };
    };
    async function readsAll(reader: ViemChainReader): Promise<void> {
      await reader.tagged('finalized');
      for (let at = 1; at <= chain.tip.number; at += 1) {
        const block = chain.at(at);
        expect(await reader.logs(block, filter)).toEqual(chain.logsOf(block.hash));
      }
    }

    it.each([0, 1])('holds, too: two questions for the ranges, and single blocks only where the ranges differ (%i)', async (place) => {
      const answers = [honest, honest];
      answers.splice(place, 0, hiding);
      await readsAll(await readerOf(...answers));
      expect(asked().reduce((sum, count) => sum + count)).toBeLessThan(12);
    });

    it('does not count two addresses of one provider', async () => {
      await readerOf(hiding, honest, honest);
      const [liar = '', ...others] = nodes.map((node) => node.url);
      const settings = { chainId: 1, tipJar: JAR, rpcUrls: [`${liar}/a`, `${liar}/b`, ...others], wsUrls: [], quorum };
      await readsAll(new ViemChainReader(settings, new SystemClock(), unregisteredMetrics()));
    });
  });

  it('holds for coins that a transaction itself sends', async () => {
    const payment = { from: randomHex(20), to: randomHex(20), amount: LIMIT };
    const block = chain.mine({ hash: randomHex(32), tips: [], payment });
    const hidingAll: Answerer = (question) =>
      question.method === 'eth_getBlockByHash'
        ? honestly(chain, { ...question, params: [question.params[0], false] })
        : honestly(chain, question);
    const isWatched = (address: Hex): boolean => address === payment.to;
    expect(await (await readerOf(hidingAll, honest, honest)).payments(block, isWatched)).toMatchObject([payment]);
    await Promise.all(nodes.map((node) => node.stop()));
    const two = await readerOf(hidingAll, honest);
    await expect(two.payments(block, isWatched)).rejects.toMatchObject({ code: 'chain-unavailable' });
    expect(two.quorumFault).toMatch(/disagree on the payments of block 3/);
  });

  describe('of what is settled', () => {
    const tag =
      (answer: Reply): Answerer =>
      (question) =>
        question.method === 'eth_getBlockByNumber' && question.params[0] === 'finalized' ? answer : honestly(chain, question);
    beforeEach(() => {
      for (let n = 0; n < 5; n += 1) chain.mine();
      chain.settle({ finalized: 3 });
    });

    it.each([0, 1, 2])('believes no provider that is alone in calling its newest block final (%i)', async (place) => {
      const answers = [honest, honest, honest];
      answers[place] = tag({ result: blockOf(chain.tip) });
      const reader = await readerOf(...answers);
      expect(await reader.tagged('finalized')).toMatchObject({ number: 3, hash: chain.at(3).hash });
    });

    it('asks two without a quorum, too, and goes on with one while the other is down or far behind', async () => {
      const tagged = async (...answers: readonly Answerer[]): Promise<number | undefined> => {
        nodes = await Promise.all(answers.map((answer) => FakeNode.start(answer)));
        const settings = { chainId: 1, tipJar: JAR, rpcUrls: nodes.map((node) => node.url), wsUrls: [] };
        const reader = new ViemChainReader(settings, new SystemClock(), unregisteredMetrics());
        await reader.head();
        const number = (await reader.tagged('finalized'))?.number;
        await Promise.all(nodes.map((node) => node.stop()));
        return number;
      };
      const early = tag({ result: blockOf(chain.tip) });
      const frozen: Answerer = ({ params: [name], ...rest }) =>
        honestly(chain, { ...rest, params: [name === 'latest' || name === 'finalized' ? '0x1' : name, false] });
      expect(await tagged(early, honest)).toBe(3);
      expect(await tagged(honest, early)).toBe(3);
      expect(await tagged(honest, down)).toBe(3);
      for (let n = 0; n < 20; n += 1) chain.mine();
      expect(await tagged(frozen, honest)).toBe(3);
      expect(await tagged(honest, frozen)).toBe(3);
    });

    it('waits while only one tells, and knows no tag where none has one', async () => {
      await expect((await readerOf(honest, down)).tagged('finalized')).rejects.toMatchObject({
        code: 'chain-unavailable',
        retryable: true,
      });
      await Promise.all(nodes.map((node) => node.stop()));
      const untagged = tag({ error: { code: -32602, message: 'invalid block tag' } });
      expect(await (await readerOf(untagged, untagged)).tagged('finalized')).toBeUndefined();
    });
  });

  it('is what an audit of settled blocks asks for in any case', async () => {
    const settings = (urls: readonly string[]) => ({ chainId: 1, tipJar: JAR, rpcUrls: [...urls], wsUrls: [] });
    await readerOf(withForged(), honest, honest);
    const urls = nodes.map((node) => node.url);
    const three = new ViemChainReader(settings(urls), new SystemClock(), unregisteredMetrics());
    expect(await three.agreedLogs(0, chain.tip.number, filter)).toEqual(all());
    const two = new ViemChainReader(settings(urls.slice(0, 2)), new SystemClock(), unregisteredMetrics());
    await expect(two.agreedLogs(0, chain.tip.number, filter)).rejects.toMatchObject({ code: 'chain-unavailable', retryable: true });
    const one = new ViemChainReader(settings(urls.slice(1, 2)), new SystemClock(), unregisteredMetrics());
    await expect(one.agreedLogs(0, chain.tip.number, filter)).rejects.toMatchObject({ code: 'chain-unavailable', retryable: true });
  });

  it('does not count providers that have not come as far as the range: they would agree on nothing', async () => {
    const behind: Answerer = (question) => {
      const isAhead = question.method === 'eth_getBlockByNumber' && ['latest', '0x2'].includes(String(question.params[0]));
      if (isAhead) return question.params[0] === 'latest' ? honestly(chain, { ...question, params: ['0x1', false] }) : { result: null };
      return question.method === 'eth_getLogs' ? { result: [] } : honestly(chain, question);
    };
    const reader = await readerOf(behind, behind, honest, honest);
    await reader.head();
    expect(await reader.agreedLogs(0, chain.tip.number, filter)).toEqual(all());
    await Promise.all(nodes.map((node) => node.stop()));
    const lost = await readerOf(behind, behind, honest);
    await expect(lost.agreedLogs(0, chain.tip.number, filter)).rejects.toMatchObject({ code: 'chain-unavailable' });
  });
});
