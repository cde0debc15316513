import type { Hex } from 'viem';
import * as z from 'zod';
import { paymentsIn, tipsIn } from './oracle-tips.js';
import type { RpcLine } from './rpc-line.js';

/** A tip that stands on the chain, found without any code of the listener. */
export interface StandingTip {
  /** `<chain>-<transaction>-<ordinal>`, numbered as docs/adr/0009 says. */
  readonly id: string;
  readonly source: 'jar' | 'token' | 'native';
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
  /** Absent: no log tells of it. */
  readonly logIndex: number | undefined;
}

export interface ChainTruth {
  readonly chainId: number;
  /** By height, as far as the listener is to have come. */
  readonly hashes: readonly string[];
  readonly finalized: number;
  readonly tips: ReadonlyMap<string, StandingTip>;
}

/** What counts on this chain. */
export interface Rules {
  readonly chainId: number;
  readonly jar: string;
  /** Listed token whose transfers straight to a wallet count. */
  readonly token: string | undefined;
  /** Do coins that a transaction itself sends to a wallet? */
  readonly native: boolean;
  /** Blocks that a tip must have, its own included. */
  readonly confirmations: number;
  readonly wallets: ReadonlySet<string>;
}

const hex = z.custom<Hex>((value) => typeof value === 'string' && value.startsWith('0x'));
const Tx = z.object({ hash: hex, from: hex, to: hex.nullish(), value: hex });
const Block = z.object({ number: hex, hash: hex, parentHash: hex, transactions: z.array(Tx) });
const Header = z.object({ number: hex });
const Logs = z.array(
  z.object({
    address: hex,
    blockHash: hex,
    blockNumber: hex,
    transactionHash: hex,
    logIndex: hex,
    topics: z.tuple([hex], hex),
    data: hex,
  }),
);
export type NodeBlock = z.output<typeof Block>;
export type NodeLog = z.output<typeof Logs>[number];
const Receipt = z.object({ status: hex });

/** Reads the whole chain from a node that nobody lies for. */
export async function walkChain(line: RpcLine, rules: Rules): Promise<ChainTruth> {
  const head = Number(Header.parse(await line.ask('eth_getBlockByNumber', ['latest', false])).number);
  const finalized = Number(Header.parse(await line.ask('eth_getBlockByNumber', ['finalized', false])).number);
  const blocks: NodeBlock[] = [];
  const ripe = head - (rules.confirmations - 1);
  for (let number = 0; number <= ripe; number += 1) {
    const block = Block.parse(await line.ask('eth_getBlockByNumber', [`0x${number.toString(16)}`, true]));
    if (number > 0 && block.parentHash !== blocks[number - 1]?.hash) throw new Error('the node serves a chain with a hole');
    blocks.push(block);
  }
  const logs = Logs.parse(await line.ask('eth_getLogs', [{ fromBlock: '0x0', toBlock: `0x${ripe.toString(16)}` }]));
  const succeeded = async (tx: string): Promise<boolean> =>
    Receipt.parse(await line.ask('eth_getTransactionReceipt', [tx])).status === '0x1';
  const found = [...tipsIn(logs, rules), ...(rules.native ? await paymentsIn(blocks, rules, succeeded) : [])];
  const tips = new Map(found.map((tip) => [tip.id, { ...tip, onTop: head - tip.blockNumber }]));
  if (tips.size !== found.length) throw new Error('the oracle names two tips alike');
  return { chainId: rules.chainId, hashes: blocks.map(({ hash }) => hash), finalized, tips };
}
