import { Injectable, type Provider } from '@nestjs/common';
import { InjectMetric, makeCounterProvider, makeGaugeProvider } from '@willsoto/nestjs-prometheus';
import { Counter, Gauge, type CounterConfiguration, type GaugeConfiguration } from 'prom-client';

const watched: GaugeConfiguration<never> = {
  name: 'droppio_chain_watched_wallets',
  help: 'Wallets of creators that transfers are held against.',
};
const watchedAt: GaugeConfiguration<never> = {
  name: 'droppio_chain_watched_wallets_refreshed_timestamp_seconds',
  help: 'When the list of wallets was last read; its age is time() minus this.',
};
const watchFailures: CounterConfiguration<'what'> = {
  name: 'droppio_chain_watch_failures_total',
  help: 'Failed readings of the list of wallets (wallets) and failed searches for transfers to new ones (newcomers); all are tried again.',
  labelNames: ['what'],
};
const unreadableTransfers: CounterConfiguration<'chain'> = {
  name: 'droppio_chain_transfers_unreadable_total',
  help: 'Transfers to a wallet of ours that a listed token wrote in another form than ERC-20, as an NFT does: they are no tips.',
  labelNames: ['chain'],
};

@Injectable()
export class WatchMetrics {
  constructor(
    @InjectMetric(watched.name) private readonly size: Gauge,
    @InjectMetric(watchedAt.name) private readonly at: Gauge,
    @InjectMetric(watchFailures.name) private readonly failures: Counter<'what'>,
    @InjectMetric(unreadableTransfers.name) private readonly odd: Counter<'chain'>,
  ) {}

  watches(wallets: number, atMs: number): void {
    this.size.set(wallets);
    this.at.set(atMs / 1000);
  }

  failed(what: 'wallets' | 'newcomers'): void {
    this.failures.inc({ what });
  }

  unreadable(chainId: number, count: number): void {
    this.odd.inc({ chain: String(chainId) }, count);
  }

  /** Without Nest and without a registry. */
  static unregistered(): WatchMetrics {
    const registers: [] = [];
    return new WatchMetrics(
      new Gauge({ ...watched, registers }),
      new Gauge({ ...watchedAt, registers }),
      new Counter({ ...watchFailures, registers }),
      new Counter({ ...unreadableTransfers, registers }),
    );
  }
}

export const watchMetricProviders: readonly Provider[] = [
  makeGaugeProvider(watched),
  makeGaugeProvider(watchedAt),
  makeCounterProvider(watchFailures),
  makeCounterProvider(unreadableTransfers),
  WatchMetrics,
];
