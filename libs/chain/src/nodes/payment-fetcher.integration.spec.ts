import { Logger } from '@nestjs/common';
import { SystemClock } from '@droppio/platform';
import type { BlockHeader, Hex } from '@droppio/tips';
import { randomHex } from '@droppio/tips/testing';
import * as z from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { unregisteredMetrics } from '../metrics.js';
import { FakeNode, type Reply } from '../testing/fake-node.js';
import { JAR } from '../testing/follow-kit.js';
import { aTx, ScriptedChain } from '../testing/scripted-chain.js';
import { honestly } from '../testing/scripted-node.js';
import { PaymentFetcher } from './payment-fetcher.js';
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

function fetcherOf(...nodes: readonly FakeNode[]): PaymentFetcher {
  const { rpc } = unregisteredMetrics();
  return new PaymentFetcher(
    new RpcPool(
      1,
      nodes.map(({ url }, nth) => new RpcEndpoint(url, `node${String(nth)}`, new SystemClock(), rpc)),
    ),
  );
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
});
