import type { BlockRange } from '../block-range.js';
import type { BlockHeader, BlockRef, ChainLog } from '../block.js';
import type { CreatorEvent, FeedPosition } from '../creator-event.js';
import type { OverlayGrant } from '../creator.js';
import type { Hex } from '../hex.js';
import type { SightedTip } from '../tip.js';

export interface ChainCursor extends BlockRef {
  /** Fencing token: commits with another epoch change nothing. */
  readonly fence: number;
}

export interface BlockCommit {
  readonly block: BlockHeader;
  /** When the header reached us, Unix milliseconds. */
  readonly seenAtMs: number;
  /** Blocks that the chain is known to have on top of this one. Default: 0. */
  readonly onTop?: number;
  readonly tips: readonly SightedTip[];
  /** Logs of our contract that would not decode: kept aside, never in the way. */
  readonly quarantined: readonly QuarantinedLog[];
}

export interface QuarantinedLog {
  readonly log: ChainLog;
  readonly code: string;
}

export interface Reorg {
  /** The cursor as the caller knows it. */
  readonly from: BlockRef;
  /** Newest block that both branches share. */
  readonly ancestor: BlockRef;
  /** The new branch in order, parent links checked; may be empty. */
  readonly branch: readonly BlockCommit[];
}

/** Tips that a node promises for a block which is not sealed yet. */
export interface Preconfirmed {
  readonly seenAtMs: number;
  /** Height of the block they are promised for. */
  readonly number: number;
  readonly tips: readonly SightedTip[];
}

/** `moved`: the cursor is not where the caller thought (another leader, another branch). Reload it; never retry blindly. */
export type CommitOutcome = Committed | { readonly kind: 'moved' };

export interface Committed {
  readonly kind: 'committed';
  /** Whoever has new events. */
  readonly creators: readonly string[];
  /** Whose tips wait to be screened now; absent when nobody's do. */
  readonly unscreened?: readonly string[];
}

/** `more`: what is due is more than one short transaction should raise; the same call again goes on. */
export type FinalizeOutcome = (Committed & { readonly more?: true }) | { readonly kind: 'moved' };

/** A range of heights that was searched whole, both ends included. */
export interface BackfillRange extends BlockRange {
  /** What was searched for: the version hash of a chain's filter. At most 64 characters. */
  readonly filter: string;
  /** Height up to which the caller's nodes call the chain final, as he has just read it. It counts only below where the walk began. */
  readonly final?: number;
}

/** A block of the range that holds tips. `tell`: its tips are alerts still, not only history. */
export interface BackfillBlock extends Omit<BlockCommit, 'block'> {
  readonly block: BlockRef & Pick<BlockHeader, 'timestampMs'>;
  readonly tell: boolean;
}

export interface BackfillOutcome {
  /** Whoever has new events. */
  readonly creators: readonly string[];
  /** As in a commit. */
  readonly unscreened?: readonly string[];
  /** Tips that are new. */
  readonly stored: number;
  /** Tips that were there already; untouched. */
  readonly known: number;
  /** Blocks that were left out, since they are neither final nor canonical with us: the walk will bring them, or they are gone. */
  readonly later: number;
}

/** A log as it was stored, for an audit. */
export interface StoredSighting {
  readonly blockHash: Hex;
  readonly logIndex: number;
  /** Absent: the log was set aside. */
  readonly tip?: Pick<SightedTip, 'txHash' | 'ordinal' | 'creator' | 'from' | 'token' | 'amount'>;
}

export interface Lease {
  readonly fence: number;
  readonly expiresInMs: number;
}

export interface FeedSnapshot {
  readonly position: FeedPosition;
  /** The newest events, contiguous, ending at `position.seq`. */
  readonly events: readonly CreatorEvent[];
  readonly grants: readonly OverlayGrant[];
}

/**
 * The truth about tips and the events that overlays receive. Every write is one transaction: the tips, each creator's next gapless seqs,
 * the events and the chain cursor move together or not at all. All calls may be repeated: what is stored already is not stored again.
 * Throws `StorageUnavailable` (retryable). Implementation: `PostgresTipLedger`, on an external or an embedded Postgres.
 */
