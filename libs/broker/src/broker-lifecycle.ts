import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { BackfillQueue, OverlayVitals, Presence, RateCounter, RelayQueue, TipFeed, WebhookQueue } from '@droppio/tips';

/** What gateways tell and nobody decides by. */
@Injectable()
export class Estimates {
  constructor(
    private readonly presence: Presence,
    private readonly vitals: OverlayVitals,
  ) {}

  async close(): Promise<void> {
    await Promise.all([this.presence.close(), this.vitals.close()]);
  }
}

/** Last of all: until here other rooms may still publish what they finish. */
@Injectable()
export class BrokerLifecycle implements OnApplicationShutdown {
  constructor(
    private readonly feed: TipFeed,
    private readonly queue: RelayQueue,
    private readonly backfills: BackfillQueue,
    private readonly estimates: Estimates,
    private readonly webhooks: WebhookQueue,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.queue.close(), this.backfills.close(), this.webhooks.close()]);
    await Promise.all([this.feed.close(), this.estimates.close()]);
  }
}

@Injectable()
export class RateLifecycle implements OnApplicationShutdown {
  constructor(private readonly rates: RateCounter) {}

  onApplicationShutdown(): Promise<void> {
    return this.rates.close();
  }
}
