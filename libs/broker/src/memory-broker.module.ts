import { Global, Module } from '@nestjs/common';
import { BackfillQueue, OverlayVitals, Presence, RateCounter, RelayQueue, TipFeed, WebhookQueue } from '@droppio/tips';
import { BrokerLifecycle, Estimates, RateLifecycle } from './broker-lifecycle.js';
import { MemoryBackfillQueue } from './memory-backfill-queue.js';
import { MemoryOverlayVitals } from './memory-overlay-vitals.js';
import { MemoryPresence } from './memory-presence.js';
import { MemoryRateCounter } from './memory-rate-counter.js';
import { MemoryRelayQueue } from './memory-relay-queue.js';
import { MemoryTipFeed } from './memory-tip-feed.js';
import { MemoryWebhookQueue } from './memory-webhook-queue.js';
import { FeedMetrics, metricProviders, QueueMetrics } from './metrics.js';

/** Feed and queues inside this process. Global. */
@Global()
@Module({
  providers: [
    ...metricProviders,
    { provide: TipFeed, useFactory: (metrics: FeedMetrics) => new MemoryTipFeed(metrics), inject: [FeedMetrics] },
    { provide: Presence, useFactory: () => new MemoryPresence() },
    { provide: OverlayVitals, useFactory: () => new MemoryOverlayVitals() },
    {
      provide: RelayQueue,
      useFactory: (metrics: QueueMetrics, presence: Presence) => new MemoryRelayQueue(metrics, {}, presence),
      inject: [QueueMetrics, Presence],
    },
    { provide: BackfillQueue, useFactory: () => new MemoryBackfillQueue() },
    { provide: WebhookQueue, useFactory: (metrics: QueueMetrics) => new MemoryWebhookQueue(metrics), inject: [QueueMetrics] },
    Estimates,
    { provide: RateCounter, useFactory: () => new MemoryRateCounter() },
    BrokerLifecycle,
    RateLifecycle,
  ],
  exports: [TipFeed, RelayQueue, BackfillQueue, Presence, OverlayVitals, WebhookQueue, RateCounter],
})
export class MemoryBrokerModule {}
