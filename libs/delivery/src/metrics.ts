import { Injectable, type Provider } from '@nestjs/common';
import { InjectMetric, makeCounterProvider, makeGaugeProvider, makeHistogramProvider } from '@willsoto/nestjs-prometheus';
import { Traces } from '@droppio/platform';
import type { Counter, Gauge, Histogram } from 'prom-client';
import { TipTraces } from './tip-traces.js';

const P = 'droppio_gateway_';
const FAST = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const CHAIN_TO_SCREEN = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const COUNTS = [0, 1, 5, 10, 25, 50, 100, 256, 512];
const LIFETIMES = [1, 10, 60, 300, 900, 3600, 4 * 3600, 12 * 3600];

@Injectable()
export class SocketMetrics {
  constructor(
    @InjectMetric(`${P}sockets`) readonly sockets: Gauge<'state' | 'transport'>,
    @InjectMetric(`${P}upgrades_total`) readonly upgrades: Counter<'result' | 'transport'>,
    @InjectMetric(`${P}closes_total`) readonly closes: Counter<'code' | 'transport'>,
    @InjectMetric(`${P}socket_duration_seconds`) readonly duration: Histogram<'transport'>,
    @InjectMetric(`${P}ping_rtt_seconds`) readonly pingRtt: Histogram,
  ) {}
}

/** What comes in and goes out over the sockets. */
@Injectable()
export class TrafficMetrics {
  constructor(
    @InjectMetric(`${P}admission_seconds`) readonly admission: Histogram,
    @InjectMetric(`${P}received_frames_total`) readonly received: Counter<'op'>,
    @InjectMetric(`${P}received_bytes_total`) readonly receivedBytes: Counter,
    @InjectMetric(`${P}sent_bytes_total`) readonly sentBytes: Counter,
    @InjectMetric(`${P}shown_total`) readonly shown: Counter,
  ) {}
}

@Injectable()
export class FeedMetrics {
  constructor(
    @InjectMetric(`${P}channels`) readonly channels: Gauge,
    @InjectMetric(`${P}resume_total`) readonly resumes: Counter<'source' | 'recovered'>,
    @InjectMetric(`${P}resume_events`) readonly resumedEvents: Histogram,
    @InjectMetric(`${P}gap_healed_total`) readonly healed: Counter<'source'>,
    @InjectMetric(`${P}gap_unhealed_total`) readonly unhealed: Counter,
  ) {}
}

@Injectable()
export class FanOutMetrics {
  constructor(
    @InjectMetric(`${P}fanout_seconds`) readonly fanOut: Histogram,
    @InjectMetric(`${P}tip_latency_seconds`) readonly latency: Histogram<'stage' | 'chain'>,
    @InjectMetric(`${P}deliveries_total`) readonly deliveries: Counter,
    @InjectMetric(`${P}slow_closes_total`) readonly slowCloses: Counter,
    @InjectMetric(`${P}buffered_bytes`) readonly buffered: Gauge,
  ) {}
}

/** Events that a socket did not get, or not as they came. */
@Injectable()
export class LossMetrics {
  constructor(
    @InjectMetric(`${P}failed_deliveries_total`) readonly failed: Counter<'reason'>,
    @InjectMetric(`${P}replay_suppressed_total`) readonly suppressed: Counter<'reason'>,
  ) {}
}

/** What channels write. */
@Injectable()
export class ChannelMetrics {
  constructor(
    readonly feed: FeedMetrics,
    readonly fanOut: FanOutMetrics,
    readonly losses: LossMetrics,
    readonly traces: TipTraces,
  ) {}
}

/** What sessions write. */
@Injectable()
export class SessionMetrics {
  /** Added to with every delivery, and brought into the counters now and then: a delivery costs an addition. */
  readonly tally = { events: 0, bytes: 0 };

  constructor(
    readonly sockets: SocketMetrics,
    readonly traffic: TrafficMetrics,
    readonly fanOut: FanOutMetrics,
    readonly losses: LossMetrics,
  ) {}

