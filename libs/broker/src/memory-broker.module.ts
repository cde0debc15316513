import { Global, Module } from '@nestjs/common';
import { RelayQueue, TipFeed } from '@droppio/tips';
import { BrokerLifecycle } from './broker-lifecycle.js';
import { MemoryRelayQueue } from './memory-relay-queue.js';
import { MemoryTipFeed } from './memory-tip-feed.js';
import { FeedMetrics, metricProviders, QueueMetrics } from './metrics.js';

/** Feed and queue inside this process. Global. */
@Global()
@Module({
  providers: [
    ...metricProviders,
    { provide: TipFeed, useFactory: (metrics: FeedMetrics) => new MemoryTipFeed(metrics), inject: [FeedMetrics] },
    { provide: RelayQueue, useFactory: (metrics: QueueMetrics) => new MemoryRelayQueue(metrics), inject: [QueueMetrics] },
    BrokerLifecycle,
  ],
  exports: [TipFeed, RelayQueue],
})
export class MemoryBrokerModule {}
