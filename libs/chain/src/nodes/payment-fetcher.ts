import type { BlockHeader, ChainPayment, Hex } from '@droppio/tips';
import * as z from 'zod';
import type { Ballot } from './ballot.js';
import { paymentLine, type PaymentQuorum } from './quorum.js';
import type { RpcEndpoint } from './rpc-endpoint.js';
import { RpcFailed } from './rpc-failure.js';
import type { Answer, AskOptions, RpcPool } from './rpc-pool.js';

const lower = (text: string): Hex => `0x${text.slice(2).toLowerCase()}`;
const hex = (bytes: number): z.ZodType<Hex, string> =>
  z
    .string()
    .regex(new RegExp(`^0x[0-9a-fA-F]{${String(bytes * 2)}}$`))
    .transform(lower);
const amount = z
  .string()
  .regex(/^0x[0-9a-fA-F]{1,64}$/)
  .transform(BigInt);
const place = z
  .string()
  .regex(/^0x[0-9a-fA-F]{1,6}$/)
  .transform(Number);

/** `to` is null when a contract is created. */
const transaction = z.object({
  hash: hex(32),
  blockHash: hex(32),
  transactionIndex: place,
  from: hex(20),
  to: hex(20).nullish(),
  value: amount,
});
const fullBlock = z.object({ hash: hex(32), transactions: z.array(transaction) });
const receipt = z.object({ transactionHash: hex(32), blockHash: hex(32), status: z.enum(['0x0', '0x1']) });

const BLOCK_TIMEOUT_MS = 15_000;

/**
 * Coins that the transactions of one block sent by themselves. The whole block comes from one endpoint, the receipts of the few transactions
 * in question decide whether they succeeded; all of it must name the very block.
 */
export class PaymentFetcher {
  constructor(
    private readonly pool: RpcPool,
    private readonly ballot: Ballot,
    /** Two providers must tell the same; without it the first answer is believed. */
    private readonly quorum?: PaymentQuorum,
  ) {}

  async payments(
    block: BlockHeader,
    isWatched: (address: Hex) => boolean,
    prefer: RpcEndpoint | undefined,
  ): Promise<readonly ChainPayment[]> {
    if (this.quorum === undefined) return (await this.told(block, isWatched, { prefer })).value;
    return this.ballot.decide({
      what: `the payments of block ${String(block.number)}`,
      ask: (only) => this.told(block, isWatched, { only, prefer }),
      digest: (payments) => payments.map(paymentLine).join('\n'),
      prefer,
      otherwise: this.quorum.settle,
    });
  }

  /** With the endpoint that told the block, whose word it is. */
  private async told(
    { hash }: BlockHeader,
    isWatched: (address: Hex) => boolean,
    options: AskOptions,
  ): Promise<Answer<readonly ChainPayment[]>> {
    const question = { method: 'eth_getBlockByHash', params: [hash, true], timeoutMs: BLOCK_TIMEOUT_MS };
    const { value, endpoint } = await this.pool.ask({ ...question, parse: (answer) => transactionsOf(answer, hash) }, options);
    const candidates = value.filter(({ to, amount: sent }) => sent > 0n && isWatched(to));
    const from = { ...options, prefer: endpoint };
    const successes = await Promise.all(candidates.map(({ txHash }) => this.hasSucceeded(txHash, hash, from)));
    return { value: candidates.filter((_, index) => successes[index] === true), endpoint };
  }

  private async hasSucceeded(txHash: Hex, blockHash: Hex, options: AskOptions): Promise<boolean> {
    const parse = (answer: unknown): boolean => {
      if (answer === null) throw new RpcFailed('unknown', 'the node has no such receipt');
      const found = parsed('receipt', receipt, answer);
      if (found.transactionHash !== txHash || found.blockHash !== blockHash)
        throw new RpcFailed('malformed', 'the receipt of another block');
      return found.status === '0x1';
    };
    return (await this.pool.ask({ method: 'eth_getTransactionReceipt', params: [txHash], parse }, options)).value;
  }
}

function transactionsOf(answer: unknown, blockHash: Hex): readonly ChainPayment[] {
  if (answer === null) throw new RpcFailed('unknown', 'the node has no such block');
  const block = parsed('block', fullBlock, answer);
  if (block.hash !== blockHash) throw new RpcFailed('malformed', 'the node answered with another block');
  const places = new Set<number>();
  const payments: ChainPayment[] = [];
  for (const { hash, blockHash: of, transactionIndex, from, to, value } of block.transactions) {
    if (of !== blockHash) throw new RpcFailed('malformed', 'a transaction of another block');
    if (places.has(transactionIndex)) throw new RpcFailed('malformed', 'the same transaction twice');
    places.add(transactionIndex);
    if (to !== null && to !== undefined) payments.push({ txHash: hash, txIndex: transactionIndex, from, to, amount: value });
  }
  return payments.sort((a, b) => a.txIndex - b.txIndex);
}

function parsed<S extends z.ZodType>(what: string, schema: S, answer: unknown): z.output<S> {
  const read = schema.safeParse(answer);
  if (read.success) return read.data;
  throw new RpcFailed('malformed', `the answer is no ${what}: ${read.error.issues[0]?.path.join('.') ?? ''}`);
}
