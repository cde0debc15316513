import type { Hex } from '../hex.js';
import type { StoredTip, TipKey, TipState } from '../tip.js';

/** Which tips of a creator: those that fit everything that is named here. */
export interface TipFilter {
  /** Block times, Unix milliseconds: from this one on, and before that one. */
  readonly fromMs?: number;
  readonly beforeMs?: number;
  readonly chainId?: number;
  readonly token?: { readonly chainId: number; readonly address: Hex };
  readonly sender?: Hex;
  /** One of the creator's own; another's has no tips here. */
  readonly wallet?: Hex;
  readonly states?: readonly TipState[];
  /** Smallest units of `token`, without which it means nothing. */
  readonly minimum?: bigint;
}

export interface HistoryQuery {
  readonly creatorId: string;
  /** How many at most; never more than 1000. */
  readonly limit: number;
  readonly filter?: TipFilter;
  /** Opaque: the `next` of the page before, asked for with the same filter. */
  readonly cursor?: string;
}

export interface HistoryPage {
  readonly tips: readonly StoredTip[];
  /** Absent on the last page. A page may be short, or empty, and have a next one: a filter is held against a bounded number of tips at a time. */
  readonly next?: string;
}

/** One block that held a tip, and what the tip was there. */
export interface TipSighting {
  readonly blockNumber: number;
  readonly blockHash: Hex;
  readonly logIndex: number;
  readonly wallet: Hex;
  readonly amount: bigint;
  /** When the block reached us, Unix milliseconds. */
  readonly seenAtMs: number;
  /** Is this the block that holds the tip on the chain as it is now? Of all sightings at most one. */
  readonly isCanonical: boolean;
}

/** An event of the creator's stream that told of a tip. */
export interface TipTelling {
  readonly seq: number;
  readonly type: 'tip' | 'tip.updated' | 'tip.retracted';
  readonly state: TipState;
  readonly rev: number;
  /** When it was committed, Unix milliseconds. */
  readonly atMs: number;
}

export interface TipProof {
  readonly tip: StoredTip;
  /** Oldest first, at most 100. None for a tip that was only promised. */
  readonly sightings: readonly TipSighting[];
  /** In order, the first 100. */
  readonly tellings: readonly TipTelling[];
}

/**
 * What was tipped, for whoever looks back. A creator's tips are those to the wallets that are his now: a wallet brings its past along and
 * takes it away. Every answer is read through an index and from a bounded number of rows, whatever the filter and however many tips there are.
 * Throws `StorageUnavailable`. Implementation: `PostgresTipArchive`.
 */
export abstract class TipArchive {
  /**
   * Newest first by (block time, chain, height, place in the block, transaction, ordinal). Over the pages of one walk every tip that keeps
   * its place comes exactly once, whatever is added meanwhile. A tip that a reorg moves has another place: it may come again there, under its
   * id, or be where the walk has been already. `finalized` tips never move. Throws `InvalidCursor` for a cursor that another filter, another
   * creator or nobody was given.
   */
  abstract list(query: HistoryQuery): Promise<HistoryPage>;
  /** `undefined`: there is none, or it is not this creator's. */
  abstract proof(creatorId: string, key: TipKey): Promise<TipProof | undefined>;
}
