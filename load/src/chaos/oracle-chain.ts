import { tipJarAbi } from '@droppio/tip-jar';
import { decodeEventLog, type Hex } from 'viem';
import * as z from 'zod';
import type { RpcLine } from './rpc-line.js';

/** A tip that stands on the chain, found without any code of the listener. */
export interface StandingTip {
  /** `<chain>-<transaction>-<rank among the jar's tips of that transaction>`. */
  readonly id: string;
  readonly wallet: string;
  readonly sender: string;
  readonly token: string;
  readonly amount: bigint;
  readonly message: string;
  readonly ref: string;
  readonly blockNumber: number;
  /** Blocks on top of its own. */
  readonly onTop: number;
  readonly blockHash: string;
  readonly logIndex: number;
}

export interface ChainTruth {
  readonly chainId: number;
  /** By height. */
  readonly hashes: readonly string[];
  readonly finalized: number;
  readonly tips: ReadonlyMap<string, StandingTip>;
}

const hex = z.custom<Hex>((value) => typeof value === 'string' && value.startsWith('0x'));
const Block = z.object({ number: hex, hash: hex, parentHash: hex });
const Logs = z.array(
  z.object({ blockHash: hex, blockNumber: hex, transactionHash: hex, logIndex: hex, topics: z.tuple([hex], hex), data: hex }),
);

/** Reads the whole chain from a node that nobody lies for. */
export async function walkChain(line: RpcLine, chainId: number, jar: string): Promise<ChainTruth> {
  const head = Block.parse(await line.ask('eth_getBlockByNumber', ['latest', false]));
  const finalized = Block.parse(await line.ask('eth_getBlockByNumber', ['finalized', false]));
  const hashes: string[] = [];
  for (let number = 0; number <= Number(head.number); number += 1) {
    const block = Block.parse(await line.ask('eth_getBlockByNumber', [`0x${number.toString(16)}`, false]));
    if (number > 0 && block.parentHash !== hashes[number - 1]) throw new Error('the node serves a chain with a hole');
    hashes.push(block.hash);
  }
  const logs = Logs.parse(await line.ask('eth_getLogs', [{ fromBlock: '0x0', toBlock: 'latest', address: jar }]));
  const ranks = new Map<string, number>();
  const tips = new Map<string, StandingTip>();
  for (const log of logs) {
    const { args } = decodeEventLog({ abi: tipJarAbi, eventName: 'Tip', topics: log.topics, data: log.data });
    const rank = ranks.get(log.transactionHash) ?? 0;
    ranks.set(log.transactionHash, rank + 1);
    const id = `${String(chainId)}-${log.transactionHash}-${String(rank)}`;
    tips.set(id, {
      id,
      wallet: args.creator.toLowerCase(),
      sender: args.from.toLowerCase(),
      token: args.token.toLowerCase(),
      amount: args.amount,
      message: args.message,
      ref: args.ref,
      blockNumber: Number(log.blockNumber),
      onTop: Number(head.number) - Number(log.blockNumber),
      blockHash: log.blockHash,
      logIndex: Number(log.logIndex),
    });
  }
  return { chainId, hashes, finalized: Number(finalized.number), tips };
}
