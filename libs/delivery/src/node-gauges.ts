import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Instance } from '@droppio/platform';
import { ChannelRegistry } from './channel-registry.js';
import { FeedMetrics, NodeMetrics } from './metrics.js';
import { SessionHost } from './session-host.js';

const EVERY_MS = 2000;

/** Sets the gauges that are sums over all sockets: cheaper now and then than at every change. */
@Injectable()
export class NodeGauges implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly host: SessionHost,
    private readonly channels: ChannelRegistry,
    private readonly feedMetrics: FeedMetrics,
    private readonly nodeMetrics: NodeMetrics,
    private readonly instance: Instance,
  ) {}

  onApplicationBootstrap(): void {
    this.nodeMetrics.instance.set({ instance: this.instance.id, service: this.instance.service }, 1);
    this.nodeMetrics.socketLimit.set(this.host.settings.maxSockets);
    this.nodeMetrics.draining.set(0);
    this.measure();
    this.timer = setInterval(() => {
      this.measure();
    }, EVERY_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
    this.host.wheel.stop();
  }

  private measure(): void {
    const { roster, metrics } = this.host;
    let live = 0;
    for (const session of roster.all()) if (session.isLive) live += 1;
    metrics.sockets.sockets.set({ state: 'live' }, live);
    metrics.sockets.sockets.set({ state: 'waiting' }, roster.size - live);
    this.feedMetrics.channels.set(this.channels.size);
  }
}