  settle(): void {
    const { events, bytes } = this.tally;
    this.tally.events = this.tally.bytes = 0;
    this.fanOut.deliveries.inc(events);
    this.traffic.sentBytes.inc(bytes);
  }
}

export const metricProviders: readonly Provider[] = [
  { provide: TipTraces, useFactory: (traces: Traces) => new TipTraces(traces), inject: [Traces] },
  SocketMetrics,
  TrafficMetrics,
  FeedMetrics,
  FanOutMetrics,
  LossMetrics,
  ChannelMetrics,
  SessionMetrics,
  makeGaugeProvider({
    name: `${P}sockets`,
    help: 'Open sockets, by whether they have been admitted and by what carries them.',
    labelNames: ['state', 'transport'],
  }),
  makeCounterProvider({
    name: `${P}upgrades_total`,
    help: 'Requests for a socket, by what became of them; the rate of `accepted` is that of connects.',
    labelNames: ['result', 'transport'],
  }),
  makeCounterProvider({
    name: `${P}closes_total`,
    help: 'Closed sockets by close code; their rate is that of disconnects.',
    labelNames: ['code', 'transport'],
  }),
  makeHistogramProvider({
    name: `${P}socket_duration_seconds`,
    help: 'How long sockets lived.',
    labelNames: ['transport'],
    buckets: LIFETIMES,
  }),
  makeHistogramProvider({ name: `${P}ping_rtt_seconds`, help: 'From a ping to its pong.', buckets: FAST }),
  makeHistogramProvider({ name: `${P}admission_seconds`, help: 'From the open socket to `ready`.', buckets: FAST }),
  makeCounterProvider({ name: `${P}received_frames_total`, help: 'Frames that clients sent, by kind.', labelNames: ['op'] }),
  makeCounterProvider({ name: `${P}received_bytes_total`, help: 'Payload that clients sent.' }),
  makeCounterProvider({ name: `${P}sent_bytes_total`, help: 'Payload written to sockets.' }),
  makeCounterProvider({ name: `${P}shown_total`, help: 'Alerts that overlays reported to be on the screen.' }),
  makeGaugeProvider({ name: `${P}channels`, help: 'Creators subscribed to.' }),
  makeCounterProvider({
    name: `${P}resume_total`,
    help: 'Admitted sockets, by where their missed events came from.',
    labelNames: ['source', 'recovered'],
  }),
  makeHistogramProvider({ name: `${P}resume_events`, help: 'Events replayed to a socket that came back.', buckets: COUNTS }),
  makeCounterProvider({
    name: `${P}gap_healed_total`,
    help: 'Events whose live signal was lost: read from the feed, or from one that had to be restored.',
    labelNames: ['source'],
  }),
  makeCounterProvider({ name: `${P}gap_unhealed_total`, help: 'Events that nobody had any more; overlays were told.' }),
  makeHistogramProvider({ name: `${P}fanout_seconds`, help: 'From the feed to the last socket of a channel.', buckets: FAST }),
  makeHistogramProvider({
    name: `${P}tip_latency_seconds`,
    help: 'From the block (block), its header seen here (seen) or its publishing (pub) to the sockets; from the block to the screen (shown).',
    labelNames: ['stage', 'chain'],
    buckets: CHAIN_TO_SCREEN,
  }),
  makeCounterProvider({ name: `${P}deliveries_total`, help: 'Events written to sockets.' }),
  makeCounterProvider({ name: `${P}slow_closes_total`, help: 'Sockets closed because they did not read fast enough.' }),
  makeGaugeProvider({ name: `${P}buffered_bytes`, help: 'Bytes that sockets have not taken yet.' }),
  makeCounterProvider({
    name: `${P}failed_deliveries_total`,
    help: 'Events not written to a socket: it was too slow (it resumes), or nobody had them any more (it was told).',
    labelNames: ['reason'],
  }),
  makeCounterProvider({
    name: `${P}replay_suppressed_total`,
    help: 'Tips not replayed one by one: taken back meanwhile, or too old and summed up.',
    labelNames: ['reason'],
  }),
];
