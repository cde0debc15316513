import { Global, Module } from '@nestjs/common';
import { BackfillQueue, Presence, RelayQueue, TipFeed } from '@droppio/tips';
import { BrokerLifecycle } from './broker-lifecycle.js';
import { MemoryBackfillQueue } from './memory-backfill-queue.js';
import { MemoryPresence } from './memory-presence.js';
import { MemoryRelayQueue } from './memory-relay-queue.js';
import { MemoryTipFeed } from './memory-tip-feed.js';
import { FeedMetrics, metricProviders, QueueMetrics } from './metrics.js';

/** Feed and queues inside this process. Global. */
@Global()
@Module({
  providers: [
    ...metricProviders,
    { provide: TipFeed, useFactory: (metrics: FeedMetrics) => new MemoryTipFeed(metrics), inject: [FeedMetrics] },
    { provide: Presence, useFactory: () => new MemoryPresence() },
    {
      provide: RelayQueue,
      useFactory: (metrics: QueueMetrics, presence: Presence) => new MemoryRelayQueue(metrics, {}, presence),
      inject: [QueueMetrics, Presence],
    },
    { provide: BackfillQueue, useFactory: () => new MemoryBackfillQueue() },
    BrokerLifecycle,
  ],
  exports: [TipFeed, RelayQueue, BackfillQueue, Presence],
})
export class MemoryBrokerModule {}
