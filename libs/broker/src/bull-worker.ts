import { Logger } from '@nestjs/common';
import { Worker, type Job } from 'bullmq';
import { errorFields } from '@droppio/platform';
import { backoffMs, type Backoff } from '@droppio/tips';
import type { RedisConnections } from './redis-connections.js';

/** A worker that died lets go of its job after this; a job that runs twice is harmless here. */
const LOCK = { holdMs: 15_000, lookEveryMs: 5000 };
/** BullMQ waits this long after a broken connection before it asks again; its own 15 s would be felt. */
const RETRY_FETCH_MS = 1000;

export interface BullWorkerOptions<J> {
  readonly queue: string;
  readonly prefix: string;
  readonly settings: { readonly concurrency: number; readonly attempts: number; readonly backoff: Backoff };
  readonly run: (job: Job<J>) => Promise<void>;
  /** How soon the job of a worker that died is taken by another one. Default: within 20 s. */
  readonly lock?: { readonly holdMs: number; readonly lookEveryMs: number };
}

/** One BullMQ worker with connections of its own, so that it can be let go of whatever state it is in. */
export class BullWorker<J> {
  private readonly log = new Logger('broker');
  private readonly connections: RedisConnections;
  private readonly worker: Worker<J>;
  private running = 0;
  /** When it last took a job, or found nothing to take, Unix milliseconds. */
  private tookAt = Date.now();

  constructor(connections: RedisConnections, { queue, prefix, settings, run, lock = LOCK }: BullWorkerOptions<J>) {
    this.connections = connections.sibling();
    const work = async (job: Job<J>): Promise<void> => {
      this.tookAt = Date.now();
      this.running += 1;
      await run(job).finally(() => {
        this.running -= 1;
      });
    };
    this.worker = new Worker<J>(queue, work, {
      connection: this.connections.connect('worker'),
      prefix,
      concurrency: settings.concurrency,
      lockDuration: lock.holdMs,
      stalledInterval: lock.lookEveryMs,
      maxStalledCount: settings.attempts,
      runRetryDelay: RETRY_FETCH_MS,
      settings: { backoffStrategy: (attempts) => Math.ceil(backoffMs(attempts, settings.backoff)) },
    });
    this.worker.on('error', (error) => {
      this.log.debug('queue.worker-error', errorFields(error));
    });
    this.worker.on('stalled', (jobId) => {
      this.log.warn('job.stalled', { jobId });
    });
  }

  started(): Promise<void> {
    return this.worker.waitUntilReady();
  }

  /** It could take a job and has not for this long, milliseconds. */
  get idleMs(): number {
    return this.running >= this.worker.concurrency ? 0 : Date.now() - this.tookAt;
  }

  /** Resolves when the running jobs are done. */
  close(): Promise<void> {
    return this.worker.close();
  }

  /** Ends its connections, whatever it is doing; jobs that still run are not lost, another worker finds them stalled. */
  abandon(): void {
    void this.worker.close(true).catch(() => undefined);
    this.connections.close();
  }
}
