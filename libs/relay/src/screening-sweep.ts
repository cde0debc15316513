import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import { Clock, EventRelay, TipLedger, within } from '@droppio/tips';

const EVERY_MS = 1000;
/** Tips are the committer's own to have screened for this long. */
const AFTER_MS = 500;
const CREATORS_A_SWEEP = 500;
const ONE_CREATOR_MS = 10_000;

/**
 * The net under screening: finds tips that were committed and never judged, whoever was to do it, and has them judged. Nobody's silence can
 * keep a tip from the screen, and nobody's crash can put one there unjudged.
 */
@Injectable()
export class ScreeningSweep implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger('relay');
  private readonly closing = new AbortController();
  private sweeping: Promise<void> = Promise.resolve();

  constructor(
    private readonly ledger: TipLedger,
    private readonly relay: EventRelay,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    this.sweeping = this.sweepUntilClosed();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.closing.abort();
    await this.sweeping;
  }

  /** One after the other: what is found here is late anyway, and the fast path keeps the database. Throws `StorageUnavailable`. */
  async sweep(): Promise<void> {
    const creators = await this.ledger.unscreened(AFTER_MS, CREATORS_A_SWEEP);
    if (creators.length > 0) this.log.log('screening.found', { creators: creators.length });
    for (const creatorId of creators) {
      if (this.closing.signal.aborted) return;
      try {
        if (await within(ONE_CREATOR_MS, 'screening one creator', this.ledger.screen(creatorId))) await this.relay.drain(creatorId);
      } catch (error) {
        this.log.warn('screening.failed', { creatorId, ...errorFields(error) });
      }
    }
  }

  private async sweepUntilClosed(): Promise<void> {
    const { signal } = this.closing;
    while (!signal.aborted) {
      await this.sweep().catch((error: unknown) => {
        this.log.warn('screening.sweep-failed', errorFields(error));
      });
      await this.clock.sleep(EVERY_MS * (0.9 + Math.random() * 0.2), signal);
    }
  }
}
