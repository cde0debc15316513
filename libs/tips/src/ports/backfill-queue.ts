import type { BlockRange } from '../block-range.js';
import { DroppioError } from '../errors.js';

/** Blocks of one chain that nobody has searched yet. JSON-safe. */
export interface BackfillJob extends BlockRange {
  readonly chainId: number;
  /** What is to be searched for; whoever looks for something else must not work it. */
  readonly filter: string;
  /** The whole that this is a part of, for telling how much is left. */
  readonly asked: BlockRange;
}

/** The job is fine, but not for this process, whose settings differ. Others will take it: this counts as no try. */
export class NotOurJob extends DroppioError {
  readonly code = 'not-our-job';
  readonly retryable = true;
}

/** Throws to have the job tried again later (with back-off); a `DroppioError` with `retryable: false` ends it. It may end early and leave a rest. */
export type BackfillWorker = (job: BackfillJob) => Promise<void>;

/** `open`: waits, rests between two tries or is at work. `failed`: given up, with the code of its last error. `gone`: done, or lost. */
export type BackfillState = { readonly kind: 'open' } | { readonly kind: 'gone' } | { readonly kind: 'failed'; readonly code: string };

/**
 * Shares the blocks of a backfill out among processes. At least once, in no order. Holds no truth: what was searched is known to the ledger,
 * so a lost job is put again and one that ran twice finds nothing to do. Throws `BrokerUnavailable`.
 * Implementations: `MemoryBackfillQueue`, `BullBackfillQueue`.
 */
export abstract class BackfillQueue {
  /** A job of the same chain, filter and first block that is open is the same job; one that has ended is put anew. */
  abstract put(job: BackfillJob): Promise<void>;
  abstract state(job: BackfillJob): Promise<BackfillState>;
  /** One worker per process; resolves once jobs are being taken. Stops with `close`. */
  abstract work(worker: BackfillWorker, options?: { readonly concurrency?: number }): Promise<void>;
  /** Waits for the running jobs, then lets go of its connections. */
  abstract close(): Promise<void>;
}
