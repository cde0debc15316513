import { Injectable, type Provider } from '@nestjs/common';
import { InjectMetric, makeCounterProvider, makeGaugeProvider } from '@willsoto/nestjs-prometheus';
import { Counter, Gauge, type CounterConfiguration, type GaugeConfiguration } from 'prom-client';

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
const drainsDropped: CounterConfiguration<'chain'> = {
  name: 'droppio_chain_drains_dropped_total',
  help: 'Creators whose events were left to the sweep because too many drains were waiting.',
  labelNames: ['chain'],
};
const auditFailures: CounterConfiguration<'chain'> = {
  name: 'droppio_chain_audit_failures_total',
  help: 'Ranges of blocks that were not called final, since two providers agree on other tips than were stored.',
  labelNames: ['chain'],
};

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

  /** Without Nest and without a registry. */
  static unregistered(): FollowerMetrics {
    const registers: [] = [];
    return new FollowerMetrics(
      new Counter({ ...failures, registers }),
      new Gauge({ ...state, registers }),
      new Counter({ ...drainsDropped, registers }),
      new Counter({ ...auditFailures, registers }),
    );
  }
}

export const followerMetricProviders: readonly Provider[] = [
  makeCounterProvider(failures),
  makeGaugeProvider(state),
  makeCounterProvider(drainsDropped),
  makeCounterProvider(auditFailures),
  FollowerMetrics,
];
