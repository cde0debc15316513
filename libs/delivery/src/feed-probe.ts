import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { errorFields, Health } from '@droppio/platform';
import { Clock, TipFeed } from '@droppio/tips';
import { ChannelRegistry } from './channel-registry.js';
import { FeedProbeMetrics } from './node-metrics.js';

const EVERY_MS = 5000;
const FRESH_MS = 30_000;

/** Asks the feed whether it is there. Not ready without a fresh answer, but nobody is closed for it: sockets wait for the feed to return. */
@Injectable()
export class FeedProbe implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger('delivery');
  private readonly stop = new AbortController();
  private answeredAt: number | undefined;
  private isAway = false;

  constructor(
    private readonly feed: TipFeed,
    private readonly clock: Clock,
    private readonly channels: ChannelRegistry,
    private readonly metrics: FeedProbeMetrics,
    health: Health,
  ) {
    health.readyWhen('feed', () => this.fault());
  }

  onApplicationBootstrap(): void {
    void this.watch();
  }

  onApplicationShutdown(): void {
    this.stop.abort();
  }

  private fault(): string | undefined {
    if (this.answeredAt !== undefined && this.clock.now() - this.answeredAt <= FRESH_MS) return undefined;
    return 'The feed has not answered lately.';
  }

  private async watch(): Promise<void> {
    while (!this.stop.signal.aborted) {
      await this.probe();
      await this.clock.sleep(EVERY_MS, this.stop.signal);
    }
  }

  private async probe(): Promise<void> {
    try {
      await this.feed.ping();
      this.answeredAt = this.clock.now();
      if (!this.isAway) return;
      this.isAway = false;
      this.log.warn('feed.returned');
      this.channels.checkAll();
    } catch (error) {
      if (this.stop.signal.aborted) return;
      this.metrics.redis.probeFailures.inc();
      if (!this.isAway) this.log.warn('feed.away', errorFields(error));
      this.isAway = true;
    } finally {
      this.metrics.node.degraded.set(this.isAway ? 1 : 0);
    }
  }
}
