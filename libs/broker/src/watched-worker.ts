import { Logger } from '@nestjs/common';
import type { BullWorker } from './bull-worker.js';
import type { QueueMetrics } from './metrics.js';

export interface WatchedParts<J> {
  readonly make: () => BullWorker<J>;
  /** Jobs that could be taken at once. */
  readonly countReady: () => Promise<number>;
  readonly stuckAfterMs: number;
  readonly metrics: QueueMetrics;
}

/**
 * BullMQ workers have been seen to stop after a failover: connected, and taking nothing. One that leaves jobs waiting is let go and another
 * one made.
 */
export class WatchedWorker<J> {
  private readonly log = new Logger('broker');
  private worker: BullWorker<J>;
  private closed = false;
  private readonly watchdog: ReturnType<typeof setInterval>;

  constructor(private readonly parts: WatchedParts<J>) {
    this.worker = parts.make();
    this.watchdog = setInterval(() => {
      this.look();
    }, parts.stuckAfterMs / 5);
    this.watchdog.unref();
  }

  started(): Promise<void> {
    return this.worker.started();
  }

  /** Resolves when the running jobs are done; none is taken after. */
  close(): Promise<void> {
    this.closed = true;
    clearInterval(this.watchdog);
    return this.worker.close();
  }

  abandon(): void {
    this.worker.abandon();
  }

  private look(): void {
    const { worker } = this;
    const { stuckAfterMs, countReady } = this.parts;
    if (worker.idleMs < stuckAfterMs) return;
    countReady().then(
      (ready) => {
        if (ready > 0 && !this.closed && worker === this.worker && worker.idleMs >= stuckAfterMs) this.replace(ready);
      },
      // Nothing can be said while Redis is away, and no worker could do anything.
      () => undefined,
    );
  }

  private replace(ready: number): void {
    this.log.warn('queue.worker-stuck', { ready, idleMs: this.worker.idleMs });
    this.parts.metrics.workerRestarted();
    this.worker.abandon();
    this.worker = this.parts.make();
  }
}
