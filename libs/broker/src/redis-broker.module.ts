import { Global, Injectable, Logger, Module, type DynamicModule, type OnModuleInit } from '@nestjs/common';
import { errorFields, Health } from '@droppio/platform';
import { BackfillQueue, OverlayVitals, Presence, RateCounter, RelayQueue, TipFeed, WebhookQueue } from '@droppio/tips';
import { BrokerLifecycle, Estimates, RateLifecycle } from './broker-lifecycle.js';
import { BullBackfillQueue } from './bull-backfill-queue.js';
import { BullRelayQueue, type BullRelayQueueOptions } from './bull-relay-queue.js';
import { BullWebhookQueue } from './bull-webhook-queue.js';
import { FeedMetrics, LinkMetrics, metricProviders, QueueMetrics, RateMetrics } from './metrics.js';
import { openRedisFeed } from './open-redis-feed.js';
import { RedisConnections } from './redis-connections.js';
import { RedisOverlayVitals } from './redis-overlay-vitals.js';
import { RedisPresence } from './redis-presence.js';
import { RedisRateCounter } from './redis-rate-counter.js';
import { RedisTipFeed } from './redis-tip-feed.js';
import { redisWatchProviders } from './redis-watch.js';

export interface RedisBrokerOptions {
  /** See `brokerEnv`. */
  readonly url: string;
  /** A replica for the feed, see `feedReplicaEnv`: this process can then read and hear it, but neither append nor restore. */
  readonly readUrl?: string | undefined;
  readonly queue?: BullRelayQueueOptions;
}

/** A start waits this long for Redis and then goes on without it: readiness says so, and the connections keep trying. */
const START_WAIT_MS = 5000;

@Injectable()
class RedisReadiness implements OnModuleInit {
  private readonly log = new Logger('broker');

  constructor(
    private readonly feed: RedisTipFeed,
    private readonly health: Health,
  ) {}

  async onModuleInit(): Promise<void> {
    this.health.readyWhen('redis', () => this.feed.fault());
    await this.feed.started(START_WAIT_MS).catch((error: unknown) => {
      this.log.warn('redis.not-reached', errorFields(error));
    });
  }
}

/**
 * Feed and queues in Redis. Global. A process that never calls `RelayQueue.work` (the gateway) only enqueues: it opens no connection to work
 * jobs, and none for backfills, presence or webhooks before it asks for one.
 */
@Global()
@Module({})
export class RedisBrokerModule {
  static for({ url, readUrl = url, queue = {} }: RedisBrokerOptions): DynamicModule {
    return {
      module: RedisBrokerModule,
      providers: [
        ...metricProviders,
        { provide: RedisConnections, useFactory: (metrics: LinkMetrics) => new RedisConnections(url, metrics), inject: [LinkMetrics] },
        {
          provide: RedisTipFeed,
          useFactory: (feed: FeedMetrics, link: LinkMetrics) => openRedisFeed(new RedisConnections(readUrl, link), { feed, link }),
          inject: [FeedMetrics, LinkMetrics],
        },
        { provide: TipFeed, useExisting: RedisTipFeed },
        {
          provide: Presence,
          useFactory: (connections: RedisConnections, link: LinkMetrics) => new RedisPresence(connections, link),
          inject: [RedisConnections, LinkMetrics],
        },
        {
          provide: OverlayVitals,
          useFactory: (connections: RedisConnections, link: LinkMetrics) => new RedisOverlayVitals(connections, link),
          inject: [RedisConnections, LinkMetrics],
        },
        {
          provide: RelayQueue,
          useFactory: (connections: RedisConnections, jobs: QueueMetrics, link: LinkMetrics, presence: Presence) =>
            new BullRelayQueue(connections, { queue: jobs, link }, { presence, ...queue }),
          inject: [RedisConnections, QueueMetrics, LinkMetrics, Presence],
        },
        {
          provide: BackfillQueue,
          useFactory: (connections: RedisConnections, jobs: QueueMetrics, link: LinkMetrics) =>
            new BullBackfillQueue(connections, { queue: jobs, link }, queue.prefix === undefined ? {} : { prefix: queue.prefix }),
          inject: [RedisConnections, QueueMetrics, LinkMetrics],
        },
        {
          provide: WebhookQueue,
          useFactory: (connections: RedisConnections, jobs: QueueMetrics, link: LinkMetrics) =>
            new BullWebhookQueue(connections, { queue: jobs, link }, queue.prefix === undefined ? {} : { prefix: queue.prefix }),
          inject: [RedisConnections, QueueMetrics, LinkMetrics],
        },
        {
          provide: RateCounter,
          useFactory: (connections: RedisConnections, link: LinkMetrics, rates: RateMetrics) =>
            new RedisRateCounter(connections, { link, rates }),
          inject: [RedisConnections, LinkMetrics, RateMetrics],
        },
        RedisReadiness,
        ...redisWatchProviders,
        Estimates,
        BrokerLifecycle,
        RateLifecycle,
      ],
      exports: [TipFeed, RelayQueue, BackfillQueue, Presence, OverlayVitals, WebhookQueue, RateCounter],
    };
  }
}
