import type { Hex } from '../hex.js';
import type { TipKey } from '../tip.js';

/** A tip whose worth in its block is not known yet. */
export interface UnvaluedTip extends TipKey {
  readonly token: Hex;
  /** Smallest units. */
  readonly amount: bigint;
  readonly blockNumber: number;
  readonly blockHash: Hex;
  readonly blockTimestampMs: number;
  /** Readings that failed for this block so far. */
  readonly failures: number;
}

/** What a tip was worth when it was paid. Decimal strings: no float is ever involved. */
export interface PricedTip {
  /** US dollars, eight digits after the point. */
  readonly usd: string;
  /** Dollars for one whole token, every digit of the source. */
  readonly price: string;
  /** Address of the price feed, or `peg`. */
  readonly source: string;
  /** The feed's own number of its answer. */
  readonly roundId?: string;
  /** When the source last set the price, Unix milliseconds. */
  readonly pricedAtMs: number;
}

/** Why there is no price, and when to look again; without `retryMs` this is the end of it. */
export interface UnpricedTip {
  readonly reason: string;
  readonly failures: number;
  readonly retryMs?: number;
}

export interface TipValuation extends TipKey {
  /** The block that it was read at. */
  readonly blockHash: Hex;
  readonly outcome: PricedTip | UnpricedTip;
}

/**
 * What tips were worth in US dollars in the block that holds them. A tip counts as unvalued again when it moves to another block; a tip that
 * is in no block keeps what was noted. Any number of processes may note the same. Throws `StorageUnavailable`. Implementations:
 * `PostgresTipValues`, `MemoryTipValues`.
 */
export abstract class TipValues {
  /**
   * Tips of these tokens in canonical blocks that have no valuation for their block, newest first; then those whose next look is due, whatever
   * their token. At most `limit` of each kind.
   */
  abstract unvalued(query: {
    readonly chainId: number;
    readonly tokens: readonly Hex[];
    readonly limit: number;
  }): Promise<readonly UnvaluedTip[]>;
  /** Notes what still stands in the block that it was read at, and nothing else; a tip that somebody is changing right now stays as it is. Gives how many were noted. */
  abstract note(valuations: readonly TipValuation[]): Promise<number>;
}
