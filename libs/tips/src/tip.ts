import type { Hex } from './hex.js';

/**
 * `seen` before its block is sealed; `confirmed` in a canonical block; `safe` and `finalized` by the chain's own tags;
 * `orphaned` when its block left the canonical chain; `lost` when its height was finalised without it; `dropped` when a seen tip was never sealed.
 */
export const TIP_STATES = ['seen', 'confirmed', 'safe', 'finalized', 'orphaned', 'lost', 'dropped'] as const;
export type TipState = (typeof TIP_STATES)[number];

/** Position of a payment on its chain: stable across reorgs, unlike (block hash, log index). */
export interface TipKey {
  readonly chainId: number;
  readonly txHash: Hex;
  /**
   * What of the transaction it is, in number spaces that never meet: below 1 000 000 the rank of a jar's log among the jar's logs; 1 000 000 the
   * coins that the transaction itself moves; from 2^30 the rank of a `Transfer` among that token's, with 18 bits of the token's address in
   * front. Neither other tokens, nor other creators, nor another place in another block ever renumber it.
   */
  readonly ordinal: number;
}

/** `8453-0xabc…-0`: the id of a tip on every wire. */
export function tipId(key: TipKey): string {
  return `${String(key.chainId)}-${key.txHash}-${String(key.ordinal)}`;
}

/** A tip as found in one block, decoded and cleaned, not yet stored. */
export interface SightedTip {
  readonly txHash: Hex;
  readonly ordinal: number;
  readonly logIndex: number;
  /** The wallet that was tipped. */
  readonly creator: Hex;
  readonly from: Hex;
  /** NATIVE_TOKEN for the chain's own coin. */
  readonly token: Hex;
  /** Smallest units. */
  readonly amount: bigint;
  /** Cleaned text (see `cleanMessage`), possibly empty. */
  readonly message: string;
  /** 32 bytes chosen by the sender's page. */
  readonly ref: Hex;
  /** What overlays may see of it; absent when the token is not on the chain's allow-list, so the tip is stored but not shown. */
  readonly display?: TipDisplay;
}

/** What an overlay shows. JSON-safe: amounts are decimal strings of smallest units. */
export interface TipDisplay {
  readonly tipId: string;
  /** Display name of the sender: short address until a name service says more. */
  readonly name: string;
  readonly from: Hex;
  readonly amount: DisplayAmount;
  readonly message: string;
  readonly ref: Hex;
  readonly txHash: Hex;
  /** US dollars, a decimal string: what the settings alone can tell (a token held to be worth so much). What is read from feeds comes after the alert. */
  readonly usd?: string;
}

export interface DisplayAmount {
  /** Smallest units, decimal string. */
  readonly raw: string;
  readonly decimals: number;
  readonly symbol: string;
  readonly chainId: number;
  readonly token: Hex;
}

/** A token that the operator allows on a chain. Symbol and decimals come from the settings, never from the token contract. */
export interface AcceptedToken {
  readonly address: Hex;
  readonly symbol: string;
  readonly decimals: number;
}

/** A stored tip, as the history lists it. */
export interface StoredTip extends TipKey {
  readonly creator: Hex;
  readonly from: Hex;
  readonly token: Hex;
  readonly amount: bigint;
  readonly message: string;
  readonly ref: Hex;
  readonly state: TipState;
  readonly rev: number;
  readonly blockNumber: number;
  readonly blockHash: Hex;
  readonly blockTimestampMs: number;
  /** Place of its log in the block. */
  readonly logIndex: number;
  readonly symbol?: string;
  readonly decimals?: number;
  /** What it was worth in that block; absent where no price is known. */
  readonly worth?: TipWorth;
}

export interface TipWorth {
  /** US dollars, a decimal string. */
  readonly usd: string;
  /** When the source had set its price, Unix milliseconds. */
  readonly atMs: number;
  /** Address of the price feed, or `peg`. */
  readonly source: string;
}
