import { Injectable, type Provider } from '@nestjs/common';
import { InjectMetric, makeCounterProvider, makeGaugeProvider, makeHistogramProvider } from '@willsoto/nestjs-prometheus';
import type { Counter, Gauge, Histogram } from 'prom-client';

const P = 'droppio_gateway_';
const COMMANDS = [0.0002, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];
const LAGS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

@Injectable()
export class NodeMetrics {
  constructor(
    @InjectMetric(`${P}socket_limit`) readonly socketLimit: Gauge,
    @InjectMetric(`${P}feed_degraded`) readonly degraded: Gauge,
    @InjectMetric(`${P}instance_info`) readonly instance: Gauge<'instance' | 'service'>,
  ) {}
}

@Injectable()
export class DrainMetrics {
  constructor(
    @InjectMetric(`${P}draining`) readonly draining: Gauge,
    @InjectMetric(`${P}drain_seconds`) readonly seconds: Gauge,
    @InjectMetric(`${P}drain_overdue_sockets`) readonly overdue: Gauge,
    @InjectMetric(`${P}drain_overrun_seconds`) readonly overrun: Gauge,
    @InjectMetric(`${P}drain_stragglers_total`) readonly stragglers: Counter,
  ) {}
}

/** What this process takes of its machine. */
@Injectable()
export class LoadMetrics {
  constructor(
    @InjectMetric(`${P}cpu_ratio`) readonly cpu: Gauge,
    @InjectMetric(`${P}memory_bytes`) readonly memory: Gauge<'kind'>,
    @InjectMetric(`${P}memory_ratio`) readonly memoryRatio: Gauge,
    @InjectMetric(`${P}event_loop_lag_seconds`) readonly lag: Gauge<'percentile'>,
  ) {}
}

/** The feed and the queue as seen from here; in a single process without Redis they are its own memory. */
@Injectable()
export class RedisMetrics {
  constructor(
    @InjectMetric(`${P}redis_command_seconds`) readonly commands: Histogram<'command' | 'outcome'>,
    @InjectMetric(`${P}redis_errors_total`) readonly errors: Counter<'command'>,
    @InjectMetric(`${P}redis_probe_failures_total`) readonly probeFailures: Counter,
    @InjectMetric(`${P}redis_messages_total`) readonly messages: Counter<'kind'>,
    @InjectMetric(`${P}pubsub_lag_seconds`) readonly pubsubLag: Histogram,
  ) {}
}

/** What the probe of the feed writes. */
@Injectable()
export class FeedProbeMetrics {
  constructor(
    readonly node: NodeMetrics,
    readonly redis: RedisMetrics,
  ) {}
}

export const nodeMetricProviders: readonly Provider[] = [
  NodeMetrics,
  DrainMetrics,
  LoadMetrics,
  RedisMetrics,
  FeedProbeMetrics,
  makeGaugeProvider({ name: `${P}socket_limit`, help: 'Sockets this process accepts.' }),
  makeGaugeProvider({ name: `${P}feed_degraded`, help: '1 while the feed does not answer.' }),
  makeGaugeProvider({ name: `${P}instance_info`, help: 'Always 1; who this process is.', labelNames: ['instance', 'service'] }),
  makeGaugeProvider({ name: `${P}draining`, help: '1 while this process hands its sockets over.' }),
  makeGaugeProvider({ name: `${P}drain_seconds`, help: 'How long the handing over has taken so far.' }),
  makeGaugeProvider({ name: `${P}drain_overdue_sockets`, help: 'Sockets that are to be handed over, were told when, and have not gone.' }),
  makeGaugeProvider({ name: `${P}drain_overrun_seconds`, help: 'How long the handing over has taken beyond what it may take at most.' }),
  makeCounterProvider({ name: `${P}drain_stragglers_total`, help: 'Sockets that had to be closed because they did not move.' }),
  makeGaugeProvider({ name: `${P}cpu_ratio`, help: 'Share of one core that this process used lately.' }),
  makeGaugeProvider({ name: `${P}memory_bytes`, help: 'Memory of this process, by kind.', labelNames: ['kind'] }),
  makeGaugeProvider({ name: `${P}memory_ratio`, help: 'Share of the heap or the container that is used, whichever is worse.' }),
  makeGaugeProvider({
    name: `${P}event_loop_lag_seconds`,
    help: 'How late the event loop was lately: the median, the worst hundredth, the worst.',
    labelNames: ['percentile'],
  }),
  makeHistogramProvider({
    name: `${P}redis_command_seconds`,
    help: 'Time of one question to the feed or the queue, waiting for its turn included; `refused`: not asked, because it was away.',
    labelNames: ['command', 'outcome'],
    buckets: COMMANDS,
  }),
  makeCounterProvider({
    name: `${P}redis_errors_total`,
    help: 'Questions to the feed or the queue that failed.',
    labelNames: ['command'],
  }),
  makeCounterProvider({ name: `${P}redis_probe_failures_total`, help: 'Signs of life that the feed was asked for and did not give.' }),
  makeCounterProvider({
    name: `${P}redis_messages_total`,
    help: 'Words heard on the channels of creators, by kind.',
    labelNames: ['kind'],
  }),
  makeHistogramProvider({ name: `${P}pubsub_lag_seconds`, help: 'From publishing an event to hearing of it here.', buckets: LAGS }),
];
