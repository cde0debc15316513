import { Injectable, type Provider } from '@nestjs/common';
import { InjectMetric, makeCounterProvider, makeGaugeProvider, makeHistogramProvider } from '@willsoto/nestjs-prometheus';
import { NO_TRACES, Traces, type OpenSpan } from '@droppio/platform';
import type { CreatorEvent } from '@droppio/tips';
import { Counter, Gauge, Histogram, type CounterConfiguration, type GaugeConfiguration, type HistogramConfiguration } from 'prom-client';

const published: CounterConfiguration<'type'> = {
  name: 'droppio_relay_published_events_total',
  help: 'Events that this process put into a feed.',
  labelNames: ['type'],
};
const delays: HistogramConfiguration<'since'> = {
  name: 'droppio_relay_tip_delay_seconds',
  help: 'Until a tip was put into its feed, since: block (the clock of its block: inclusion) or header (our arrival of its header). Replays of old tips count, too.',
  labelNames: ['since'],
  buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60],
};
const drains: HistogramConfiguration<'outcome'> = {
  name: 'droppio_relay_drain_seconds',
  help: 'Time of one drain of one creator, from the call to the last event in the feed.',
  labelNames: ['outcome'],
  buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5],
};
const restores: CounterConfiguration<'outcome'> = {
  name: 'droppio_relay_restores_total',
  help: 'Feeds rebuilt from the ledger.',
  labelNames: ['outcome'],
};
const swept: CounterConfiguration<'outcome'> = {
  name: 'droppio_relay_swept_creators_total',
  help: 'Creators that the sweep found with unpublished events, by what became of them.',
  labelNames: ['outcome'],
};
const oldest: GaugeConfiguration<string> = {
  name: 'droppio_relay_oldest_unpublished_seconds',
  help: 'Age of the oldest committed event that no feed has confirmed, at least; 0 when there is none.',
};

@Injectable()
export class PublishMetrics {
  constructor(
    @InjectMetric(published.name) private readonly events: Counter<'type'>,
    @InjectMetric(delays.name) private readonly delays: Histogram<'since'>,
    private readonly traces: Traces,
  ) {}

  /** A tip's first alert is a part of its trace; a test alert is the whole of one. `undefined`: not traced. */
  span(event: CreatorEvent): OpenSpan | undefined {
    if (!this.traces.isOn || (event.type !== 'tip' && event.type !== 'test')) return undefined;
    const plan = {
      name: 'tip.publish',
      kind: 'producer',
      attributes: { 'droppio.event_type': event.type, 'droppio.seq': event.seq },
    } as const;
    return event.type === 'tip' ? this.traces.follow(event.id, plan) : this.traces.begin(event.id, plan);
  }

  published({ type, at }: CreatorEvent, atMs: number): void {
    this.events.inc({ type });
    if (type !== 'tip') return;
    this.delays.observe({ since: 'header' }, Math.max(0, atMs - at.seen) / 1000);
    if (at.block !== undefined) this.delays.observe({ since: 'block' }, Math.max(0, atMs - at.block) / 1000);
  }
}

@Injectable()
export class RelayMetrics {
  constructor(
    private readonly publishing: PublishMetrics,
    @InjectMetric(drains.name) private readonly drainTimes: Histogram<'outcome'>,
    @InjectMetric(restores.name) private readonly restoredFeeds: Counter<'outcome'>,
    @InjectMetric(swept.name) private readonly sweptCreators: Counter<'outcome'>,
    @InjectMetric(oldest.name) private readonly oldestUnpublished: Gauge,
  ) {}

  published(event: CreatorEvent, atMs: number): void {
    this.publishing.published(event, atMs);
  }

  span(event: CreatorEvent): OpenSpan | undefined {
    return this.publishing.span(event);
  }

  /** Times the work, by whether it succeeded. */
  async timedDrain(work: Promise<void>): Promise<void> {
    const stop = this.drainTimes.startTimer();
    try {
      await work;
      stop({ outcome: 'ok' });
    } catch (error) {
      stop({ outcome: 'failed' });
      throw error;
    }
  }

  restored(outcome: 'restored' | 'no-creator'): void {
    this.restoredFeeds.inc({ outcome });
  }

  swept(outcome: 'published' | 'failed'): void {
    this.sweptCreators.inc({ outcome });
  }

  oldest(seconds: number): void {
    this.oldestUnpublished.set(seconds);
  }

  /** Without Nest and without a registry. */
  static unregistered(): RelayMetrics {
    const registers: [] = [];
    return new RelayMetrics(
      new PublishMetrics(new Counter({ ...published, registers }), new Histogram({ ...delays, registers }), NO_TRACES),
      new Histogram({ ...drains, registers }),
      new Counter({ ...restores, registers }),
      new Counter({ ...swept, registers }),
      new Gauge({ ...oldest, registers }),
    );
  }
}

export const metricProviders: readonly Provider[] = [
  makeCounterProvider(published),
  makeHistogramProvider(delays),
  makeHistogramProvider(drains),
  makeCounterProvider(restores),
  makeCounterProvider(swept),
  makeGaugeProvider(oldest),
  PublishMetrics,
  RelayMetrics,
];
