import { Inject, Injectable, Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import { TipFeed, WebhookQueue, type FeedSubscription } from '@droppio/tips';
import { WEBHOOK_SETTINGS, type WebhookSettings } from './webhook-settings.js';

/** Events that come together are planned together. */
const GATHER_MS = 20;

interface Ear {
  readonly subscription: Promise<FeedSubscription>;
  lap: number;
  timer?: ReturnType<typeof setTimeout> | undefined;
}

/**
 * Hears in the feeds of creators with webhooks that something was published, and asks for it to be planned: nobody who commits or publishes
 * needs to know of webhooks. A matter of speed only; what is not heard the sweep finds.
 */
@Injectable()
export class FeedEars {
  private readonly log = new Logger('webhooks');
  private readonly ears = new Map<string, Ear>();
  private lap = 0;
  private closed = false;

  constructor(
    private readonly feed: TipFeed,
    private readonly queue: WebhookQueue,
    @Inject(WEBHOOK_SETTINGS) private readonly settings: WebhookSettings,
  ) {}

  /** Listens to this creator until a lap ends in which nobody says so again. */
  hear(creatorId: string): void {
    const known = this.ears.get(creatorId);
    if (known !== undefined) known.lap = this.lap;
    else if (!this.closed && this.ears.size < this.settings.mostHeard) this.open(creatorId);
  }

  endLap(): void {
    for (const [creatorId, ear] of this.ears) if (ear.lap < this.lap) this.end(creatorId, ear);
    this.lap += 1;
  }

  close(): void {
    this.closed = true;
    for (const [creatorId, ear] of this.ears) this.end(creatorId, ear);
  }

  private open(creatorId: string): void {
    const subscription = this.feed.subscribe(creatorId, () => {
      this.gather(creatorId);
    });
    const ear: Ear = { subscription, lap: this.lap };
    this.ears.set(creatorId, ear);
    subscription.catch((error: unknown) => {
      this.log.debug('feed.not-heard', errorFields(error));
      if (this.ears.get(creatorId) === ear) this.ears.delete(creatorId);
    });
  }

  private gather(creatorId: string): void {
    const ear = this.ears.get(creatorId);
    if (ear === undefined || ear.timer !== undefined) return;
    ear.timer = setTimeout(() => {
      ear.timer = undefined;
      this.queue.nudge({ task: 'plan', id: creatorId }).catch((error: unknown) => {
        this.log.debug('nudge.failed', errorFields(error));
      });
    }, GATHER_MS);
  }

  private end(creatorId: string, ear: Ear): void {
    clearTimeout(ear.timer);
    this.ears.delete(creatorId);
    ear.subscription
      .then((subscription) => subscription.close())
      .catch((error: unknown) => {
        this.log.debug('feed.not-closed', errorFields(error));
      });
  }
}
