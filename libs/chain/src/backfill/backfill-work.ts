import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import { BackfillQueue } from '@droppio/tips';
import { Backfills } from './backfills.js';

/** Takes jobs of `npm run backfill` beside the live chains: one at a time, so that these go first. */
@Injectable()
export class BackfillWork implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('chain');
  private readonly closing = new AbortController();

  constructor(
    private readonly backfills: Backfills,
    private readonly queue: BackfillQueue,
  ) {}

  onApplicationBootstrap(): void {
    // Not awaited: with Redis away the process starts all the same.
    this.queue
      .work(async (job) => {
        const found = await this.backfills.work(job, this.closing.signal);
        this.logger.log('backfill.worked', { chainId: job.chainId, from: job.from, to: job.to, ...found });
      })
      .catch((error: unknown) => {
        this.logger.error('backfill.not-working', errorFields(error));
      });
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.closing.abort();
    await this.queue.close();
  }
}