export abstract class TipLedger {
  /**
   * Takes or renews the lease of a chain. `undefined`: somebody else holds it. Expiry is by the database's clock. `force` takes it although
   * somebody holds it still: for who knows by a `LeaderLock` that the holder is gone. If he is not, he is fenced off by the same statement.
   */
  abstract acquire(chainId: number, holder: string, ttlMs: number, options?: { readonly force?: boolean }): Promise<Lease | undefined>;
  abstract release(chainId: number, holder: string): Promise<void>;
  abstract cursor(chainId: number): Promise<ChainCursor | undefined>;
  /** Sets the first cursor of a chain; an existing one stays. Returns the cursor that holds. */
  abstract begin(chainId: number, block: BlockHeader, fence: number): Promise<ChainCursor>;
  /** Canonical blocks still remembered, newest first. */
  abstract window(chainId: number, limit: number): Promise<readonly (BlockRef & { readonly parentHash: BlockHeader['hash'] })[]>;
  /**
   * One SQL statement. Gated by compare-and-swap on the cursor: `hash = block.parentHash AND epoch = fence`. A creator hears of a tip at once,
   * or, where it wants blocks on top, in the commit that brings the last of them; where it has rules for what may be shown, only after `screen`.
   */
  abstract commit(chainId: number, fence: number, commit: BlockCommit): Promise<CommitOutcome>;
  /**
   * Blocks above the ancestor stop being canonical and the new branch is stored at once. A tip in both branches is one `tip.updated`
   * (if anything visible changed), one only in the old is `tip.retracted`, one only in the new is `tip`.
   */
  abstract reorganise(chainId: number, fence: number, reorg: Reorg): Promise<CommitOutcome>;
  /**
   * Tells of tips whose last awaited block is at this height or below: for who takes up a chain, since whoever committed that block may have
   * been cut off before it told. A chain that rests has no next block to find them by.
   */
  abstract tellDue(chainId: number, fence: number, height: number): Promise<CommitOutcome>;
  /**
   * Raises states to `safe`/`finalized` up to these heights; orphaned tips whose height is finalised become `lost`. Idempotent. Holds the
   * cursor only for moments, so that no block waits for a flood of old tips: until it answers without `more`, some are not raised yet and
   * the marks are not set.
   */
  abstract finalize(chainId: number, fence: number, marks: { safe?: BlockRef; finalized?: BlockRef }): Promise<FinalizeOutcome>;

  /** Height up to which blocks are final here; before the first is, the one that the walk began at. `undefined`: it has not begun. */
  abstract finalizedHeight(chainId: number): Promise<number | undefined>;
  /** What is stored of the canonical blocks `from` to `to` (both included, above the final ones), set-aside logs too; in no order. */
  abstract sightings(chainId: number, from: number, to: number): Promise<readonly StoredSighting[]>;

  /**
   * Stores as `seen` what a node promises, for creators that want to hear of it so early; everybody else's tips begin with their block. A tip
   * that is known already stays as it is. The block that seals it confirms it, or corrects it when the payload differs.
   */
  abstract sight(chainId: number, fence: number, promised: Preconfirmed): Promise<CommitOutcome>;
  /** Seen tips that were promised for a block at this height or below, and that no block holds, become `dropped` and are retracted. */
  abstract drop(chainId: number, fence: number, upTo: number): Promise<CommitOutcome>;

  /**
   * From the cursor on, blocks are searched with this filter. What the walk has searched with it, up to the next change, counts as covered;
   * nothing needs to be noted block by block. Ignored from whoever does not hold the fence.
   */
  abstract looksFor(chainId: number, fence: number, filter: string): Promise<void>;
  /**
   * Tips of blocks that the walk did not search, or searched for less. One transaction, not fenced: any process may run it, beside the
   * leader. A final block (`finalized` here, or below where the walk began and final by the caller's word) is taken as it is and its tips
   * are `finalized`; a later one only while its very hash is canonical here. Tips that exist are never changed nor told again; one that
   * cannot be stored is set aside. The final part of the range is then covered. May be repeated; keep it below some thousand tips.
   */
  abstract backfill(chainId: number, range: BackfillRange, blocks: readonly BackfillBlock[]): Promise<BackfillOutcome>;
  /**
   * Height up to which `backfill` takes blocks as they are when the caller's nodes call the chain final up to `final`. `undefined`: nobody has
   * begun to walk this chain, so nothing can be said beside the walk.
   */
  abstract settled(chainId: number, final: number): Promise<number | undefined>;
  /** What of the range neither the walk nor a backfill has searched with this filter, in order. */
  abstract holes(chainId: number, filter: string, range: BlockRange): Promise<readonly BlockRange[]>;

  /**
   * Judges a creator's waiting tips by its rules (`TipJudge`): tells of each, holds it for a person, or keeps it back for good. Whoever commits
   * calls it for those that the outcome names, never in the way of the next block. Any process may, at any time, several at once: a tip is
   * judged once. A verdict by rules that changed meanwhile, or on a tip that did, counts for nothing and is given anew. True: there are new events.
   */
  abstract screen(creatorId: string): Promise<boolean>;
  /** Creators with tips that have waited to be screened for `olderThanMs`: whoever was to screen them is gone. In no order. */
  abstract unscreened(olderThanMs: number, limit: number): Promise<readonly string[]>;

  /** Events after a seq, in order, at most `limit`. */
  abstract eventsAfter(creatorId: string, seq: number, limit: number): Promise<readonly CreatorEvent[]>;
  /** `undefined`: no such creator. */
  abstract position(creatorId: string): Promise<FeedPosition | undefined>;
  /** Everything a feed needs to be rebuilt, read in one snapshot. */
  abstract snapshot(creatorId: string, limit: number): Promise<FeedSnapshot | undefined>;
  /** Notes that a feed has everything up to `seq`. */
  abstract markPublished(creatorId: string, seq: number): Promise<void>;
  /** Creators with events older than `olderThanMs` that no feed has confirmed, oldest first. */
  abstract unpublished(olderThanMs: number, limit: number): Promise<readonly string[]>;
}
