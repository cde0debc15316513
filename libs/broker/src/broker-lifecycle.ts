import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { RelayQueue, TipFeed } from '@droppio/tips';

/** Last of all: until here other rooms may still publish what they finish. */
@Injectable()
export class BrokerLifecycle implements OnApplicationShutdown {
  constructor(
    private readonly feed: TipFeed,
    private readonly queue: RelayQueue,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    await this.queue.close();
    await this.feed.close();
  }
}
