import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Instance, Stats } from '@droppio/platform';
import { Presence, within } from '@droppio/tips';
import { ChannelRegistry } from './channel-registry.js';
import { countByTransport } from './node-gauges.js';
import { NodeLoad } from './node-load.js';
import { SessionHost } from './session-host.js';
import { reading, spreadOf, total, type Reading } from './stats-window.js';

const SAMPLE_MS = 5000;
/** Rates and latencies are of the last minute. */
const SAMPLES = 12;
const FLEET_MS = 2000;
const STAGES = ['block', 'seen', 'pub', 'shown'] as const;

interface Sample {
  readonly atMs: number;
  readonly connects: number;
  readonly disconnects: number;
  readonly deliveries: number;
  readonly failed: number;
  readonly sentBytes: number;
  readonly pingRtt: Reading;
  readonly latency: ReadonlyMap<string, Reading>;
}

/** Who asks, and who is asked about. */
@Injectable()
export class StatsDesk {
  constructor(
    readonly stats: Stats,
    private readonly instance: Instance,
  ) {}

  describe(): { id: string; service: string; uptimeSeconds: number } {
    return { id: this.instance.id, service: this.instance.service, uptimeSeconds: Math.round(process.uptime()) };
  }
}

/** What a gateway holds and does, as JSON for its operators. Unlike the metrics it names creators. */
@Injectable()
export class NodeStats implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly samples: Sample[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly host: SessionHost,
    private readonly channels: ChannelRegistry,
    private readonly presence: Presence,
    private readonly load: NodeLoad,
    private readonly desk: StatsDesk,
  ) {}

  onApplicationBootstrap(): void {
    this.desk.stats.serve((top) => this.report(top));
    void this.keep();
    this.timer = setInterval(() => void this.keep(), SAMPLE_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  async report(top: number): Promise<object> {
    const now = await this.sample();
    const before = this.samples[0] ?? now;
    return {
      instance: { ...this.desk.describe() },
      connections: await this.connections(top),
      ...performanceOf(now, before),
      resources: this.resources(),
    };
  }

  private async connections(top: number): Promise<object> {
    const { roster, settings } = this.host;
    const busiest = [...this.channels.sockets()].sort(([, a], [, b]) => b - a).slice(0, top);
    const fleet = await this.fleet(busiest.map(([creatorId]) => creatorId));
    return {
      total: roster.size,
      limit: settings.maxSockets,
      byTransport: Object.fromEntries(countByTransport(roster.all())),
      creators: this.channels.size,
      byCreator: busiest.map(([creatorId, sockets]) => ({ creatorId, sockets, fleet: fleet?.counts.get(creatorId) ?? null })),
      fleet: fleet === undefined ? null : { gateways: fleet.totals.sources, sockets: fleet.totals.sockets },
    };
  }

  /** About right, a few seconds old; `undefined` while Redis is away. */
  private async fleet(creatorIds: readonly string[]) {
    try {
      const asked = Promise.all([this.presence.counts(creatorIds), this.presence.totals()]);
      const [counts, totals] = await within(FLEET_MS, 'presence', asked);
      return { counts, totals };
    } catch {
      return undefined;
    }
  }

  private resources(): object {
    const { cpuRatio, memory, memoryPercent, lagMs } = this.load.latest;
    let bufferedBytes = 0;
    for (const session of this.host.roster.all()) bufferedBytes += session.queuedBytes;
    const { user, system } = process.cpuUsage();
    return {
      cpu: { percent: rounded(cpuRatio * 100), userMs: Math.round(user / 1000), systemMs: Math.round(system / 1000) },
      memory: { ...memory, percent: rounded(memoryPercent) },
      eventLoopLagMs: { p50: rounded(lagMs.p50), p99: rounded(lagMs.p99), max: rounded(lagMs.max) },
      bufferedBytes,
    };
  }

  private async keep(): Promise<void> {
    this.samples.push(await this.sample());
    if (this.samples.length > SAMPLES) this.samples.shift();
  }

  private async sample(): Promise<Sample> {
    const { metrics, clock } = this.host;
    const { sockets, fanOut, losses, traffic } = metrics;
    metrics.settle();
    const latency = await Promise.all(STAGES.map(async (stage) => [stage, await reading(fanOut.latency, { stage })] as const));
    return {
      atMs: clock.now(),
      connects: await total(sockets.upgrades, { result: 'accepted' }),
      disconnects: await total(sockets.closes),
      deliveries: await total(fanOut.deliveries),
      failed: await total(losses.failed),
      sentBytes: await total(traffic.sentBytes),
      pingRtt: await reading(sockets.pingRtt),
      latency: new Map(latency),
    };
  }
}

function performanceOf(now: Sample, before: Sample): object {
  const seconds = Math.max(1, (now.atMs - before.atMs) / 1000);
  const rate = (field: 'connects' | 'disconnects' | 'deliveries' | 'failed' | 'sentBytes'): number =>
    rounded((now[field] - before[field]) / seconds);
  const latency = STAGES.map((stage) => [stage, spreadOf(now.latency.get(stage) ?? NOTHING, before.latency.get(stage))] as const);
  const spreads = Object.fromEntries(latency);
  return {
    rates: {
      windowSeconds: Math.round(seconds),
      connectsPerSecond: rate('connects'),
      disconnectsPerSecond: rate('disconnects'),
      sentBytesPerSecond: rate('sentBytes'),
    },
    performance: {
      /** From the block to the sockets. */
      avgLatencyMs: spreads['block']?.avgMs ?? null,
      messageRate: rate('deliveries'),
      failedRate: rate('failed'),
      latency: spreads,
      pingRtt: spreadOf(now.pingRtt, before.pingRtt),
    },
  };
}

const NOTHING: Reading = { count: 0, sum: 0, below: new Map() };

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
