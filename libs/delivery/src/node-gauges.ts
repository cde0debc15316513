import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Instance } from '@droppio/platform';
import { NodeLoad } from './node-load.js';
import { NodeMetrics } from './node-metrics.js';
import type { TransportName } from './overlay-link.js';
import { SessionHost } from './session-host.js';

const EVERY_MS = 2000;
const TRANSPORTS: readonly TransportName[] = ['websocket', 'sse', 'poll'];

/** Sets what is a sum over all sockets: cheaper now and then than at every change. */
@Injectable()
export class NodeGauges implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly host: SessionHost,
    private readonly load: NodeLoad,
    private readonly metrics: NodeMetrics,
    private readonly instance: Instance,
  ) {}

  onApplicationBootstrap(): void {
    this.metrics.instance.set({ instance: this.instance.id, service: this.instance.service }, 1);
    this.metrics.socketLimit.set(this.host.settings.maxSockets);
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
    for (const [transport, { live, waiting }] of countByTransport(roster.all())) {
      metrics.sockets.sockets.set({ state: 'live', transport }, live);
      metrics.sockets.sockets.set({ state: 'waiting', transport }, waiting);
    }
    metrics.settle();
    this.load.look();
  }
}

export function countByTransport(
  sessions: Iterable<{ readonly transport: TransportName; readonly isLive: boolean }>,
): ReadonlyMap<TransportName, { live: number; waiting: number }> {
  const counts = new Map(TRANSPORTS.map((transport) => [transport, { live: 0, waiting: 0 }]));
  for (const { transport, isLive } of sessions) {
    const count = counts.get(transport);
    if (count !== undefined) count[isLive ? 'live' : 'waiting'] += 1;
  }
  return counts;
}
