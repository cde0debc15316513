import { Injectable, type Provider } from '@nestjs/common';
import { InjectMetric, makeCounterProvider, makeGaugeProvider, makeHistogramProvider } from '@willsoto/nestjs-prometheus';
import { Counter, Gauge, Histogram, type CounterConfiguration, type GaugeConfiguration, type HistogramConfiguration } from 'prom-client';
import type { Attempted, WebhookDisabledReason } from '@droppio/tips';

const planned: CounterConfiguration<string> = {
  name: 'droppio_webhooks_planned_deliveries_total',
  help: 'Deliveries written for committed events.',
};
const attempts: HistogramConfiguration<'outcome' | 'fault'> = {
  name: 'droppio_webhooks_attempt_seconds',
  help: 'Time of one attempt, by outcome (delivered, retry, failed) and fault.',
  labelNames: ['outcome', 'fault'],
  buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
};
const delays: HistogramConfiguration<string> = {
  name: 'droppio_webhooks_delivery_delay_seconds',
  help: 'From the commit of an event to the answer that took it.',
  buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 600, 3600, 21_600, 86_400],
};
const inFlight: GaugeConfiguration<string> = {
  name: 'droppio_webhooks_in_flight',
  help: 'Requests of this process that wait for their answers.',
};
const disabled: CounterConfiguration<'reason'> = {
  name: 'droppio_webhooks_disabled_total',
  help: 'Webhooks that were disabled because they are gone or failed for too long.',
  labelNames: ['reason'],
};
const overdue: GaugeConfiguration<string> = {
  name: 'droppio_webhooks_overdue',
  help: 'Webhooks that the last sweep found due, though nobody was at work on them.',
};

@Injectable()
export class WebhookStateMetrics {
  constructor(
    @InjectMetric(disabled.name) readonly disabled: Counter<'reason'>,
    @InjectMetric(overdue.name) readonly overdue: Gauge,
  ) {}
}

@Injectable()
export class WebhookMetrics {
  constructor(
    @InjectMetric(planned.name) private readonly plannedDeliveries: Counter,
    @InjectMetric(attempts.name) private readonly attempts: Histogram<'outcome' | 'fault'>,
    @InjectMetric(delays.name) private readonly delays: Histogram,
    @InjectMetric(inFlight.name) private readonly inFlight: Gauge,
    private readonly states: WebhookStateMetrics,
  ) {}

  planned(count: number): void {
    if (count > 0) this.plannedDeliveries.inc(count);
  }

  async flying<T>(work: Promise<T>): Promise<T> {
    this.inFlight.inc();
    try {
      return await work;
    } finally {
      this.inFlight.dec();
    }
  }

  attempted({ outcome, fault, tookMs }: Attempted): void {
    this.attempts.observe({ outcome, fault: fault ?? 'none' }, tookMs / 1000);
  }

  delivered(delayMs: number): void {
    this.delays.observe(Math.max(0, delayMs) / 1000);
  }

  disabled(reason: WebhookDisabledReason): void {
    this.states.disabled.inc({ reason });
  }

  overdue(count: number): void {
    this.states.overdue.set(count);
  }
}

export const metricProviders: readonly Provider[] = [
  makeCounterProvider(planned),
  makeHistogramProvider(attempts),
  makeHistogramProvider(delays),
  makeGaugeProvider(inFlight),
  makeCounterProvider(disabled),
  makeGaugeProvider(overdue),
  WebhookStateMetrics,
  WebhookMetrics,
];
