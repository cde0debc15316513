import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import {
  backoffMs,
  BrokerUnavailable,
  isRetryable,
  RelayQueue,
  within,
  type Presence,
  type RelayJob,
  type RelayWorker,
} from '@droppio/tips';
import { isLive } from './live-creators.js';
import type { QueueMetrics } from './metrics.js';
import { jobKey, RELAY_QUEUE_DEFAULTS, type RelayQueueSettings } from './relay-job.js';

interface Entry {
  readonly job: RelayJob;
  live: boolean;
  attempts: number;
  state: 'waiting' | 'active' | 'delayed';
  /** Nudged while at work: it may have looked too early, so it runs once more. */
  again: { live: boolean } | undefined;
  timer?: ReturnType<typeof setTimeout>;
}

/** The queue of a single process: one entry per creator and task, live ones first, gone with the process. */
export class MemoryRelayQueue extends RelayQueue {
  private readonly log = new Logger('broker');
  private readonly entries = new Map<string, Entry>();
  private readonly waiting = { live: new Set<Entry>(), other: new Set<Entry>() };
  private readonly running = new Set<Promise<void>>();
  private readonly settings: RelayQueueSettings;
  private worker: RelayWorker | undefined;
  private closed = false;

  constructor(
    private readonly metrics: QueueMetrics,
    settings: Partial<RelayQueueSettings> = {},
    private readonly presence?: Presence,
  ) {
    super();
    this.settings = { ...RELAY_QUEUE_DEFAULTS, ...settings };
  }

  override async nudge(job: RelayJob, options: { live?: boolean } = {}): Promise<void> {
    const live = options.live ?? (await isLive(this.presence, job.creatorId));
    if (this.closed) throw new BrokerUnavailable('The relay queue is closed.');
    this.put(job, live);
  }

  override work(worker: RelayWorker): Promise<void> {
    if (this.worker !== undefined) throw new TypeError('this queue has a worker already');
    this.worker = worker;
    this.take();
    return Promise.resolve();
  }

  override async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    for (const entry of this.entries.values()) clearTimeout(entry.timer);
    await within(this.settings.closeTimeoutMs, 'the running relay jobs', Promise.all(this.running)).catch((error: unknown) => {
      this.log.warn('queue.close-cut-short', errorFields(error));
    });
    this.entries.clear();
  }

  private put(job: RelayJob, live: boolean): void {
    const known = this.entries.get(jobKey(job));
    if (known !== undefined) {
      this.nudgeAgain(known, live);
      return;
    }
    if (this.entries.size >= this.settings.maxWaiting) throw new BrokerUnavailable('The relay queue is full.');
    const entry: Entry = { job, live, attempts: 0, state: 'waiting', again: undefined };
    this.entries.set(jobKey(job), entry);
    this.wait(entry);
  }

  private nudgeAgain(entry: Entry, live: boolean): void {
    if (entry.state === 'active') entry.again = { live: live || entry.again?.live === true };
    else if (live && !entry.live) {
      entry.live = true;
      if (entry.state === 'waiting' && this.waiting.other.delete(entry)) this.waiting.live.add(entry);
    }
  }

  private wait(entry: Entry): void {
    entry.state = 'waiting';
    this.waiting[entry.live ? 'live' : 'other'].add(entry);
    this.take();
  }

  private take(): void {
    const { worker } = this;
    if (worker === undefined) return;
    while (!this.closed && this.running.size < this.settings.concurrency) {
      const queue = this.waiting.live.size > 0 ? this.waiting.live : this.waiting.other;
      const [entry] = queue;
      if (entry === undefined) return;
      queue.delete(entry);
      entry.state = 'active';
      const run: Promise<void> = this.run(worker, entry).finally(() => {
        this.running.delete(run);
        this.take();
      });
      this.running.add(run);
    }
  }

  private async run(worker: RelayWorker, entry: Entry): Promise<void> {
    const { job } = entry;
    entry.attempts += 1;
    // A nudge never runs the worker in its own call.
    await Promise.resolve();
    try {
      await within(this.settings.jobTimeoutMs, `relay job ${job.task}`, worker(job));
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
    this.log.warn(retry ? 'job.retried' : 'job.failed', { task: job.task, creatorId: job.creatorId, attempts, ...errorFields(error) });
    if (!retry) {
      this.finish(entry);
      return;
    }
    if (this.closed) return;
    entry.state = 'delayed';
    entry.again = undefined;
    entry.timer = setTimeout(
      () => {
        this.wait(entry);
      },
      backoffMs(attempts, this.settings.backoff),
    );
  }

  private finish(entry: Entry): void {
    this.entries.delete(jobKey(entry.job));
    if (entry.again === undefined || this.closed) return;
    const next: Entry = { job: entry.job, live: entry.again.live, attempts: 0, state: 'waiting', again: undefined };
    this.entries.set(jobKey(entry.job), next);
    this.wait(next);
  }
}
