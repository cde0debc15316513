import { Injectable, type Provider } from '@nestjs/common';
import { InjectMetric, makeCounterProvider, makeGaugeProvider, makeHistogramProvider } from '@willsoto/nestjs-prometheus';
import { Counter, Gauge, Histogram, type CounterConfiguration, type GaugeConfiguration, type HistogramConfiguration } from 'prom-client';

const priced: HistogramConfiguration<'chain'> = {
  name: 'droppio_chain_priced_tips_seconds',
  help: 'From the time of its block to a tip having its worth in dollars; the count is the tips that have one.',
  labelNames: ['chain'],
  buckets: [1, 2.5, 5, 10, 30, 60, 300, 3600, 86_400],
};
const unpriced: CounterConfiguration<'chain' | 'reason'> = {
  name: 'droppio_chain_unpriced_tips_total',
  help: 'Looks that found no price for a tip, by reason; most are repeated.',
  labelNames: ['chain', 'reason'],
};
const givenUp: CounterConfiguration<'chain' | 'reason'> = {
  name: 'droppio_chain_price_given_up_tips_total',
  help: 'Tips that stay without a worth in dollars, by reason.',
  labelNames: ['chain', 'reason'],
};
const waiting: GaugeConfiguration<'chain'> = {
  name: 'droppio_chain_waiting_for_price_tips',
  help: 'Tips that the last look found waiting for a price; it stops counting at 200.',
  labelNames: ['chain'],
};

@Injectable()
export class PriceMetrics {
  constructor(
    @InjectMetric(priced.name) private readonly seconds: Histogram<'chain'>,
    @InjectMetric(unpriced.name) private readonly misses: Counter<'chain' | 'reason'>,
    @InjectMetric(givenUp.name) private readonly ends: Counter<'chain' | 'reason'>,
    @InjectMetric(waiting.name) private readonly queue: Gauge<'chain'>,
  ) {}

  priced(chainId: number, seconds: number): void {
    this.seconds.observe({ chain: String(chainId) }, seconds);
  }

  unpriced(chainId: number, reason: string, tips: number, isForEver: boolean): void {
    this.misses.inc({ chain: String(chainId), reason }, tips);
    if (isForEver) this.ends.inc({ chain: String(chainId), reason }, tips);
  }

  waiting(chainId: number, tips: number): void {
    this.queue.set({ chain: String(chainId) }, tips);
  }

  /** Without Nest and without a registry. */
  static unregistered(): PriceMetrics {
    const registers: [] = [];
    return new PriceMetrics(
      new Histogram({ ...priced, registers }),
      new Counter({ ...unpriced, registers }),
      new Counter({ ...givenUp, registers }),
      new Gauge({ ...waiting, registers }),
    );
  }
}

export const priceMetricProviders: readonly Provider[] = [
  makeHistogramProvider(priced),
  makeCounterProvider(unpriced),
  makeCounterProvider(givenUp),
  makeGaugeProvider(waiting),
  PriceMetrics,
];
