import { Logger } from '@nestjs/common';
import { DelayedError, Queue, UnrecoverableError, type Job } from 'bullmq';
import { errorFields } from '@droppio/platform';
import {
  BackfillQueue,
  BrokerUnavailable,
  DroppioError,
  isRetryable,
  NotOurJob,
  within,
  type BackfillJob,
  type BackfillState,
  type BackfillWorker,
} from '@droppio/tips';
import { BACKFILL_QUEUE_DEFAULTS, backfillKey, BackfillJobSchema, type BackfillQueueSettings } from './backfill-job.js';
import { BullWorker } from './bull-worker.js';
import { CommandLink } from './command-link.js';
import type { LinkMetrics, QueueMetrics } from './metrics.js';
import type { RedisConnections } from './redis-connections.js';
import { WatchedWorker } from './watched-worker.js';

const QUEUE = 'backfill';
const COMMAND_TIMEOUT_MS = 2000;
/** A command that was killed and started again waits about so long for the job that it had in hand. */
const LOCK = { holdMs: 6000, lookEveryMs: 2000 };

/** Most processes never ask: the connection is made with the first question. */
interface Opened {
  readonly link: CommandLink;
  readonly queue: Queue<BackfillJob>;
}

const OPEN_STATES = ['waiting', 'delayed', 'active'] as const;

export interface BullBackfillQueueOptions extends Partial<BackfillQueueSettings> {
  /** Before all keys of the queue; in braces, so that a cluster keeps them in one slot. */
  readonly prefix?: string;
}

/** `BackfillQueue` on BullMQ: the id of a job names its chain, filter and first block, so that it exists once. */
export class BullBackfillQueue extends BackfillQueue {
  private readonly log = new Logger('broker');
  private readonly settings: BackfillQueueSettings;
  private readonly prefix: string;
  private readonly connections: RedisConnections;
  private opened: Opened | undefined;
  private worker: WatchedWorker<BackfillJob> | undefined;
  private closing: Promise<void> | undefined;

  constructor(
    connections: RedisConnections,
    private readonly metrics: { readonly queue: QueueMetrics; readonly link: LinkMetrics },
    options: BullBackfillQueueOptions = {},
  ) {
    super();
    this.settings = { ...BACKFILL_QUEUE_DEFAULTS, ...options };
    this.prefix = options.prefix ?? '{droppio}';
    this.connections = connections.sibling();
  }

  override async put(job: BackfillJob): Promise<void> {
    const open = await this.ask('backfill-count', (queue) => queue.getJobCountByTypes(...OPEN_STATES));
    if (open >= this.settings.maxOpen) throw new BrokerUnavailable('The backfill queue is full.');
    await this.ask('backfill-put', (queue) => this.add(queue, job));
  }

  override async state(job: BackfillJob): Promise<BackfillState> {
    return this.ask('backfill-state', async (queue) => {
      const known = await queue.getJob(backfillKey(job));
      const state = await known?.getState();
      if (known === undefined || state === 'completed' || state === 'unknown') return { kind: 'gone' };
      return state === 'failed' ? { kind: 'failed', code: codeOf(known.failedReason) } : { kind: 'open' };
    });
  }

  override async work(worker: BackfillWorker, { concurrency = this.settings.concurrency }: { concurrency?: number } = {}): Promise<void> {
    if (this.worker !== undefined || this.closing !== undefined) throw new TypeError('this queue has a worker already, or is closed');
    const { prefix, settings } = this;
    this.worker = new WatchedWorker<BackfillJob>({
      make: () =>
        new BullWorker<BackfillJob>(this.connections, {
          queue: QUEUE,
          prefix,
          settings: { ...settings, concurrency },
          run: (job) => this.run(worker, job),
          lock: LOCK,
        }),
      countReady: () => this.ask('backfill-count', (queue) => queue.getJobCountByTypes('waiting')),
      stuckAfterMs: settings.stuckAfterMs,
      metrics: this.metrics.queue,
    });
    await this.worker.started();
  }

  override close(): Promise<void> {
    return (this.closing ??= this.stop());
  }

  /** A job that has ended keeps its id for a while, for telling its state; nothing may be added under it until it is gone. */
  private async add(queue: Queue<BackfillJob>, job: BackfillJob): Promise<void> {
    const jobId = backfillKey(job);
    const known = await queue.getJob(jobId);
    const hasEnded = known !== undefined && ((await known.isCompleted()) || (await known.isFailed()));
    // Somebody else may be doing just the same.
    if (hasEnded) await known.remove().catch(() => undefined);
    await queue.add(QUEUE, job, {
      jobId,
      attempts: this.settings.attempts,
      backoff: { type: 'jittered' },
      removeOnComplete: { age: 3600, count: 1000 },
      removeOnFail: { age: 7 * 24 * 3600, count: 1000 },
      stackTraceLimit: 0,
    });
  }

  private async ask<T>(command: string, work: (queue: Queue<BackfillJob>) => Promise<T>): Promise<T> {
    if (this.closing !== undefined) throw new BrokerUnavailable('The backfill queue is closed.');
    const { link, queue } = (this.opened ??= this.open());
    const answer = link.run(command, () => work(queue));
    try {
      return await within(COMMAND_TIMEOUT_MS, 'asking the backfill queue', answer);
    } catch (error) {
      throw new BrokerUnavailable('The backfill queue was not reached.', { cause: error });
    }
  }

  private open(): Opened {
    const link = new CommandLink(this.connections.connect('commands'), this.metrics.link);
    const queue = new Queue<BackfillJob>(QUEUE, {
      connection: link.redis,
      prefix: this.prefix,
      // Both would make a queue that was created while Redis is away useless for ever.
      skipVersionCheck: true,
      skipWaitingForReady: true,
      skipMetasUpdate: true,
      streams: { events: { maxLen: 100 } },
    });
    queue.on('error', (error) => {
      this.log.debug('queue.error', errorFields(error));
    });
    return { link, queue };
  }

  private async run(work: BackfillWorker, job: Job<BackfillJob>): Promise<void> {
    const data = BackfillJobSchema.safeParse(job.data);
    if (!data.success) throw new UnrecoverableError('malformed-job');
    const { chainId, from, to } = data.data;
    try {
      await within(this.settings.jobTimeoutMs, 'a backfill job', work(data.data));
    } catch (error) {
      if (error instanceof NotOurJob && Date.now() - job.timestamp < this.settings.returnForMs) return this.giveBack(job);
      const attempts = job.attemptsMade + 1;
      const retry = isRetryable(error) && attempts < this.settings.attempts;
      this.log.warn(retry ? 'job.retried' : 'job.failed', { task: 'backfill', chainId, from, to, attempts, ...errorFields(error) });
      // Only the code goes to Redis: messages may hold what must not lie there.
      const code = error instanceof DroppioError ? error.code : 'failed';
      throw retry ? new Error(code) : new UnrecoverableError(code);
    }
  }

  private async giveBack(job: Job<BackfillJob>): Promise<never> {
    await job.moveToDelayed(Date.now() + this.settings.returnMs, job.token);
    throw new DelayedError();
  }

  private async stop(): Promise<void> {
    try {
      await within(this.settings.closeTimeoutMs, 'the running backfill jobs', this.worker?.close() ?? Promise.resolve());
    } catch (error) {
      this.log.warn('queue.close-cut-short', errorFields(error));
    }
    await this.opened?.queue.close().catch(() => undefined);
    this.worker?.abandon();
    this.connections.close();
  }
}

/** BullMQ writes its own sentence when a worker died with the job too often. */
function codeOf(reason: string): string {
  return reason.includes('stalled') ? 'stalled' : reason;
}
