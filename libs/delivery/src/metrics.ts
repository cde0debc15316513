import { Injectable, type Provider } from '@nestjs/common';
import { InjectMetric, makeCounterProvider, makeGaugeProvider, makeHistogramProvider } from '@willsoto/nestjs-prometheus';
import type { Counter, Gauge, Histogram } from 'prom-client';

const P = 'droppio_gateway_';
const FAST = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const CHAIN_TO_SCREEN = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const COUNTS = [0, 1, 5, 10, 25, 50, 100, 256, 512];
const LIFETIMES = [1, 10, 60, 300, 900, 3600, 4 * 3600, 12 * 3600];

@Injectable()
export class SocketMetrics {
  constructor(
    @InjectMetric(`${P}sockets`) readonly sockets: Gauge<'state'>,
    @InjectMetric(`${P}upgrades_total`) readonly upgrades: Counter<'result'>,
    @InjectMetric(`${P}closes_total`) readonly closes: Counter<'code'>,
    @InjectMetric(`${P}socket_duration_seconds`) readonly duration: Histogram,
    @InjectMetric(`${P}ping_rtt_seconds`) readonly pingRtt: Histogram,
  ) {}
}

@Injectable()
export class FeedMetrics {
  constructor(
    @InjectMetric(`${P}channels`) readonly channels: Gauge,
    @InjectMetric(`${P}resume_total`) readonly resumes: Counter<'source' | 'recovered'>,
    @InjectMetric(`${P}resume_events`) readonly resumedEvents: Histogram,
    @InjectMetric(`${P}gap_healed_total`) readonly healed: Counter,
    @InjectMetric(`${P}gap_unhealed_total`) readonly unhealed: Counter,
  ) {}
}

@Injectable()
export class FanOutMetrics {
  constructor(
    @InjectMetric(`${P}fanout_seconds`) readonly fanOut: Histogram,
    @InjectMetric(`${P}tip_latency_seconds`) readonly latency: Histogram<'stage'>,
    @InjectMetric(`${P}deliveries_total`) readonly deliveries: Counter,
    @InjectMetric(`${P}slow_closes_total`) readonly slowCloses: Counter,
    @InjectMetric(`${P}buffered_bytes`) readonly buffered: Gauge,
  ) {}
}

/** What channels write. */
@Injectable()
export class ChannelMetrics {
  constructor(
    readonly feed: FeedMetrics,
    readonly fanOut: FanOutMetrics,
  ) {}
}

/** What sessions write. */
@Injectable()
export class SessionMetrics {
  constructor(
    readonly sockets: SocketMetrics,
    readonly fanOut: FanOutMetrics,
  ) {}
}

@Injectable()
export class NodeMetrics {
  constructor(
    @InjectMetric(`${P}socket_limit`) readonly socketLimit: Gauge,
    @InjectMetric(`${P}draining`) readonly draining: Gauge,
    @InjectMetric(`${P}feed_degraded`) readonly degraded: Gauge,
    @InjectMetric(`${P}instance_info`) readonly instance: Gauge<'instance' | 'service'>,
  ) {}
}

export const metricProviders: readonly Provider[] = [
  SocketMetrics,
  FeedMetrics,
  FanOutMetrics,
  ChannelMetrics,
  SessionMetrics,
  NodeMetrics,
  makeGaugeProvider({ name: `${P}sockets`, help: 'Open sockets, by whether they have been admitted.', labelNames: ['state'] }),
  makeGaugeProvider({ name: `${P}socket_limit`, help: 'Sockets this process accepts.' }),
  makeCounterProvider({ name: `${P}upgrades_total`, help: 'Requests for a socket, by what became of them.', labelNames: ['result'] }),
  makeCounterProvider({ name: `${P}closes_total`, help: 'Closed sockets by close code.', labelNames: ['code'] }),
  makeHistogramProvider({ name: `${P}socket_duration_seconds`, help: 'How long sockets lived.', buckets: LIFETIMES }),
  makeHistogramProvider({ name: `${P}ping_rtt_seconds`, help: 'From a ping to its pong.', buckets: FAST }),
  makeGaugeProvider({ name: `${P}channels`, help: 'Creators subscribed to.' }),
  makeCounterProvider({
    name: `${P}resume_total`,
    help: 'Admitted sockets, by where their missed events came from.',
    labelNames: ['source', 'recovered'],
  }),
  makeHistogramProvider({ name: `${P}resume_events`, help: 'Events replayed to a socket that came back.', buckets: COUNTS }),
  makeCounterProvider({ name: `${P}gap_healed_total`, help: 'Events whose live signal was lost and that were read from the feed.' }),
  makeCounterProvider({ name: `${P}gap_unhealed_total`, help: 'Events that nobody had any more; overlays were told.' }),
  makeHistogramProvider({ name: `${P}fanout_seconds`, help: 'From the feed to the last socket of a channel.', buckets: FAST }),
  makeHistogramProvider({
    name: `${P}tip_latency_seconds`,
    help: 'From the block, its header seen here, or its publishing, to the sockets; from the block to the screen.',
    labelNames: ['stage'],
    buckets: CHAIN_TO_SCREEN,
  }),
  makeCounterProvider({ name: `${P}deliveries_total`, help: 'Events written to sockets.' }),
  makeCounterProvider({ name: `${P}slow_closes_total`, help: 'Sockets closed because they did not read fast enough.' }),
  makeGaugeProvider({ name: `${P}buffered_bytes`, help: 'Bytes that sockets have not taken yet.' }),
  makeGaugeProvider({ name: `${P}draining`, help: '1 while this process hands its sockets over.' }),
  makeGaugeProvider({ name: `${P}feed_degraded`, help: '1 while the feed does not answer.' }),
  makeGaugeProvider({ name: `${P}instance_info`, help: 'Always 1; who this process is.', labelNames: ['instance', 'service'] }),
];
