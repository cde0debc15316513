import { Injectable } from '@nestjs/common';
import { InjectMetric, makeCounterProvider, makeGaugeProvider } from '@willsoto/nestjs-prometheus';
import { Counter, Gauge } from 'prom-client';
import type { AppendOutcome } from '@droppio/tips';

/* The broker's names: whoever looks at a feed asks the same question whatever it is kept in. */
const APPENDS = {
  name: 'droppio_broker_appends_total',
  help: 'Events offered to a feed, by what the feed made of them.',
  labelNames: ['outcome'],
};
const RESTORES = {
  name: 'droppio_broker_restores_total',
  help: 'Feeds rewritten from the ledger; `behind` when the feed knew more than the snapshot, `ended` when its creator is gone.',
  labelNames: ['outcome'],
};
const INTERRUPTIONS = {
  name: 'droppio_broker_interruptions_total',
  help: 'Connections to the store that broke and are being made anew.',
  labelNames: ['connection'],
};
const COUNTED_ALONE = {
  name: 'droppio_broker_rates_counted_alone_total',
  help: 'Hits that a process counted for itself because the shared store was away.',
};
const LISTENING = {
  name: 'droppio_storage_feed_listening',
  help: '1 while this process hears of new events at once; 0 while it finds them by asking.',
};
const QUEUE = {
  name: 'droppio_storage_feed_queue_ratio',
  help: "How full the server's queue of notifications is, of all its databases, 0 to 1; a full one takes no words, and events are found by asking.",
};
const FOUND = {
  name: 'droppio_storage_feed_found_total',
  help: 'Feeds that had gone on without this process being told; it found out by asking.',
};

@Injectable()
export class FeedStoreMetrics {
  constructor(
    @InjectMetric(APPENDS.name) private readonly appends: Counter,
    @InjectMetric(RESTORES.name) private readonly restores: Counter,
    @InjectMetric(INTERRUPTIONS.name) private readonly interruptions: Counter,
    @InjectMetric(COUNTED_ALONE.name) private readonly alone: Counter,
    @InjectMetric(FOUND.name) private readonly foundFeeds: Counter,
  ) {}

  static unregistered(): FeedStoreMetrics {
    const registers: [] = [];
    const [appends, restores, interruptions, alone, found] = [APPENDS, RESTORES, INTERRUPTIONS, COUNTED_ALONE, FOUND].map(
      (counter) => new Counter({ ...counter, registers }),
    ) as [Counter, Counter, Counter, Counter, Counter];
    return new FeedStoreMetrics(appends, restores, interruptions, alone, found);
  }

  appended(outcome: AppendOutcome['kind']): void {
    this.appends.inc({ outcome });
  }

  restored(outcome: 'restored' | 'behind' | 'ended'): void {
    this.restores.inc({ outcome });
  }

  interrupted(): void {
    this.interruptions.inc({ connection: 'listen' });
  }

  countedAlone(): void {
    this.alone.inc();
  }

  found(): void {
    this.foundFeeds.inc();
  }
}

/** Set by whoever listens. */
@Injectable()
export class ListeningGauge {
  constructor(
    @InjectMetric(LISTENING.name) private readonly listening: Gauge,
    @InjectMetric(QUEUE.name) private readonly fullness: Gauge,
  ) {}

  static unregistered(): ListeningGauge {
    const registers: [] = [];
    return new ListeningGauge(new Gauge({ ...LISTENING, registers }), new Gauge({ ...QUEUE, registers }));
  }

  set(isListening: boolean): void {
    this.listening.set(isListening ? 1 : 0);
  }

  queue(ratio: number): void {
    this.fullness.set(ratio);
  }
}

export const feedStoreMetrics = [
  ...[APPENDS, RESTORES, INTERRUPTIONS, COUNTED_ALONE, FOUND].map((counter) => makeCounterProvider(counter)),
  makeGaugeProvider(LISTENING),
  makeGaugeProvider(QUEUE),
  FeedStoreMetrics,
  ListeningGauge,
];
