import type { GoneAccount } from './account-data.js';

export interface DoneBatch {
  readonly count: number;
  /** Whom it touched. */
  readonly creators: readonly string[];
}

/** One batch of a walk over all creators. */
export interface WalkedBatch extends DoneBatch {
  /** Where the walk goes on; absent at its end. The same place again when there may be more right here. */
  readonly next?: string;
}

/**
 * What may not be kept for ever, in batches that an index finds and that lock nobody out for long. Every call may be repeated, by any process:
 * `claim` only keeps them from doing the same work. Ages are by the database's clock. Throws `StorageUnavailable`. Implementation:
 * `PostgresRetention`.
 */
export abstract class Retention {
  /** True for the one caller who has this chore for so long. A row in a table: nothing is held on a connection. */
  abstract claim(chore: string, forMs: number): Promise<boolean>;
  /** Audit entries older than this; how many went. */
  abstract pruneAudit(olderThanMs: number, limit: number): Promise<number>;
  /** Events older than this that nobody needs any more: published, planned for all webhooks, and not among the newest `keep` of their creator. */
  abstract pruneEvents(olderThanMs: number, keep: number, after?: string): Promise<WalkedBatch>;
  /** Messages of final tips whose block is older than this; how many tips. Revisions do not move, nobody is told. */
  abstract eraseMessages(olderThanMs: number, limit: number): Promise<number>;
  /** Messages in events older than this that are still kept. Feeds of those creators may hold them still. */
  abstract eraseEventMessages(olderThanMs: number, after?: string): Promise<WalkedBatch>;
  /** Messages that one by one were erased and are back, erased again; how many there were to do. Feeds of those creators may hold them still. */
  abstract eraseAgain(limit: number): Promise<DoneBatch>;
  /** Messages of tips to accounts that are gone; how many tips were looked at. 0: there is nothing to do now. */
  abstract eraseOfGone(limit: number): Promise<number>;
  /** Accounts whose feed was not emptied yet. */
  abstract gone(limit: number): Promise<readonly GoneAccount[]>;
  /** Notes that the feed is empty. */
  abstract forgotten(creatorId: string): Promise<void>;
}
