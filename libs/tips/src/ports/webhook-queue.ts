/** `plan`: write deliveries for a creator's new events. `deliver`: send what a webhook is due. */
export interface WebhookJob {
  readonly task: 'plan' | 'deliver';
  /** Of the creator, or of the webhook. */
  readonly id: string;
}

export interface WebhookNudge {
  /** The other side is slow or failing: its job stands in a lane of its own, and keeps nobody else waiting. */
  readonly isSlow?: boolean;
  /** Not before this, milliseconds. It never puts off a job that waits already. */
  readonly inMs?: number;
}

/** Throws to have the job tried again later (with back-off); a `DroppioError` with `retryable: false` ends it. `isSlow`: the lane that it holds a place of. */
export type WebhookWorker = (job: WebhookJob & { readonly isSlow: boolean }) => Promise<void>;

/**
 * Asks for work on webhooks, from any process. At least once, in no order; in each lane a second nudge for the same task and id while one waits
 * is the same nudge, and one that comes while it runs is run after it. Holds no truth: a lost nudge is found again by the sweep.
 * Implementations: `MemoryWebhookQueue`, `BullWebhookQueue`.
 */
export abstract class WebhookQueue {
  /** Throws `BrokerUnavailable`. */
  abstract nudge(job: WebhookJob, options?: WebhookNudge): Promise<void>;
  /** One worker per process, at most `concurrency` jobs at once in each lane; resolves once jobs are being taken. Stops with `close`. */
  abstract work(worker: WebhookWorker, options?: { readonly concurrency?: number }): Promise<void>;
  /** Waits for the running jobs, then lets go of its connections. */
  abstract close(): Promise<void>;
}
