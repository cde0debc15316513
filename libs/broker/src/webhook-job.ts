import * as z from 'zod';
import type { Backoff, WebhookJob } from '@droppio/tips';

/** A job as it lies in Redis. One with `isAlarm` only nudges for itself when its time has come. */
export interface StoredWebhookJob extends WebhookJob {
  readonly isSlow: boolean;
  readonly isAlarm: boolean;
}

export const StoredWebhookJobSchema: z.ZodType<StoredWebhookJob> = z.object({
  task: z.enum(['plan', 'deliver']),
  id: z.string().max(64),
  isSlow: z.boolean(),
  isAlarm: z.boolean(),
});

/** One job per task and id waits at a time. BullMQ refuses ':' here. */
export const webhookJobKey = ({ task, id }: WebhookJob): string => `${task}-${id}`;

const RING_EVERY_MS = 100;

/** Alarms of one job that ring at about the same time are one. */
export function alarmOf(job: WebhookJob, inMs: number, nowMs: number): { readonly key: string; readonly delayMs: number } {
  const ringsAt = Math.ceil((nowMs + inMs) / RING_EVERY_MS) * RING_EVERY_MS;
  return { key: `alarm-${webhookJobKey(job)}-${String(ringsAt)}`, delayMs: ringsAt - nowMs };
}

export interface WebhookQueueSettings {
  /** Jobs at work at once in each lane, in one process. */
  readonly concurrency: number;
  /** Runs of one job before it is given up; what it meant the sweep finds again. */
  readonly attempts: number;
  readonly backoff: Backoff;
  /** A run that takes longer counts as failed and is tried again. */
  readonly jobTimeoutMs: number;
  /** More jobs than this may not wait, alarms included: nudges are refused. */
  readonly maxWaiting: number;
  /** Redis only: a worker that takes nothing for this long although jobs wait is replaced. */
  readonly stuckAfterMs: number;
  /** How long `close` waits for the running jobs. */
  readonly closeTimeoutMs: number;
}

export const WEBHOOK_QUEUE_DEFAULTS: WebhookQueueSettings = {
  concurrency: 32,
  attempts: 5,
  backoff: { baseMs: 200, capMs: 10_000 },
  jobTimeoutMs: 60_000,
  maxWaiting: 200_000,
  stuckAfterMs: 15_000,
  closeTimeoutMs: 15_000,
};
