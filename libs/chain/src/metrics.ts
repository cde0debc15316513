import { Injectable, type Provider } from '@nestjs/common';
import { InjectMetric, makeCounterProvider, makeGaugeProvider, makeHistogramProvider } from '@willsoto/nestjs-prometheus';
import { Counter, Gauge, Histogram, type CounterConfiguration, type GaugeConfiguration, type HistogramConfiguration } from 'prom-client';
import { WatchMetrics, watchMetricProviders } from './watch-metrics.js';

const rpcSeconds: HistogramConfiguration<'endpoint' | 'method' | 'outcome'> = {
  name: 'droppio_chain_rpc_seconds',
  help: 'Time of one question to one node, by what came of it.',
  labelNames: ['endpoint', 'method', 'outcome'],
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
};
const suspiciousEmpty: CounterConfiguration<'endpoint'> = {
  name: 'droppio_chain_rpc_empty_suspicious_total',
  help: 'Empty log answers for a block whose bloom admits one of our logs; each is asked again elsewhere.',
  labelNames: ['endpoint'],
};
const quorumDisagree: CounterConfiguration<'endpoint'> = {
  name: 'droppio_chain_quorum_disagree_total',
  help: 'Answers that did not become the quorum: outvoted by two other providers, or part of a disagreement that nobody could settle.',
  labelNames: ['endpoint'],
};
const visibility: HistogramConfiguration<'endpoint'> = {
  name: 'droppio_chain_block_visibility_seconds',
  help: 'How much later than the first of its chain an endpoint told of a block; 0 for the first.',
  labelNames: ['endpoint'],
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15],
};
const auditFailures: CounterConfiguration<'chain'> = {
  name: 'droppio_chain_audit_failures_total',
  help: 'Ranges of blocks that were not called final, since two providers agree on other tips than were stored.',
  labelNames: ['chain'],
};
const headLag: GaugeConfiguration<'endpoint'> = {
  name: 'droppio_chain_head_lag_blocks',
  help: 'Blocks that an endpoint is behind the newest one that any endpoint of its chain has told of.',
  labelNames: ['endpoint'],
};
const heads: CounterConfiguration<'chain' | 'source'> = {
  name: 'droppio_chain_heads_total',
  help: 'New heads, by who told of them first: push (WebSocket) or poll.',
  labelNames: ['chain', 'source'],
};
const headAt: GaugeConfiguration<'chain'> = {
  name: 'droppio_chain_head_timestamp_seconds',
  help: 'When a new head was last heard of, at the start that of the process; its age is time() minus this.',
  labelNames: ['chain'],
};
const wsEnds: CounterConfiguration<'endpoint' | 'reason'> = {
  name: 'droppio_chain_ws_ends_total',
  help: 'WebSocket subscriptions that ended and are being made anew, by reason.',
  labelNames: ['endpoint', 'reason'],
};
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
const failures: CounterConfiguration<'chain' | 'code'> = {
  name: 'droppio_chain_step_failures_total',
  help: 'Steps of a follower that failed and are tried again, by error code.',
  labelNames: ['chain', 'code'],
};
const state: GaugeConfiguration<'chain' | 'what'> = {
  name: 'droppio_chain_state',
  help: 'leader: 1 while this process commits. halted: 1 when the chain needs a person. fence: epoch of the lease. lag: blocks behind the head. cursor: last committed height. finalized: up to which blocks are final. preconfirmations: 1 while promised tips are told.',
  labelNames: ['chain', 'what'],
};
const promises: CounterConfiguration<'chain' | 'outcome'> = {
  name: 'droppio_chain_promised_tips_total',
  help: 'Tips that a node promised before their block (seen), and what became of them: kept, mismatch (sealed with another payload) or dropped (not sealed in time).',
  labelNames: ['chain', 'outcome'],
};
const drainsDropped: CounterConfiguration<'chain'> = {
  name: 'droppio_chain_drains_dropped_total',
  help: 'Creators whose events were left to the sweep because too many drains were waiting.',
  labelNames: ['chain'],
};

@Injectable()
export class RpcMetrics {
  constructor(
    @InjectMetric(rpcSeconds.name) private readonly seconds: Histogram<'endpoint' | 'method' | 'outcome'>,
    @InjectMetric(suspiciousEmpty.name) private readonly suspicious: Counter<'endpoint'>,
    @InjectMetric(headLag.name) private readonly lag: Gauge<'endpoint'>,
    @InjectMetric(quorumDisagree.name) private readonly disagree: Counter<'endpoint'>,
  ) {}

