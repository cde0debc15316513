import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { Queue, UnrecoverableError, type Job, type JobsOptions } from 'bullmq';
import { errorFields } from '@droppio/platform';
import {
  BrokerUnavailable,
  DroppioError,
  isRetryable,
  RelayQueue,
  within,
  type Presence,
  type RelayJob,
  type RelayWorker,
} from '@droppio/tips';
import { BullWorker } from './bull-worker.js';
import { CommandLink } from './command-link.js';
import { isLive } from './live-creators.js';
import type { LinkMetrics, QueueMetrics } from './metrics.js';
import type { RedisConnections } from './redis-connections.js';
import { jobKey, RELAY_QUEUE_DEFAULTS, RelayJobSchema, type RelayQueueSettings } from './relay-job.js';
import { WatchedWorker } from './watched-worker.js';

const QUEUE = 'relay';
/** BullMQ runs jobs without a priority first; any number stands behind them. */
const NOT_LIVE = 10;
const NUDGE_TIMEOUT_MS = 1000;
const COUNT_EVERY_MS = 1000;

export interface BullRelayQueueOptions extends Partial<RelayQueueSettings> {
  /** Before all keys of the queue; in braces, so that a cluster keeps them in one slot. */
  readonly prefix?: string;
  /** Asked whether overlays wait, where the one who nudges does not say. */
  readonly presence?: Presence;
}

/**
 * `RelayQueue` on BullMQ. Ids de-duplicate through BullMQ's `deduplication`, not through job ids: a job id swallows a nudge that
 * arrives while the job of that id runs, whereas `keepLastIfActive` keeps it and runs it next, decided inside Redis.
 */
export class BullRelayQueue extends RelayQueue {
  private readonly log = new Logger('broker');
  private readonly settings: RelayQueueSettings;
  private readonly prefix: string;
  private readonly presence: Presence | undefined;
  private readonly connections: RedisConnections;
  private readonly link: CommandLink;
  private readonly queue: Queue<RelayJob>;
  private readonly counted = { waiting: 0, atMs: 0 };
  private worker: WatchedWorker<RelayJob> | undefined;
  private closing: Promise<void> | undefined;

  constructor(
    connections: RedisConnections,
    private readonly metrics: { readonly queue: QueueMetrics; readonly link: LinkMetrics },
    options: BullRelayQueueOptions = {},
  ) {
    super();
    this.settings = { ...RELAY_QUEUE_DEFAULTS, ...options };
    this.prefix = options.prefix ?? '{droppio}';
    this.presence = options.presence;
    this.connections = connections.sibling();
    this.link = new CommandLink(this.connections.connect('commands'), metrics.link);
    this.queue = new Queue<RelayJob>(QUEUE, {
      connection: this.link.redis,
      prefix: this.prefix,
      // Both would make a queue that was created while Redis is away useless for ever.
      skipVersionCheck: true,
      skipWaitingForReady: true,
      skipMetasUpdate: true,
      streams: { events: { maxLen: 100 } },
    });
    this.queue.on('error', (error) => {
      this.log.debug('queue.error', errorFields(error));
    });
  }

  override async nudge(job: RelayJob, { live }: { live?: boolean } = {}): Promise<void> {
    if (this.closing !== undefined) throw new BrokerUnavailable('The relay queue is closed.');
    this.countWaiting();
    if (this.counted.waiting >= this.settings.maxWaiting) throw new BrokerUnavailable('The relay queue is full.');
    try {
      await within(
        NUDGE_TIMEOUT_MS,
        'nudging the relay queue',
        this.link.run('nudge', async () => this.add(job, live ?? (await isLive(this.presence, job.creatorId)))),
      );
    } catch (error) {
      throw new BrokerUnavailable('The relay queue was not reached.', { cause: error });
    }
  }

  override async work(worker: RelayWorker): Promise<void> {
    if (this.worker !== undefined || this.closing !== undefined) throw new TypeError('this queue has a worker already, or is closed');
    this.worker = new WatchedWorker<RelayJob>({
      make: () => this.makeWorker(worker),
      countReady: () => this.countReady(),
      stuckAfterMs: this.settings.stuckAfterMs,
      metrics: this.metrics.queue,
    });
    await this.worker.started();
  }

  override close(): Promise<void> {
    return (this.closing ??= this.stop());
  }

  private async add(job: RelayJob, live: boolean): Promise<void> {
    const jobId = randomUUID();
    const added = await this.queue.add(job.task, job, { ...this.jobOptions(job), jobId, ...(live ? {} : { priority: NOT_LIVE }) });
    // Another one waits already: it takes over the hurry. Gone meanwhile means that it ran after this nudge.
    if (live && added.id !== jobId) await added.changePriority({ priority: 0 }).catch(() => undefined);
  }

  private jobOptions(job: RelayJob): JobsOptions {
    return {
      deduplication: { id: jobKey(job), keepLastIfActive: true },
      attempts: this.settings.attempts,
      backoff: { type: 'jittered' },
      removeOnComplete: true,
      removeOnFail: { count: 1000, age: 24 * 3600 },
      stackTraceLimit: 0,
    };
  }

  /** Kept about right in the background, so that a nudge costs one round trip. */
  private countWaiting(): void {
    if (Date.now() - this.counted.atMs < COUNT_EVERY_MS) return;
    this.counted.atMs = Date.now();
    this.queue.getJobCountByTypes('waiting', 'prioritized', 'delayed').then(
      (waiting) => {
        this.counted.waiting = waiting;
      },
      () => undefined,
    );
  }

  private makeWorker(work: RelayWorker): BullWorker<RelayJob> {
    const { prefix, settings } = this;
    return new BullWorker<RelayJob>(this.connections, { queue: QUEUE, prefix, settings, run: (job) => this.run(work, job) });
  }

  private countReady(): Promise<number> {
    return this.link.run('count', () => this.queue.getJobCountByTypes('waiting', 'prioritized'));
  }

  private async run(work: RelayWorker, { data, attemptsMade }: Job<RelayJob>): Promise<void> {
    const job = RelayJobSchema.safeParse(data);
    if (!job.success) throw new UnrecoverableError('not a relay job');
    const { task, creatorId } = job.data;
    try {
      await within(this.settings.jobTimeoutMs, `relay job ${task}`, work(job.data));
      this.metrics.queue.ran(task, 'done');
    } catch (error) {
      const attempts = attemptsMade + 1;
      const retry = isRetryable(error) && attempts < this.settings.attempts;
      this.metrics.queue.ran(task, retry ? 'retried' : 'failed');
      this.log.warn(retry ? 'job.retried' : 'job.failed', { task, creatorId, attempts, ...errorFields(error) });
      // Only the code goes to Redis: messages may hold what must not lie there.
      const code = error instanceof DroppioError ? error.code : 'failed';
      throw retry ? new Error(code) : new UnrecoverableError(code);
    }
  }

  private async stop(): Promise<void> {
    try {
      await within(this.settings.closeTimeoutMs, 'the running relay jobs', this.worker?.close() ?? Promise.resolve());
    } catch (error) {
      this.log.warn('queue.close-cut-short', errorFields(error));
    }
    await this.queue.close().catch(() => undefined);
    this.worker?.abandon();
    this.connections.close();
  }
}
