import { Logger } from '@nestjs/common';
import { SystemClock } from '@droppio/platform';
import { NATIVE_TOKEN, type BlockHeader, type Hex } from '@droppio/tips';
import { randomHex } from '@droppio/tips/testing';
import * as z from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { unregisteredMetrics } from '../metrics.js';
import { FakeNode, type Reply } from '../testing/fake-node.js';
import { JAR } from '../testing/follow-kit.js';
import { aTx, ScriptedChain } from '../testing/scripted-chain.js';
import { honestly } from '../testing/scripted-node.js';
import { Ballot } from './ballot.js';
import { PaymentFetcher } from './payment-fetcher.js';
import { paymentQuorum, type PaymentQuorum } from './quorum.js';
import { RpcEndpoint } from './rpc-endpoint.js';
import { RpcPool } from './rpc-pool.js';

Logger.overrideLogger(false);

const ada = randomHex(20);
let chain: ScriptedChain;
let block: BlockHeader;
let honest: FakeNode;
let odd: FakeNode;

beforeEach(async () => {
  chain = new ScriptedChain(1, JAR);
  const payment = { from: randomHex(20), to: ada, amount: 10n ** 18n };
  block = chain.mine({ ...aTx(), payment }, { ...aTx(), payment: { ...payment, to: randomHex(20) } }, { ...aTx(), payment });
  honest = await FakeNode.start((question) => honestly(chain, question));
  odd = await FakeNode.start((question) => honestly(chain, question));
});
afterEach(async () => {
  await Promise.all([honest.stop(), odd.stop()]);
});

/** Set by tests that want two to agree. */
let quorum: PaymentQuorum | undefined;
afterEach(() => {
  quorum = undefined;
});

function fetcherOf(...nodes: readonly FakeNode[]): PaymentFetcher {
  const { rpc } = unregisteredMetrics();
  const pool = new RpcPool(
    1,
    nodes.map(({ url }, nth) => new RpcEndpoint(url, `node${String(nth)}`, new SystemClock(), rpc)),
  );
  return new PaymentFetcher(pool, new Ballot(pool, rpc), quorum);
}
const ask = (...nodes: readonly FakeNode[]) => fetcherOf(...nodes).payments(block, (address) => address === ada, undefined);
/** From now on the odd node changes its answers to one method. */
function twist(method: string, change: (result: Record<string, unknown>) => unknown): void {
  odd.answer = async (question): Promise<Reply> => {
    const reply = await honestly(chain, question);
    if (question.method !== method || !('result' in reply) || typeof reply.result !== 'object' || reply.result === null) return reply;
    return { result: change({ ...reply.result }) };
  };
}
function transactionsOf({ transactions }: Record<string, unknown>): Record<string, unknown>[] {
  return z.array(z.record(z.string(), z.unknown())).parse(transactions);
}

describe(PaymentFetcher.name, () => {
  it('asks for the receipts of the transactions in question only', async () => {
    const payments = await ask(honest);
    expect(payments.map(({ to, amount, txIndex }) => [to, amount, txIndex])).toEqual([
      [ada, 10n ** 18n, 0],
      [ada, 10n ** 18n, 2],
    ]);
    expect(honest.count('eth_getTransactionReceipt')).toBe(2);
  });

  const other: Hex = randomHex(32);
  it.each<[string, string, (result: Record<string, unknown>) => unknown]>([
    ['no block', 'eth_getBlockByHash', () => null],
    ['another block', 'eth_getBlockByHash', (result) => ({ ...result, hash: other })],
    [
      'a transaction of another block',
      'eth_getBlockByHash',
      (result) => ({ ...result, transactions: transactionsOf(result).map((tx) => ({ ...tx, blockHash: other })) }),
    ],
    [
      'the same transaction twice',
      'eth_getBlockByHash',
      (result) => ({ ...result, transactions: [...transactionsOf(result), ...transactionsOf(result)] }),
    ],
    [
      'hashes in place of transactions',
      'eth_getBlockByHash',
      (result) => ({ ...result, transactions: transactionsOf(result).map(({ hash }) => hash) }),
    ],
    [
      'an amount that is none',
      'eth_getBlockByHash',
      (result) => ({ ...result, transactions: transactionsOf(result).map((tx) => ({ ...tx, value: '-1' })) }),
    ],
    ['no receipt', 'eth_getTransactionReceipt', () => null],
    ['the receipt of another block', 'eth_getTransactionReceipt', (result) => ({ ...result, blockHash: other })],
    ['the receipt of another transaction', 'eth_getTransactionReceipt', (result) => ({ ...result, transactionHash: other })],
    ['a receipt without a status', 'eth_getTransactionReceipt', (result) => ({ ...result, status: undefined })],
  ])('believes nothing of a node that answers with %s, and asks the next', async (_, method, change) => {
    twist(method, change);
    await expect(ask(odd)).rejects.toMatchObject({ code: 'chain-unavailable', retryable: true });
    expect(await ask(odd, honest)).toHaveLength(2);
  });

  it('takes a contract that is created for no payment', async () => {
    twist('eth_getBlockByHash', (result) => ({ ...result, transactions: transactionsOf(result).map((tx) => ({ ...tx, to: null })) }));
    expect(await ask(odd)).toEqual([]);
  });

  it('needs two providers that agree, where a quorum asks for it: a payment that one of them invents or hides is not believed', async () => {
    quorum = paymentQuorum({ quorum: { above: [{ token: NATIVE_TOKEN, amount: 10n ** 18n }], finalized: true } });
    const third = await FakeNode.start((question) => honestly(chain, question));
    const [richer, poorer] = [1n, -1n].map((sign) => (result: Record<string, unknown>) => {
      const [first, ...rest] = transactionsOf(result);
      return { ...result, transactions: sign > 0n ? [{ ...first, value: '0xde0b6b3a7640001' }, ...rest] : rest };
    });
    for (const lie of [richer, poorer]) {
      if (lie !== undefined) twist('eth_getBlockByHash', lie);
      await expect(ask(odd, honest)).rejects.toMatchObject({ code: 'chain-unavailable', retryable: true });
      expect((await ask(odd, honest, third)).map(({ amount }) => amount)).toEqual([10n ** 18n, 10n ** 18n]);
    }
    await expect(ask(honest)).rejects.toMatchObject({ code: 'chain-unavailable' });
    await third.stop();
  });
});