  asked(labels: { endpoint: string; method: string; outcome: string }, seconds: number): void {
    this.seconds.observe(labels, seconds);
  }

  suspiciouslyEmpty(endpoint: string): void {
    this.suspicious.inc({ endpoint });
  }

  quorumDisagreed(endpoint: string): void {
    this.disagree.inc({ endpoint });
  }

  headLag(endpoint: string, blocks: number): void {
    this.lag.set({ endpoint }, blocks);
  }
}

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
}

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
}

@Injectable()
export class FollowerMetrics {
  constructor(
    @InjectMetric(failures.name) private readonly failures: Counter<'chain' | 'code'>,
    @InjectMetric(state.name) private readonly state: Gauge<'chain' | 'what'>,
    @InjectMetric(drainsDropped.name) private readonly dropped: Counter<'chain'>,
    @InjectMetric(auditFailures.name) private readonly audits: Counter<'chain'>,
  ) {}

  failed(chainId: number, code: string): void {
    this.failures.inc({ chain: String(chainId), code });
  }

  set(chainId: number, what: 'leader' | 'halted' | 'fence' | 'lag' | 'cursor' | 'finalized' | 'preconfirmations', value: number): void {
    this.state.set({ chain: String(chainId), what }, value);
  }

  begin(chainId: number): void {
    const chain = String(chainId);
    this.state.set({ chain, what: 'leader' }, 0);
    this.state.set({ chain, what: 'halted' }, 0);
    this.audits.inc({ chain }, 0);
  }

  auditFailed(chainId: number): void {
    this.audits.inc({ chain: String(chainId) });
  }

  drainDropped(chainId: number): void {
    this.dropped.inc({ chain: String(chainId) });
  }
}

@Injectable()
export class ChainMetrics {
  constructor(
    readonly rpc: RpcMetrics,
    readonly heads: HeadMetrics,
    readonly blocks: BlockMetrics,
    readonly follower: FollowerMetrics,
    readonly watch: WatchMetrics,
  ) {}

  /** For a chain that is to be followed from now on. */
  begin(chainId: number): void {
    this.heads.waits(chainId);
    this.blocks.begin(chainId);
    this.follower.begin(chainId);
  }
}

/** What a module lists to have `ChainMetrics` injected. */
export const metricProviders: readonly Provider[] = [
  ...[suspiciousEmpty, quorumDisagree, auditFailures, heads, wsEnds, tips, heldBack, promises, failures, drainsDropped].map((counter) =>
    makeCounterProvider(counter),
  ),
  ...[rpcSeconds, visibility, commitSeconds, reorgDepth].map((histogram) => makeHistogramProvider(histogram)),
  ...[headLag, headAt, state].map((gauge) => makeGaugeProvider(gauge)),
  RpcMetrics,
  HeadMetrics,
  BlockMetrics,
  FollowerMetrics,
  ...watchMetricProviders,
  ChainMetrics,
];

/** Without Nest and without a registry. */
export function unregisteredMetrics(): ChainMetrics {
  const registers: [] = [];
  return new ChainMetrics(
    new RpcMetrics(
      new Histogram({ ...rpcSeconds, registers }),
      new Counter({ ...suspiciousEmpty, registers }),
      new Gauge({ ...headLag, registers }),
      new Counter({ ...quorumDisagree, registers }),
    ),
    new HeadMetrics(
      new Counter({ ...heads, registers }),
      new Counter({ ...wsEnds, registers }),
      new Histogram({ ...visibility, registers }),
      new Gauge({ ...headAt, registers }),
    ),
    new BlockMetrics(
      new Histogram({ ...commitSeconds, registers }),
      new Counter({ ...tips, registers }),
      new Histogram({ ...reorgDepth, registers }),
      new Counter({ ...heldBack, registers }),
      new Counter({ ...promises, registers }),
    ),
    new FollowerMetrics(
      new Counter({ ...failures, registers }),
      new Gauge({ ...state, registers }),
      new Counter({ ...drainsDropped, registers }),
      new Counter({ ...auditFailures, registers }),
    ),
    WatchMetrics.unregistered(),
  );
}
