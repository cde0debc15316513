import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import type { EventRelay } from '@droppio/tips';
import type { FollowerMetrics } from '../metrics.js';

const AT_ONCE = 64;
const MOST_WAITING = 10_000;

/**
 * Publishes what was just committed, without ever making the chain wait: slow creators wait among themselves. One drain per creator at a
 * time; asking again meanwhile means once more. Beyond the bound the relay's sweep finds what is left.
 */
export class DrainRunner {
  private readonly logger = new Logger('chain');
  private readonly running = new Set<string>();
  private readonly waiting = new Set<string>();

  constructor(
    private readonly chainId: number,
    private readonly relay: EventRelay,
    private readonly metrics: FollowerMetrics,
  ) {}

  drain(creators: readonly string[]): void {
    for (const creatorId of creators) {
      if (!this.running.has(creatorId) && this.running.size < AT_ONCE) this.start(creatorId);
      else if (this.waiting.size < MOST_WAITING) this.waiting.add(creatorId);
      else this.metrics.drainDropped(this.chainId);
    }
  }

  get isIdle(): boolean {
    return this.running.size === 0;
  }

  private start(creatorId: string): void {
    this.waiting.delete(creatorId);
    this.running.add(creatorId);
    void this.publish(creatorId).then(() => {
      this.running.delete(creatorId);
      this.next();
    });
  }

  private async publish(creatorId: string): Promise<void> {
    try {
      await this.relay.drain(creatorId);
    } catch (error) {
      // The port promises not to reject; if it does, the sweep repairs and the chain goes on.
      this.logger.warn('drain.failed', { chainId: this.chainId, ...errorFields(error) });
    }
  }

  private next(): void {
    for (const creatorId of this.waiting) {
      if (this.running.size >= AT_ONCE) return;
      if (!this.running.has(creatorId)) this.start(creatorId);
    }
  }
}
