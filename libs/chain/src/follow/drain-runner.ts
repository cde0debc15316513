import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import type { Committed, EventRelay, TipLedger } from '@droppio/tips';
import type { FollowerMetrics } from './follower-metrics.js';

const DRAINS_AT_ONCE = 64;
/** Each takes a connection to the database now and then, of which commits need one, too. */
const SCREENINGS_AT_ONCE = 4;
const MOST_WAITING = 10_000;

type Told = Pick<Committed, 'creators' | 'unscreened'>;

/**
 * Publishes what was just committed, and has screened first what must be, without ever making the chain wait: slow creators wait among
 * themselves. Beyond the bounds the relay's sweeps find what is left.
 */
export class DrainRunner {
  private readonly logger = new Logger('chain');
  private readonly drains: Lane;
  private readonly screenings: Lane;

  constructor(chainId: number, relay: EventRelay, ledger: Pick<TipLedger, 'screen'>, metrics: FollowerMetrics) {
    // The port promises not to reject; if it does, the sweep repairs and the chain goes on.
    const careful = (what: string, work: (creatorId: string) => Promise<void>) => (creatorId: string) =>
      work(creatorId).catch((error: unknown) => {
        this.logger.warn(what, { chainId, ...errorFields(error) });
      });
    const dropped = (): void => {
      metrics.drainDropped(chainId);
    };
    this.drains = new Lane(
      DRAINS_AT_ONCE,
      careful('drain.failed', (creatorId) => relay.drain(creatorId)),
      dropped,
    );
    this.screenings = new Lane(
      SCREENINGS_AT_ONCE,
      careful('screening.failed', async (creatorId) => {
        if (await ledger.screen(creatorId)) this.drains.run([creatorId]);
      }),
      dropped,
    );
  }

  publish({ creators, unscreened = [] }: Told): void {
    this.drains.run(creators);
    this.screenings.run(unscreened);
  }

  get isIdle(): boolean {
    return this.drains.isIdle && this.screenings.isIdle;
  }
}

/** One piece of work per creator at a time; asking again meanwhile means once more. The work never rejects. */
class Lane {
  private readonly running = new Set<string>();
  private readonly waiting = new Set<string>();

  constructor(
    private readonly atOnce: number,
    private readonly work: (creatorId: string) => Promise<void>,
    private readonly dropped: () => void,
  ) {}

  get isIdle(): boolean {
    return this.running.size === 0;
  }

  run(creators: readonly string[]): void {
    for (const creatorId of creators) {
      if (!this.running.has(creatorId) && this.running.size < this.atOnce) this.start(creatorId);
      else if (this.waiting.size < MOST_WAITING) this.waiting.add(creatorId);
      else this.dropped();
    }
  }

  private start(creatorId: string): void {
    this.waiting.delete(creatorId);
    this.running.add(creatorId);
    void this.work(creatorId).then(() => {
      this.running.delete(creatorId);
      this.next();
    });
  }

  private next(): void {
    for (const creatorId of this.waiting) {
      if (this.running.size >= this.atOnce) return;
      if (!this.running.has(creatorId)) this.start(creatorId);
    }
  }
}
