import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import { backoffMs, BrokerUnavailable, isRetryable, within, type WebhookJob, type WebhookWorker } from '@droppio/tips';
import type { QueueMetrics } from './metrics.js';
import { webhookJobKey, type WebhookQueueSettings } from './webhook-job.js';

interface Entry {
  readonly job: WebhookJob;
  attempts: number;
  isActive: boolean;
  /** Nudged while at work: it may have looked too early, so it runs once more. */
  again: boolean;
  timer?: ReturnType<typeof setTimeout>;
}

/** Jobs of one process, one of each at a time, in the order of their nudges; gone with the process. */
export class MemoryLane {
  private readonly log = new Logger('broker');
  private readonly entries = new Map<string, Entry>();
  private readonly waiting = new Set<Entry>();
  private readonly running = new Set<Promise<void>>();
  private worker: { readonly run: WebhookWorker; readonly concurrency: number } | undefined;
  private closed = false;

  constructor(
    private readonly metrics: QueueMetrics,
    private readonly settings: WebhookQueueSettings,
    private readonly isSlow: boolean,
  ) {}

  put(job: WebhookJob): void {
    const known = this.entries.get(webhookJobKey(job));
    if (known !== undefined) {
      known.again ||= known.isActive;
      return;
    }
    if (this.entries.size >= this.settings.maxWaiting) throw new BrokerUnavailable('The webhook queue is full.');
    this.enter(job);
  }

  start(run: WebhookWorker, concurrency: number): void {
    this.worker = { run, concurrency };
    this.take();
  }

  /** Resolves when the running jobs are done; none is taken after. */
  async close(): Promise<void> {
    this.closed = true;
    for (const entry of this.entries.values()) clearTimeout(entry.timer);
    await Promise.all(this.running);
  }

  private enter(job: WebhookJob): void {
    const entry: Entry = { job, attempts: 0, isActive: false, again: false };
    this.entries.set(webhookJobKey(job), entry);
    this.wait(entry);
  }

  private wait(entry: Entry): void {
    this.waiting.add(entry);
    this.take();
  }

  private take(): void {
    const { worker } = this;
    while (worker !== undefined && !this.closed && this.running.size < worker.concurrency) {
      const [entry] = this.waiting;
      if (entry === undefined) return;
      this.waiting.delete(entry);
      entry.isActive = true;
      const run: Promise<void> = this.run(worker.run, entry).finally(() => {
        this.running.delete(run);
        this.take();
      });
      this.running.add(run);
    }
  }

  private async run(work: WebhookWorker, entry: Entry): Promise<void> {
    const { job } = entry;
    entry.attempts += 1;
    // A nudge never runs the worker in its own call.
    await Promise.resolve();
    try {
      await within(this.settings.jobTimeoutMs, `webhook job ${job.task}`, work({ ...job, isSlow: this.isSlow }));
      this.metrics.ran(job.task, 'done');
      this.finish(entry);
    } catch (error) {
      this.fail(entry, error);
    }
  }

  private fail(entry: Entry, error: unknown): void {
    const { job, attempts } = entry;
    const retry = isRetryable(error) && attempts < this.settings.attempts;
    this.metrics.ran(job.task, retry ? 'retried' : 'failed');
    this.log.warn(retry ? 'job.retried' : 'job.failed', { ...job, attempts, ...errorFields(error) });
    if (!retry) {
      this.finish(entry);
      return;
    }
    entry.isActive = false;
    entry.again = false;
    if (this.closed) return;
    entry.timer = setTimeout(
      () => {
        this.wait(entry);
      },
      backoffMs(attempts, this.settings.backoff),
    );
  }

  private finish(entry: Entry): void {
    this.entries.delete(webhookJobKey(entry.job));
    if (entry.again && !this.closed) this.enter(entry.job);
  }
}
