import type { Hex } from './hex.js';

/** A position in a chain. `number` is the height: safe as a JavaScript number for any chain that exists. */
export interface BlockRef {
  readonly number: number;
  readonly hash: Hex;
}

/** What the walk needs of a block. `timestampMs` is the block's own clock in Unix milliseconds. */
export interface BlockHeader extends BlockRef {
  readonly parentHash: Hex;
  readonly timestampMs: number;
  /** 256 bytes; all zero on chains that do not fill it. */
  readonly logsBloom: Hex;
}

/** Coins of the chain itself that a transaction moved by being sent: not from inside a contract's call. */
export interface ChainPayment {
  readonly txHash: Hex;
  /** Place of the transaction in its block. */
  readonly txIndex: number;
  readonly from: Hex;
  readonly to: Hex;
  /** Smallest units; never 0. */
  readonly amount: bigint;
}

/** One log as a node serves it, hex lower-cased. */
export interface ChainLog {
  readonly blockHash: Hex;
  readonly blockNumber: number;
  readonly txHash: Hex;
  readonly logIndex: number;
  readonly address: Hex;
  readonly topics: readonly Hex[];
  readonly data: Hex;
}
