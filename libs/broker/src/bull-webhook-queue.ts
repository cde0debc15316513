import { Logger } from '@nestjs/common';
import { Queue, UnrecoverableError, type Job, type JobsOptions } from 'bullmq';
import { errorFields } from '@droppio/platform';
import {
  BrokerUnavailable,
  DroppioError,
  isRetryable,
  WebhookQueue,
  within,
  type WebhookJob,
  type WebhookNudge,
  type WebhookWorker,
} from '@droppio/tips';
import { BullWorker } from './bull-worker.js';
import { CommandLink } from './command-link.js';
import type { LinkMetrics, QueueMetrics } from './metrics.js';
import type { RedisConnections } from './redis-connections.js';
import { WatchedWorker } from './watched-worker.js';
import {
  alarmOf,
  StoredWebhookJobSchema,
  WEBHOOK_QUEUE_DEFAULTS,
  webhookJobKey,
  type StoredWebhookJob,
  type WebhookQueueSettings,
} from './webhook-job.js';

const NAMES = { quick: 'webhooks', slow: 'webhooks-slow' } as const;
type Lane = keyof typeof NAMES;
const NUDGE_TIMEOUT_MS = 1000;
const COUNT_EVERY_MS = 1000;

export interface BullWebhookQueueOptions extends Partial<WebhookQueueSettings> {
  /** Before all keys of the queues; in braces, so that a cluster keeps them in one slot. */
  readonly prefix?: string;
}

/** Most processes never ask: the connection is made with the first nudge. */
interface Opened {
  readonly link: CommandLink;
  readonly queues: Readonly<Record<Lane, Queue<StoredWebhookJob>>>;
}

/**
 * `WebhookQueue` on BullMQ: a queue for each lane. Ids de-duplicate as in `BullRelayQueue`. A nudge for later is a delayed job of its own, since
 * one that waited under the same id would swallow those that come meanwhile.
 */
export class BullWebhookQueue extends WebhookQueue {
  private readonly log = new Logger('broker');
  private readonly settings: WebhookQueueSettings;
  private readonly prefix: string;
  private readonly connections: RedisConnections;
  private readonly counted = { waiting: 0, atMs: 0 };
  private opened: Opened | undefined;
  private workers: readonly WatchedWorker<StoredWebhookJob>[] = [];
  private closing: Promise<void> | undefined;

  constructor(
    connections: RedisConnections,
    private readonly metrics: { readonly queue: QueueMetrics; readonly link: LinkMetrics },
    options: BullWebhookQueueOptions = {},
  ) {
    super();
    this.settings = { ...WEBHOOK_QUEUE_DEFAULTS, ...options };
    this.prefix = options.prefix ?? '{droppio}';
    this.connections = connections.sibling();
  }

  override async nudge({ task, id }: WebhookJob, { isSlow = false, inMs = 0 }: WebhookNudge = {}): Promise<void> {
    if (this.closing !== undefined) throw new BrokerUnavailable('The webhook queue is closed.');
    const opened = (this.opened ??= this.open());
    this.countWaiting(opened);
    if (this.counted.waiting >= this.settings.maxWaiting) throw new BrokerUnavailable('The webhook queue is full.');
    const job: StoredWebhookJob = { task, id, isSlow, isAlarm: inMs > 0 };
    // Alarms are short work, whoever they are for.
    const queue = opened.queues[isSlow && !job.isAlarm ? 'slow' : 'quick'];
    const added = opened.link.run('webhook-nudge', () => queue.add(task, job, this.jobOptions(job, inMs)));
    try {
      await within(NUDGE_TIMEOUT_MS, 'nudging the webhook queue', added);
    } catch (error) {
      throw new BrokerUnavailable('The webhook queue was not reached.', { cause: error });
    }
  }

  override async work(worker: WebhookWorker, { concurrency = this.settings.concurrency }: { concurrency?: number } = {}): Promise<void> {
    if (this.workers.length > 0 || this.closing !== undefined) throw new TypeError('this queue has a worker already, or is closed');
    const opened = (this.opened ??= this.open());
    this.workers = [this.watch('quick', opened, worker, concurrency), this.watch('slow', opened, worker, concurrency)];
    await Promise.all(this.workers.map((each) => each.started()));
  }

