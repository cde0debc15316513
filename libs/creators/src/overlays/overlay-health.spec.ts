import { describe, expect, it } from 'vitest';
import { healthView } from './overlay-health.controller.js';

const now = Date.UTC(2026, 0, 2);

describe(healthView.name, () => {
  it('says nothing of an overlay of which nothing is known', () => {
    expect(healthView({ instances: 0, latenciesMs: [] }, now)).toEqual({
      instances: 0,
      lastSeenAt: null,
      lastShownAt: null,
      chainToScreenMs: { count: 0, p50: null, p95: null },
    });
  });

  it('takes an overlay that is connected for seen now, and one that was for seen then', () => {
    const pulse = { seenAtMs: now - 5000, shownAtMs: now - 9000, latenciesMs: [7] };
    expect(healthView({ ...pulse, instances: 2 }, now).lastSeenAt).toBe('2026-01-02T00:00:00.000Z');
    expect(healthView({ ...pulse, instances: 0 }, now)).toMatchObject({
      lastSeenAt: '2026-01-01T23:59:55.000Z',
      lastShownAt: '2026-01-01T23:59:51.000Z',
      chainToScreenMs: { count: 1, p50: 7, p95: 7 },
    });
  });

  it('ranks latencies as they were measured, in whatever order', () => {
    const latenciesMs = Array.from({ length: 100 }, (_, n) => (n * 37) % 100);
    expect(healthView({ instances: 0, latenciesMs }, now).chainToScreenMs).toEqual({ count: 100, p50: 49, p95: 94 });
  });
});
