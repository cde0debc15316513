import { Global, Module } from '@nestjs/common';
import { BackfillQueue, Presence, RelayQueue, WebhookQueue } from '@droppio/tips';
import { BrokerLifecycle, Estimates, RateLifecycle } from './broker-lifecycle.js';
import { MemoryBackfillQueue } from './memory-backfill-queue.js';
import { MemoryRelayQueue } from './memory-relay-queue.js';
import { MemoryWebhookQueue } from './memory-webhook-queue.js';
import { metricProviders, QueueMetrics } from './metrics.js';

/**
 * Queues inside this process, beside a feed that several processes share (`PostgresFeedModule`). Global. Each process does what it is asked for: the
 * ledger lets two drains be harmless, gives a webhook's delivery to one of them, and knows what a backfill still has to search.
 */
@Global()
@Module({
  providers: [
    ...metricProviders,
    {
      provide: RelayQueue,
      useFactory: (metrics: QueueMetrics, presence: Presence) => new MemoryRelayQueue(metrics, {}, presence),
      inject: [QueueMetrics, Presence],
    },
    { provide: BackfillQueue, useFactory: () => new MemoryBackfillQueue() },
    { provide: WebhookQueue, useFactory: (metrics: QueueMetrics) => new MemoryWebhookQueue(metrics), inject: [QueueMetrics] },
    Estimates,
    BrokerLifecycle,
    RateLifecycle,
  ],
  exports: [RelayQueue, BackfillQueue, WebhookQueue],
})
export class MemoryQueuesModule {}
