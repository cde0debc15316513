import { Injectable, type Provider } from '@nestjs/common';
import { InjectMetric, makeCounterProvider, makeGaugeProvider } from '@willsoto/nestjs-prometheus';
import { Counter, Gauge, type CounterConfiguration, type GaugeConfiguration } from 'prom-client';

const blocks: CounterConfiguration<'chain'> = {
  name: 'droppio_chain_backfill_blocks_total',
  help: 'Blocks that this process has searched in backfills.',
  labelNames: ['chain'],
};
const tips: CounterConfiguration<'chain' | 'outcome'> = {
  name: 'droppio_chain_backfill_tips_total',
  help: 'Tips that backfills found: stored, or known already.',
  labelNames: ['chain', 'outcome'],
};
const remaining: GaugeConfiguration<'chain'> = {
  name: 'droppio_chain_backfill_remaining_blocks',
  help: 'Blocks left of the backfill that this process has last worked for.',
  labelNames: ['chain'],
};

@Injectable()
export class BackfillMetrics {
  constructor(
    @InjectMetric(blocks.name) private readonly blocks: Counter<'chain'>,
    @InjectMetric(tips.name) private readonly tips: Counter<'chain' | 'outcome'>,
    @InjectMetric(remaining.name) private readonly left: Gauge<'chain'>,
  ) {}

  /** Without Nest and without a registry. */
  static unregistered(): BackfillMetrics {
    const registers: [] = [];
    return new BackfillMetrics(
      new Counter({ ...blocks, registers }),
      new Counter({ ...tips, registers }),
      new Gauge({ ...remaining, registers }),
    );
  }

  searched(chainId: number, count: number, found: { readonly stored: number; readonly known: number }): void {
    const chain = String(chainId);
    this.blocks.inc({ chain }, count);
    for (const outcome of ['stored', 'known'] as const) if (found[outcome] > 0) this.tips.inc({ chain, outcome }, found[outcome]);
  }

  remaining(chainId: number, count: number): void {
    this.left.set({ chain: String(chainId) }, count);
  }
}

export const backfillMetricProviders: readonly Provider[] = [
  makeCounterProvider(blocks),
  makeCounterProvider(tips),
  makeGaugeProvider(remaining),
  BackfillMetrics,
];
