import * as z from 'zod';
import type { Backoff, RelayJob } from '@droppio/tips';

export const RelayJobSchema: z.ZodType<RelayJob> = z.object({ creatorId: z.string().max(64), task: z.enum(['drain', 'restore']) });

/** One job per creator and task waits at a time. BullMQ refuses ':' here. */
export const jobKey = ({ creatorId, task }: RelayJob): string => `${task}-${creatorId}`;

export interface RelayQueueSettings {
  /** Jobs at work at once, in one process. */
  readonly concurrency: number;
  /** Runs of one job before it is given up; what it meant the sweep finds again. */
  readonly attempts: number;
  readonly backoff: Backoff;
  /** A run that takes longer counts as failed and is tried again. */
  readonly jobTimeoutMs: number;
  /** More jobs than this may not wait: nudges are refused. */
  readonly maxWaiting: number;
  /** Redis only: a worker that takes nothing for this long although jobs wait is replaced. */
  readonly stuckAfterMs: number;
  /** How long `close` waits for the running jobs. */
  readonly closeTimeoutMs: number;
}

export const RELAY_QUEUE_DEFAULTS: RelayQueueSettings = {
  concurrency: 8,
  attempts: 10,
  backoff: { baseMs: 200, capMs: 10_000 },
  jobTimeoutMs: 30_000,
  maxWaiting: 100_000,
  stuckAfterMs: 15_000,
  closeTimeoutMs: 10_000,
};
