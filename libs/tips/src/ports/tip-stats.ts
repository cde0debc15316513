import type { Hex } from '../hex.js';

export interface TokenKey {
  readonly chainId: number;
  readonly token: Hex;
}

/** Sums of final tips of one token, or of one tipper. Never over several tokens: only dollars add up. */
export interface TipSum {
  readonly tips: number;
  /** Tips among them whose worth is known. */
  readonly priced: number;
  /** What those were worth when they were paid: US dollars, eight digits after the point. */
  readonly usd: string;
}

export interface TokenSum extends TipSum, TokenKey {
  readonly symbol: string;
  readonly decimals: number;
  /** Smallest units. */
  readonly amount: bigint;
}

export interface TipSummary {
  /** Those with most tips first. */
  readonly tokens: readonly TokenSum[];
  /** Addresses that tipped, each once. */
  readonly tippers: number;
}

export interface SeriesQuery {
  readonly creatorId: string;
  /** Calendar days, `2026-11-23`, both included, from 2015 on. */
  readonly from: string;
  readonly to: string;
  /** IANA name. */
  readonly timeZone: string;
  readonly token?: TokenKey;
}

export interface DaySum extends TokenSum {
  readonly day: string;
}

export interface TopQuery {
  readonly creatorId: string;
  /** Absent: by dollars, over all tokens. */
  readonly token?: TokenKey;
  /** At most 100. */
  readonly limit: number;
}

export interface TopTipper extends TipSum {
  readonly sender: Hex;
  /** Smallest units of the token that was asked for. */
  readonly amount?: bigint;
}

/**
 * What creators were tipped, of final tips in listed tokens alone: nothing that is told here is ever taken back. Tips count from moments
 * after they are final. A creator's tips are those to the wallets that are his now. Throws `StorageUnavailable`. Implementation:
 * `PostgresTipStats`.
 */
export abstract class TipStats {
  abstract summary(creatorId: string): Promise<TipSummary>;
  /** By day, chain and token; days without tips are left out. */
  abstract series(query: SeriesQuery): Promise<readonly DaySum[]>;
  /** Most first, by address among equals. */
  abstract top(query: TopQuery): Promise<readonly TopTipper[]>;
}
