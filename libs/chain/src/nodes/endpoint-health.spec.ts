import { describe, expect, it } from 'vitest';
import { Circuit } from './circuit.js';
import { Latency } from './latency.js';
import { RateLimit } from './rate-limit.js';

describe(RateLimit.name, () => {
  let now = 0;
  const limit = (startPerSecond = 10): RateLimit => {
    now = 1_000_000;
    return new RateLimit(() => now, { startPerSecond, floorPerSecond: 2, capPerSecond: 100, maxWaitMs: 1000 });
  };
  /** One second of asking as often as it lets, every answer good. */
  const busySecond = (under: RateLimit): void => {
    const end = now + 1000;
    for (let wait = under.take(); wait !== undefined && now + wait < end; wait = under.take()) {
      now += wait;
      under.succeeded();
    }
    now = Math.max(now, end);
  };

  it('hands out turns at its rate and refuses when the wait is too long', () => {
    const under = limit();
    const waits = Array.from({ length: 20 }, () => under.take());
    expect(waits.filter((wait) => wait !== undefined)).toHaveLength(12);
    expect(Math.max(...waits.map((wait) => wait ?? 0))).toBeLessThanOrEqual(1000);
  });

  it('grows quickly until the first refusal, slowly after it', () => {
    const under = limit();
    for (let second = 0; second < 3; second += 1) busySecond(under);
    const quick = under.perSecond;
    expect(quick).toBeGreaterThan(30);
    under.refused(0);
    expect(under.perSecond).toBeCloseTo(quick * 0.7);
    busySecond(under);
    expect(under.perSecond).toBeLessThan(quick * 0.8);
  });

  it('does not grow while hardly used', () => {
    const under = limit();
    for (let n = 0; n < 100; n += 1) {
      now += 1000;
      under.take();
      now += 150;
      under.succeeded();
    }
    expect(under.perSecond).toBe(10);
  });

  it('counts refusals that arrive together once, and never sinks below its floor', () => {
    const under = limit();
    under.refused(0);
    under.refused(0);
    expect(under.perSecond).toBe(7);
    for (let n = 0; n < 50; n += 1) {
      now += 2000;
      under.refused(0);
    }
    expect(under.perSecond).toBe(2);
  });

  it('waits as long as it was told to', () => {
    const under = limit();
    under.refused(800);
    expect(under.take()).toBe(800);
    under.refused(5000);
    expect(under.take()).toBeUndefined();
  });
});

describe(Circuit.name, () => {
  it('stays open longer with every failure and closes with the first success', () => {
    let now = 0;
    const circuit = new Circuit(() => now);
    const pauses = Array.from({ length: 12 }, () => {
      circuit.failed();
      expect(circuit.isOpen).toBe(true);
      const pause = circuit.retryAtMs - now;
      now = circuit.retryAtMs;
      expect(circuit.isOpen).toBe(false);
      return pause;
    });
    expect(pauses[0]).toBeLessThanOrEqual(200);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(10_000);
    expect(Math.min(...pauses.slice(7))).toBeGreaterThanOrEqual(5000);
    circuit.failed();
    circuit.succeeded();
    expect(circuit.isOpen).toBe(false);
  });
});

describe(Latency.name, () => {
  it('judges by the newest answers, and not before there are some', () => {
    const latency = new Latency();
    for (let n = 0; n < 9; n += 1) latency.add(1000);
    expect(latency.quantile(0.95)).toBeUndefined();
    for (let n = 1; n <= 100; n += 1) latency.add(n);
    expect(latency.quantile(0.95)).toBe(96);
    expect(latency.median).toBe(51);
  });
});
