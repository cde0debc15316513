import { Logger } from '@nestjs/common';
import { SystemClock } from '@droppio/platform';
import { DevChain, openWallet, type TipWallet } from '@droppio/tip-jar';
import { deployContract, priceFeedAbi, priceFeedBytecode } from '@droppio/tip-jar/testing';
import { toHex, type Hex } from '@droppio/tips';
import { randomHex } from '@droppio/tips/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { unregisteredMetrics } from '../metrics.js';
import { ViemChainReader } from '../nodes/viem-chain-reader.js';
import { FakeNode } from '../testing/fake-node.js';
import { testChain } from '../testing/follow-kit.js';
import { NoPrice, PriceReader, type BlockMoment, type PriceInBlock } from './price-reader.js';
import type { SequencerFeed, UsdFeed } from './usd-settings.js';

Logger.overrideLogger(false);

const ETH_USD = 3123_45678901n;
let chain: DevChain;
let wallet: TipWallet;
let feed: Hex;
let reader: PriceReader;

beforeAll(async () => {
  chain = await DevChain.start({ anvilPath: inject('anvilPath') });
  wallet = await openWallet({ rpcUrl: chain.rpcUrl, privateKey: chain.accounts[0]?.privateKey ?? '0x', pollMs: 5 });
});
afterAll(() => chain.stop());
beforeEach(async () => {
  feed = await deployContract(wallet, priceFeedBytecode);
  reader = readerAt([chain.rpcUrl]);
});

const nodesAt = (rpcUrls: readonly string[], quorum?: { above: []; finalized: boolean }) =>
  new ViemChainReader(
    testChain({ chainId: 31337, rpcUrls: [...rpcUrls], ...(quorum && { quorum }) }),
    new SystemClock(),
    unregisteredMetrics(),
  ).contracts;
const readerAt = (rpcUrls: readonly string[], sequencer?: SequencerFeed): PriceReader =>
  new PriceReader(31337, nodesAt(rpcUrls), sequencer);
const source = (fields: Partial<UsdFeed> = {}): UsdFeed => ({ feed, decimals: 8, maxAgeSec: 60, ...fields });

type Change = 'setPrice' | 'setRound' | 'setDecimals' | 'setBroken';
/** The block in which the feed was told so. */
async function told(functionName: Change, args: readonly unknown[], address = feed): Promise<BlockMoment> {
  const hash = await wallet.writeContract({ address, abi: priceFeedAbi, functionName, args: args as never });
  const { blockHash } = await wallet.waitForTransactionReceipt({ hash });
  const { timestamp } = await wallet.getBlock({ blockHash });
  return { blockHash: toHex(blockHash), blockTimestampMs: Number(timestamp) * 1000 };
}
const reasonOf = async (reading: Promise<PriceInBlock>): Promise<string> =>
  reading.then(
    () => 'a price',
    (error: unknown) => (error instanceof NoPrice ? error.reason : String(error)),
  );
const now = async (): Promise<bigint> => (await wallet.getBlock()).timestamp;

