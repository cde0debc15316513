import { Injectable, type Provider } from '@nestjs/common';
import { InjectMetric, makeCounterProvider, makeGaugeProvider, makeHistogramProvider } from '@willsoto/nestjs-prometheus';
import { Counter, Gauge, Histogram, type CounterConfiguration, type GaugeConfiguration, type HistogramConfiguration } from 'prom-client';

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
const headLag: GaugeConfiguration<'endpoint'> = {
  name: 'droppio_chain_head_lag_blocks',
  help: 'Blocks that an endpoint is behind the newest one that any endpoint of its chain has told of.',
  labelNames: ['endpoint'],
};
const quorumDisagree: CounterConfiguration<'endpoint'> = {
  name: 'droppio_chain_quorum_disagree_total',
  help: 'Answers that did not become the quorum: outvoted by two other providers, or part of a disagreement that nobody could settle.',
  labelNames: ['endpoint'],
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

  /** Without Nest and without a registry. */
  static unregistered(): RpcMetrics {
    const registers: [] = [];
    return new RpcMetrics(
      new Histogram({ ...rpcSeconds, registers }),
      new Counter({ ...suspiciousEmpty, registers }),
      new Gauge({ ...headLag, registers }),
      new Counter({ ...quorumDisagree, registers }),
    );
  }
}

export const rpcMetricProviders: readonly Provider[] = [
  makeHistogramProvider(rpcSeconds),
  makeCounterProvider(suspiciousEmpty),
  makeGaugeProvider(headLag),
  makeCounterProvider(quorumDisagree),
  RpcMetrics,
];
