import * as z from 'zod';
import type { BackfillJob, Backoff } from '@droppio/tips';

const height = z.number().int().min(0);
const range = { from: height, to: height };

export const BackfillJobSchema: z.ZodType<BackfillJob> = z.object({
  chainId: z.number().int().positive(),
  filter: z.string().regex(/^[\w-]{1,64}$/),
  ...range,
  asked: z.object(range),
});

/** Two commands that plan the same blocks mean one job. BullMQ refuses ':' here. */
export const backfillKey = ({ chainId, filter, from }: BackfillJob): string => `backfill-${String(chainId)}-${filter}-${String(from)}`;

export interface BackfillQueueSettings {
  /** Jobs at work at once, in one process, unless its worker says otherwise. */
  readonly concurrency: number;
  /** Runs of one job before it is given up. */
  readonly attempts: number;
  readonly backoff: Backoff;
  /** How long a job rests that its worker had no use for. */
  readonly returnMs: number;
  /** Jobs that nobody had a use for in this time are given up. */
  readonly returnForMs: number;
  /** A run that takes longer counts as failed and is tried again. */
  readonly jobTimeoutMs: number;
  /** More jobs than this may not be open. */
  readonly maxOpen: number;
  /** Redis only: a worker that takes nothing for this long although jobs wait is replaced. */
  readonly stuckAfterMs: number;
  /** How long `close` waits for the running jobs. */
  readonly closeTimeoutMs: number;
}

export const BACKFILL_QUEUE_DEFAULTS: BackfillQueueSettings = {
  concurrency: 1,
  attempts: 6,
  backoff: { baseMs: 1000, capMs: 30_000 },
  returnMs: 1000,
  returnForMs: 3_600_000,
  jobTimeoutMs: 180_000,
  maxOpen: 1000,
  stuckAfterMs: 30_000,
  closeTimeoutMs: 30_000,
};
