import { VITALS_LATENCIES } from '@droppio/tips';
import { describe, expect, it } from 'vitest';
import { OverlayMomentsLog } from './overlay-moments.js';

describe(OverlayMomentsLog.name, () => {
  it('gives what was seen once, the oldest first', () => {
    const log = new OverlayMomentsLog();
    log.shown('a', 1000, 50);
    log.seen('b', 1100);
    log.shown('a', 1200, 60);
    log.shown('c', 1300, 70);
    expect([...log.take(2)]).toEqual([
      ['a', { shownAtMs: 1200, latenciesMs: [50, 60] }],
      ['b', { seenAtMs: 1100, latenciesMs: [] }],
    ]);
    expect([...log.take(2)]).toEqual([['c', { shownAtMs: 1300, latenciesMs: [70] }]]);
    expect(log.take(2).size).toBe(0);
  });

  it('grows neither with reports nor with overlays without end', () => {
    const log = new OverlayMomentsLog();
    for (let n = 0; n < 500; n += 1) log.shown('a', n, n);
    expect(log.take(1).get('a')?.latenciesMs).toHaveLength(VITALS_LATENCIES);
    for (let n = 0; n < 25_000; n += 1) log.shown(String(n), n, n);
    expect(log.size).toBe(20_000);
    log.shown('0', 99_999, 1);
    expect(log.take(1).get('0')).toEqual({ shownAtMs: 99_999, latenciesMs: [0, 1] });
    log.shown('24999', 1, 1);
    expect(log.size).toBe(20_000);
  });
});
