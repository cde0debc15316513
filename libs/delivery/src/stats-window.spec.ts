import { Histogram } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { reading, spreadOf } from './stats-window.js';

const histogram = () => new Histogram({ name: 'x', help: 'x', labelNames: ['stage', 'chain'], buckets: [0.01, 0.1, 1], registers: [] });

describe(spreadOf.name, () => {
  it('is of what came since the reading before, over all label sets that fit', async () => {
    const latency = histogram();
    for (let i = 0; i < 100; i += 1) latency.observe({ stage: 'pub', chain: '1' }, 0.001);
    const before = await reading(latency, { stage: 'pub' });
    for (let i = 0; i < 50; i += 1) latency.observe({ stage: 'pub', chain: '1' }, 0.005);
    for (let i = 0; i < 50; i += 1) latency.observe({ stage: 'pub', chain: '8453' }, 0.055);
    latency.observe({ stage: 'block', chain: '1' }, 1);
    const { count, avgMs, p50Ms, p99Ms } = spreadOf(await reading(latency, { stage: 'pub' }), before);
    expect([count, avgMs, p50Ms]).toEqual([100, 30, 10]);
    expect(p99Ms).toBeCloseTo(98.2, 5);
  });

  it('does not guess what is beyond the last bucket, nor anything of nothing', async () => {
    const latency = histogram();
    expect(spreadOf(await reading(latency))).toEqual({ count: 0, avgMs: null, p50Ms: null, p99Ms: null });
    latency.observe({ stage: 'pub', chain: '1' }, 5);
    expect(spreadOf(await reading(latency))).toEqual({ count: 1, avgMs: 5000, p50Ms: null, p99Ms: null });
  });
});
