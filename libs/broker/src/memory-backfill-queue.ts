import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import {
  BackfillQueue,
  backoffMs,
  BrokerUnavailable,
  DroppioError,
  isRetryable,
  NotOurJob,
  within,
  type BackfillJob,
  type BackfillState,
  type BackfillWorker,
} from '@droppio/tips';
import { BACKFILL_QUEUE_DEFAULTS, backfillKey, type BackfillQueueSettings } from './backfill-job.js';

interface Entry {
  readonly job: BackfillJob;
  attempts: number;
  readonly putAtMs: number;
  timer?: ReturnType<typeof setTimeout>;
}

/** The queue of a single process: first put, first taken, gone with the process. */
export class MemoryBackfillQueue extends BackfillQueue {
  private readonly log = new Logger('broker');
  private readonly open = new Map<string, Entry>();
  /** The oldest are forgotten. */
  private readonly failed = new Map<string, string>();
  private readonly waiting = new Set<Entry>();
  private readonly running = new Set<Promise<void>>();
  private readonly settings: BackfillQueueSettings;
  private concurrency: number;
  private worker: BackfillWorker | undefined;
  private closed = false;

  constructor(settings: Partial<BackfillQueueSettings> = {}) {
    super();
    this.settings = { ...BACKFILL_QUEUE_DEFAULTS, ...settings };
    this.concurrency = this.settings.concurrency;
  }

  override put(job: BackfillJob): Promise<void> {
    const key = backfillKey(job);
    if (this.closed) return Promise.reject(new BrokerUnavailable('The backfill queue is closed.'));
    if (this.open.has(key)) return Promise.resolve();
    if (this.open.size >= this.settings.maxOpen) return Promise.reject(new BrokerUnavailable('The backfill queue is full.'));
    this.failed.delete(key);
    const entry: Entry = { job, attempts: 0, putAtMs: Date.now() };
    this.open.set(key, entry);
    this.wait(entry);
    return Promise.resolve();
  }

  override state(job: BackfillJob): Promise<BackfillState> {
    const key = backfillKey(job);
    if (this.open.has(key)) return Promise.resolve({ kind: 'open' });
    const code = this.failed.get(key);
    return Promise.resolve(code === undefined ? { kind: 'gone' } : { kind: 'failed', code });
  }

  override work(worker: BackfillWorker, { concurrency = this.concurrency }: { concurrency?: number } = {}): Promise<void> {
    if (this.worker !== undefined) throw new TypeError('this queue has a worker already');
    this.worker = worker;
    this.concurrency = concurrency;
    this.take();
    return Promise.resolve();
  }

  override async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    for (const { timer } of this.open.values()) clearTimeout(timer);
    await within(this.settings.closeTimeoutMs, 'the running backfill jobs', Promise.all(this.running)).catch((error: unknown) => {
      this.log.warn('queue.close-cut-short', errorFields(error));
    });
    this.open.clear();
  }

  private wait(entry: Entry): void {
    this.waiting.add(entry);
    this.take();
  }

  private take(): void {
    const { worker } = this;
    if (worker === undefined) return;
    while (!this.closed && this.running.size < this.concurrency) {
      const [entry] = this.waiting;
      if (entry === undefined) return;
      this.waiting.delete(entry);
      const run: Promise<void> = this.run(worker, entry).finally(() => {
        this.running.delete(run);
        this.take();
      });
      this.running.add(run);
    }
  }

  private async run(worker: BackfillWorker, entry: Entry): Promise<void> {
    const { job } = entry;
    entry.attempts += 1;
    // Putting a job never runs the worker in its own call.
    await Promise.resolve();
    try {
      await within(this.settings.jobTimeoutMs, 'a backfill job', worker(job));
      this.open.delete(backfillKey(job));
    } catch (error) {
      this.fail(entry, error);
    }
  }

  private fail(entry: Entry, error: unknown): void {
    if (error instanceof NotOurJob && Date.now() - entry.putAtMs < this.settings.returnForMs) {
      entry.attempts -= 1;
      this.waitAfter(entry, this.settings.returnMs);
      return;
    }
    const { job, attempts } = entry;
    const retry = isRetryable(error) && attempts < this.settings.attempts;
    this.log.warn(retry ? 'job.retried' : 'job.failed', { task: 'backfill', ...job, asked: undefined, attempts, ...errorFields(error) });
    if (!retry) {
      this.open.delete(backfillKey(job));
      this.failed.set(backfillKey(job), error instanceof DroppioError ? error.code : 'failed');
      for (const oldest of this.failed.keys()) if (this.failed.size > this.settings.maxOpen) this.failed.delete(oldest);
      return;
    }
    this.waitAfter(entry, backoffMs(attempts, this.settings.backoff));
  }

  private waitAfter(entry: Entry, ms: number): void {
    if (this.closed) return;
    entry.timer = setTimeout(() => {
      this.wait(entry);
    }, ms);
  }
}
