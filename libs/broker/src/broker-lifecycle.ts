import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { BackfillQueue, RelayQueue, TipFeed } from '@droppio/tips';

/** Last of all: until here other rooms may still publish what they finish. */
@Injectable()
export class BrokerLifecycle implements OnApplicationShutdown {
  constructor(
    private readonly feed: TipFeed,
    private readonly queue: RelayQueue,
    private readonly backfills: BackfillQueue,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.queue.close(), this.backfills.close()]);
    await this.feed.close();
  }
}
