import { describe, expect, it } from 'vitest';
import { MemoryRateCounter } from './memory-rate-counter.js';
import { describeRateCounter } from './rate-counter.contract.js';

describeRateCounter(MemoryRateCounter.name, () => {
  const counter = new MemoryRateCounter();
  return Promise.resolve({ counter, neighbour: counter, close: () => counter.close() });
});

describe(`${MemoryRateCounter.name} and its memory`, () => {
  it('is bounded, however many strangers come, and forgets the oldest first', async () => {
    const counter = new MemoryRateCounter({ maxKeys: 100 });
    await counter.hit('early', 60_000);
    for (let n = 0; n < 99; n += 1) await counter.hit(`n${String(n)}`, 60_000);
    expect((await counter.hit('early', 60_000)).hits).toBe(2);
    for (let n = 0; n < 10_000; n += 1) await counter.hit(`m${String(n)}`, 60_000);
    expect(counter.size).toBeLessThanOrEqual(100);
    expect((await counter.hit('m9999', 60_000)).hits).toBe(2);
    expect((await counter.hit('early', 60_000)).hits).toBe(1);
  });

  it('is given back as windows end', async () => {
    let now = 0;
    const counter = new MemoryRateCounter({ now: () => now });
    for (let n = 0; n < 1000; n += 1) await counter.hit(`n${String(n)}`, 1000);
    now = 1000;
    expect(await counter.hit('n7', 1000)).toEqual({ hits: 1, resetMs: 1000 });
    expect(counter.size).toBe(1);
  });
});
