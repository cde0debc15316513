import { NO_TRACES, Traces } from '@droppio/platform';
import type { TipEvent } from '@droppio/tips';
import { aDisplay } from '@droppio/tips/testing';
import { Counter, Histogram, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { PublishMetrics } from './metrics.js';

/** Says what it is asked for. */
class Silent extends Traces {
  constructor(override readonly isOn: boolean) {
    super();
  }

  override begin(): undefined {
    throw new Error('nobody asks for begin');
  }

  override follow(): undefined {
    throw new Error('nobody asks for follow');
  }

  override take(): undefined {
    throw new Error('nobody asks for take');
  }

  override close(): Promise<void> {
    return Promise.resolve();
  }
}

describe(PublishMetrics.name, () => {
  const registers = [new Registry()];
  const events = new Counter({ name: 'events', help: '-', labelNames: ['type'], registers });
  const delays = new Histogram({ name: 'delays', help: '-', labelNames: ['since'], buckets: [1], registers });
  const metrics = new PublishMetrics(events, delays, NO_TRACES);
  const event: TipEvent = {
    seq: 1,
    id: 'x',
    type: 'tip',
    state: 'confirmed',
    rev: 1,
    ttlMs: 1,
    d: aDisplay(),
    at: { block: 1000, seen: 2000 },
  };

  it('tells how long a tip took from its block, and from our arrival of its header', async () => {
    metrics.published(event, 2500);
    metrics.published({ ...event, type: 'tip.updated' }, 9000);
    const sums = (await delays.get()).values.filter(({ metricName }) => metricName === 'delays_sum');
    expect(sums.map(({ labels, value }) => [labels.since, value]).sort()).toEqual([
      ['block', 1.5],
      ['header', 0.5],
    ]);
    expect((await events.get()).values.map(({ labels }) => labels.type).sort()).toEqual(['tip', 'tip.updated']);
  });

  it('asks nothing of traces that are off', () => {
    expect(new PublishMetrics(events, delays, new Silent(false)).span(event)).toBeUndefined();
    expect(() => new PublishMetrics(events, delays, new Silent(true)).span(event)).toThrow('nobody asks');
  });

  it('traces the first word of a tip and a test alert, and nothing that follows', () => {
    const traces = new Silent(true);
    const tracing = new PublishMetrics(events, delays, traces);
    expect(tracing.span({ ...event, type: 'tip.updated' })).toBeUndefined();
    expect(() => tracing.span({ ...event, type: 'test', d: event.d })).toThrow('nobody asks for begin');
    expect(() => tracing.span(event)).toThrow('nobody asks for follow');
  });
});
