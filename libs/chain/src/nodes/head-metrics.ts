import { Injectable, type Provider } from '@nestjs/common';
import { InjectMetric, makeCounterProvider, makeGaugeProvider, makeHistogramProvider } from '@willsoto/nestjs-prometheus';
import { Counter, Gauge, Histogram, type CounterConfiguration, type GaugeConfiguration, type HistogramConfiguration } from 'prom-client';

const heads: CounterConfiguration<'chain' | 'source'> = {
  name: 'droppio_chain_heads_total',
  help: 'New heads, by who told of them first: push (WebSocket) or poll.',
  labelNames: ['chain', 'source'],
};
const wsEnds: CounterConfiguration<'endpoint' | 'reason'> = {
  name: 'droppio_chain_ws_ends_total',
  help: 'WebSocket subscriptions that ended and are being made anew, by reason.',
  labelNames: ['endpoint', 'reason'],
};
const visibility: HistogramConfiguration<'endpoint'> = {
  name: 'droppio_chain_block_visibility_seconds',
  help: 'How much later than the first of its chain an endpoint told of a block; 0 for the first.',
  labelNames: ['endpoint'],
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15],
};
const headAt: GaugeConfiguration<'chain'> = {
  name: 'droppio_chain_head_timestamp_seconds',
  help: 'When a new head was last heard of, at the start that of the process; its age is time() minus this.',
  labelNames: ['chain'],
};

@Injectable()
export class HeadMetrics {
  constructor(
    @InjectMetric(heads.name) private readonly heads: Counter<'chain' | 'source'>,
    @InjectMetric(wsEnds.name) private readonly ends: Counter<'endpoint' | 'reason'>,
    @InjectMetric(visibility.name) private readonly visibility: Histogram<'endpoint'>,
    @InjectMetric(headAt.name) private readonly at: Gauge<'chain'>,
  ) {}

  /** A chain that never tells of a head grows stale, too. */
  waits(chainId: number): void {
    this.at.setToCurrentTime({ chain: String(chainId) });
  }

  head(chainId: number, source: 'push' | 'poll'): void {
    this.at.setToCurrentTime({ chain: String(chainId) });
    this.heads.inc({ chain: String(chainId), source });
  }

  visible(endpoint: string, seconds: number): void {
    this.visibility.observe({ endpoint }, seconds);
  }

  socketEnded(endpoint: string, reason: string): void {
    this.ends.inc({ endpoint, reason });
  }

  /** Without Nest and without a registry. */
  static unregistered(): HeadMetrics {
    const registers: [] = [];
    return new HeadMetrics(
      new Counter({ ...heads, registers }),
      new Counter({ ...wsEnds, registers }),
      new Histogram({ ...visibility, registers }),
      new Gauge({ ...headAt, registers }),
    );
  }
}

export const headMetricProviders: readonly Provider[] = [
  makeCounterProvider(heads),
  makeCounterProvider(wsEnds),
  makeHistogramProvider(visibility),
  makeGaugeProvider(headAt),
  HeadMetrics,
];
