/** `drain`: publish what is committed. `restore`: rebuild the feed's keys from the ledger. */
export type RelayTask = 'drain' | 'restore';

export interface RelayJob {
  readonly creatorId: string;
  readonly task: RelayTask;
}

/** Throws to have the job tried again later (with back-off); a `DroppioError` with `retryable: false` ends it. */
export type RelayWorker = (job: RelayJob) => Promise<void>;

/**
 * Asks for work on a creator's feed, from any process. At least once, no order between creators; a second nudge for the same creator and
 * task while one waits is the same nudge. A nudge may be lost with Redis: the sweep finds what it meant.
 * Implementations: `MemoryRelayQueue`, `BullRelayQueue`.
 */
export abstract class RelayQueue {
  /** `live`: overlays are waiting on it, so it goes first; whoever does not know leaves it to `Presence`. Throws `BrokerUnavailable`. */
  abstract nudge(job: RelayJob, options?: { live?: boolean }): Promise<void>;
  /** One worker per process; resolves once jobs are being taken. Stops with `close`. */
  abstract work(worker: RelayWorker): Promise<void>;
  /** Waits for the running job, then lets go of its connections. */
  abstract close(): Promise<void>;
}