describe(`${PriceReader.name} on anvil`, () => {
  it('reads the price of that very block, whatever the feed said later', async () => {
    const then = await told('setPrice', [ETH_USD]);
    await told('setPrice', [1n]);
    expect(await reader.priceIn(source(), then)).toEqual({
      answer: ETH_USD,
      decimals: 8,
      source: feed,
      roundId: '1',
      pricedAtMs: then.blockTimestampMs,
    });
  });

  it('reads feeds of eighteen digits and the largest round', async () => {
    await told('setDecimals', [18]);
    const round = 2n ** 80n - 1n;
    const block = await told('setRound', [round, 2n ** 255n - 1n, 1n, await now()]);
    const price = await reader.priceIn(source({ decimals: 18 }), block);
    expect(price).toMatchObject({ answer: 2n ** 255n - 1n, decimals: 18, roundId: round.toString() });
  });

  it('asks for the digits of a feed once', async () => {
    const block = await told('setPrice', [ETH_USD]);
    await reader.priceIn(source(), block);
    const other = await told('setDecimals', [9]);
    expect(await reasonOf(reader.priceIn(source(), other))).toBe('a price');
    expect(await reasonOf(readerAt([chain.rpcUrl]).priceIn(source(), other))).toBe('decimals');
  });

  it.each<[string, string, (at: bigint) => readonly unknown[]]>([
    ['an answer that was too old in that block', 'stale', (at) => [1n, ETH_USD, 1n, at - 120n]],
    ['a round that is not complete', 'stale', () => [1n, ETH_USD, 1n, 0n]],
    ['an answer from the future', 'unreadable', (at) => [1n, ETH_USD, 1n, at + 3600n]],
    ['an answer from no time at all', 'unreadable', () => [1n, ETH_USD, 1n, 2n ** 256n - 1n]],
    ['zero', 'not-positive', (at) => [1n, 0n, 1n, at]],
    ['less than zero', 'not-positive', (at) => [1n, -ETH_USD, 1n, at]],
  ])('takes no price from %s: %s', async (_, reason, round) => {
    const block = await told('setRound', round(await now()));
    expect(await reasonOf(reader.priceIn(source(), block))).toBe(reason);
  });

  it('tells a feed that refuses from one that is none', async () => {
    const block = await told('setBroken', [true]);
    expect(await reasonOf(reader.priceIn(source(), block))).toBe('reverted');
    expect(await reasonOf(reader.priceIn(source({ feed: randomHex(20) }), block))).toBe('unreadable');
  });

  it('asks nobody for a fixed price', async () => {
    const block = { blockHash: randomHex(32), blockTimestampMs: 5 };
    const price = await readerAt(['http://127.0.0.1:1']).priceIn({ peg: '0.9995' }, block);
    expect(price).toEqual({ answer: 99_950_000n, decimals: 8, source: 'peg', pricedAtMs: 5 });
  });

  it('says that a node does not know a block', async () => {
    const block = { blockHash: randomHex(32), blockTimestampMs: 5 };
    expect(await reasonOf(reader.priceIn(source(), block))).toBe('no-answer');
  });

  it('believes no price while the sequencer is down, or only just up again', async () => {
    const sequencer = await deployContract(wallet, priceFeedBytecode);
    const cautious = readerAt([chain.rpcUrl], { feed: sequencer, graceSec: 600 });
    await told('setPrice', [ETH_USD]);
    const with_ = async (isDown: bigint, since: bigint): Promise<string> =>
      reasonOf(cautious.priceIn(source(), await told('setRound', [1n, isDown, since, since], sequencer)));
    expect(await with_(1n, (await now()) - 3600n)).toBe('sequencer');
    expect(await with_(0n, (await now()) - 300n)).toBe('sequencer');
    expect(await with_(0n, 0n)).toBe('sequencer');
    expect(await with_(0n, (await now()) - 700n)).toBe('a price');
  });

  describe('with nodes that fail', () => {
    const nodes: FakeNode[] = [];
    afterEach(() => Promise.all(nodes.splice(0).map((node) => node.stop())));
    /** The real chain, but for calls. */
    async function aNode(
      call: (answer: string) => Promise<{ result: unknown } | { error: { code: number; message: string } }>,
    ): Promise<string> {
      const node = await FakeNode.start(async ({ method, params }) => {
        const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
        const post = { method: 'POST', body, headers: { 'content-type': 'application/json' } };
        const honest = (await (await fetch(chain.rpcUrl, post)).json()) as { result: string };
        return method === 'eth_call' ? call(honest.result) : { result: honest.result };
      });
      nodes.push(node);
      return node.url;
    }
    const pruned = () => aNode(() => Promise.resolve({ error: { code: -32000, message: 'missing trie node 5a (path ) <nil>' } }));

    it('names a node that has pruned the state, and asks another one that has it', async () => {
      const block = await told('setPrice', [ETH_USD]);
      const url = await pruned();
      expect(await reasonOf(readerAt([url]).priceIn(source(), block))).toBe('pruned');
      expect(await reasonOf(readerAt([url, chain.rpcUrl]).priceIn(source(), block))).toBe('a price');
    });

    it('takes what is no hex for no answer', async () => {
      const block = await told('setPrice', [ETH_USD]);
      const url = await aNode(() => Promise.resolve({ result: { price: 3000 } }));
      expect(await reasonOf(readerAt([url]).priceIn(source(), block))).toBe('no-answer');
    });

    it('believes no single provider where two must agree', async () => {
      const block = await told('setPrice', [ETH_USD]);
      const liar = await aNode((answer) => Promise.resolve({ result: answer.replace(/^(0x.{64}.{56})../, '$1ff') }));
      const local = chain.rpcUrl.replace('127.0.0.1', 'localhost');
      const with_ = (urls: readonly string[]) =>
        new PriceReader(31337, nodesAt(urls, { above: [], finalized: true })).priceIn(source(), block);
      expect(await reasonOf(with_([liar, chain.rpcUrl]))).not.toBe('a price');
      expect((await with_([liar, chain.rpcUrl, local])).answer).toBe(ETH_USD);
    });
  });
});
