import { describe, expect, it } from 'vitest';
import { ManualClock } from './manual-clock.js';

describe(ManualClock.name, () => {
  it('wakes sleepers in the order of their time, and only when it is due', async () => {
    const clock = new ManualClock(1000);
    const woken: string[] = [];
    void clock.sleep(200).then(() => woken.push('late'));
    void clock.sleep(100).then(() => woken.push('early'));
    clock.advance(99);
    await Promise.resolve();
    expect(woken).toEqual([]);
    clock.advance(101);
    await Promise.resolve();
    expect(woken).toEqual(['early', 'late']);
    expect(clock.now()).toBe(1200);
  });

  it('wakes at once on abort', async () => {
    const clock = new ManualClock();
    const stop = new AbortController();
    const asleep = clock.sleep(1000, stop.signal);
    stop.abort();
    await expect(asleep).resolves.toBeUndefined();
    await expect(clock.sleep(1000, stop.signal)).resolves.toBeUndefined();
  });
});
