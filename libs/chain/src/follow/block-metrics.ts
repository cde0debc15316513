import { Injectable, type Provider } from '@nestjs/common';
import { InjectMetric, makeCounterProvider, makeHistogramProvider } from '@willsoto/nestjs-prometheus';
import { Counter, Histogram, type CounterConfiguration, type HistogramConfiguration } from 'prom-client';

const commitSeconds: HistogramConfiguration<'chain'> = {
  name: 'droppio_chain_block_to_commit_seconds',
  help: 'From the arrival of a header to the commit of its block.',
  labelNames: ['chain'],
  buckets: [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
};
const tips: CounterConfiguration<'chain' | 'outcome'> = {
  name: 'droppio_chain_tips_total',
  help: 'Tips found in committed blocks: accepted, unlisted (token not allowed) or quarantined (log unreadable).',
  labelNames: ['chain', 'outcome'],
};
const reorgDepth: HistogramConfiguration<'chain'> = {
  name: 'droppio_chain_reorg_depth_blocks',
  help: 'Blocks that left the canonical chain, per reorganisation.',
  labelNames: ['chain'],
  buckets: [1, 2, 3, 5, 10, 25, 50, 100, 250],
};
const heldBack: CounterConfiguration<'chain' | 'reason'> = {
  name: 'droppio_chain_false_reorgs_avoided_total',
  help: 'Heads that looked like a fork and were not: known blocks from a lagging node, or a stale branch that nobody else follows.',
  labelNames: ['chain', 'reason'],
};
const promises: CounterConfiguration<'chain' | 'outcome'> = {
  name: 'droppio_chain_promised_tips_total',
  help: 'Tips that a node promised before their block (seen), and what became of them: kept, mismatch (sealed with another payload) or dropped (not sealed in time).',
  labelNames: ['chain', 'outcome'],
};

@Injectable()
export class BlockMetrics {
  constructor(
    @InjectMetric(commitSeconds.name) private readonly seconds: Histogram<'chain'>,
    @InjectMetric(tips.name) private readonly tips: Counter<'chain' | 'outcome'>,
    @InjectMetric(reorgDepth.name) private readonly depth: Histogram<'chain'>,
    @InjectMetric(heldBack.name) private readonly heldBack: Counter<'chain' | 'reason'>,
    @InjectMetric(promises.name) private readonly promises: Counter<'chain' | 'outcome'>,
  ) {}

  committed(chainId: number, seconds: number, found: Readonly<Record<'accepted' | 'unlisted' | 'quarantined', number>>): void {
    const chain = String(chainId);
    this.seconds.observe({ chain }, seconds);
    for (const [outcome, count] of Object.entries(found)) if (count > 0) this.tips.inc({ chain, outcome }, count);
  }

  promised(chainId: number, outcome: 'seen' | 'kept' | 'mismatch' | 'dropped', count = 1): void {
    this.promises.inc({ chain: String(chainId), outcome }, count);
  }

  /** What happens seldom starts from 0: a series that begins with its first event has no rise that an alert could see. */
  begin(chainId: number): void {
    this.depth.zero({ chain: String(chainId) });
  }

  reorganised(chainId: number, depth: number): void {
    this.depth.observe({ chain: String(chainId) }, depth);
  }

  falseReorgAvoided(chainId: number, reason: 'lagging-node' | 'stale-branch' | 'lone-branch'): void {
    this.heldBack.inc({ chain: String(chainId), reason });
  }

  /** Without Nest and without a registry. */
  static unregistered(): BlockMetrics {
    const registers: [] = [];
    return new BlockMetrics(
      new Histogram({ ...commitSeconds, registers }),
      new Counter({ ...tips, registers }),
      new Histogram({ ...reorgDepth, registers }),
      new Counter({ ...heldBack, registers }),
      new Counter({ ...promises, registers }),
    );
  }
}

export const blockMetricProviders: readonly Provider[] = [
  makeHistogramProvider(commitSeconds),
  makeCounterProvider(tips),
  makeHistogramProvider(reorgDepth),
  makeCounterProvider(heldBack),
  makeCounterProvider(promises),
  BlockMetrics,
];