  override close(): Promise<void> {
    return (this.closing ??= this.stop());
  }

  private jobOptions(job: StoredWebhookJob, inMs: number): JobsOptions {
    const alarm = alarmOf(job, inMs, Date.now());
    return {
      ...(job.isAlarm ? { jobId: alarm.key, delay: alarm.delayMs } : { deduplication: { id: webhookJobKey(job), keepLastIfActive: true } }),
      attempts: this.settings.attempts,
      backoff: { type: 'jittered' },
      removeOnComplete: true,
      // An alarm that failed must not keep its id.
      removeOnFail: job.isAlarm ? true : { count: 1000, age: 24 * 3600 },
      stackTraceLimit: 0,
    };
  }

  /** Kept about right in the background, so that a nudge costs one round trip. */
  private countWaiting({ queues }: Opened): void {
    if (Date.now() - this.counted.atMs < COUNT_EVERY_MS) return;
    this.counted.atMs = Date.now();
    Promise.all([queues.quick, queues.slow].map((queue) => queue.getJobCountByTypes('waiting', 'delayed'))).then(
      (counts) => {
        this.counted.waiting = counts.reduce((sum, count) => sum + count, 0);
      },
      () => undefined,
    );
  }

  private watch(lane: Lane, { link, queues }: Opened, worker: WebhookWorker, concurrency: number): WatchedWorker<StoredWebhookJob> {
    const { prefix, settings } = this;
    return new WatchedWorker<StoredWebhookJob>({
      make: () =>
        new BullWorker<StoredWebhookJob>(this.connections, {
          queue: NAMES[lane],
          prefix,
          settings: { ...settings, concurrency },
          run: (job) => this.run(worker, job),
        }),
      countReady: () => link.run('webhook-count', () => queues[lane].getJobCountByTypes('waiting')),
      stuckAfterMs: settings.stuckAfterMs,
      metrics: this.metrics.queue,
    });
  }

  private open(): Opened {
    const link = new CommandLink(this.connections.connect('commands'), this.metrics.link);
    const queueOf = (lane: Lane): Queue<StoredWebhookJob> => {
      const queue = new Queue<StoredWebhookJob>(NAMES[lane], {
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
      return queue;
    };
    return { link, queues: { quick: queueOf('quick'), slow: queueOf('slow') } };
  }

  private async run(work: WebhookWorker, job: Job<StoredWebhookJob>): Promise<void> {
    const data = StoredWebhookJobSchema.safeParse(job.data);
    if (!data.success) throw new UnrecoverableError('not a webhook job');
    const { task, id, isSlow, isAlarm } = data.data;
    try {
      const run = isAlarm ? this.nudge({ task, id }, { isSlow }) : work({ task, id, isSlow });
      await within(this.settings.jobTimeoutMs, `webhook job ${task}`, run);
      if (!isAlarm) this.metrics.queue.ran(task, 'done');
    } catch (error) {
      const attempts = job.attemptsMade + 1;
      const retry = isRetryable(error) && attempts < this.settings.attempts;
      this.metrics.queue.ran(task, retry ? 'retried' : 'failed');
      this.log.warn(retry ? 'job.retried' : 'job.failed', { task, id, attempts, ...errorFields(error) });
      // Only the code goes to Redis: messages may hold what must not lie there.
      const code = error instanceof DroppioError ? error.code : 'failed';
      throw retry ? new Error(code) : new UnrecoverableError(code);
    }
  }

  private async stop(): Promise<void> {
    const { workers, opened } = this;
    try {
      await within(this.settings.closeTimeoutMs, 'the running webhook jobs', Promise.all(workers.map((worker) => worker.close())));
    } catch (error) {
      this.log.warn('queue.close-cut-short', errorFields(error));
    }
    if (opened !== undefined) {
      await Promise.all([opened.queues.quick, opened.queues.slow].map((queue) => queue.close().catch(() => undefined)));
    }
    for (const worker of workers) worker.abandon();
    this.connections.close();
  }
}
