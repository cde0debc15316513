import { afterEach, describe, expect, it } from 'vitest';
import { TimingWheel, type WheelEntry } from './timing-wheel.js';

/** Ticks only by hand: its own timer is a day away. */
const TICK_MS = 86_400_000;
let wheel: TimingWheel;
afterEach(() => {
  wheel.stop();
});

function entry(log: string[], name: string, again?: () => number | undefined): WheelEntry {
  return {
    slot: undefined,
    onDue() {
      log.push(name);
      return again?.();
    },
  };
}

describe(TimingWheel.name, () => {
  it('wakes each entry in its tick, rounded up', () => {
    const log: string[] = [];
    wheel = new TimingWheel(TICK_MS);
    wheel.schedule(entry(log, 'third'), 2.5 * TICK_MS);
    wheel.schedule(entry(log, 'first'), 1);
    const seen = [1, 2, 3].map(() => {
      wheel.tick();
      return log.join();
    });
    expect(seen).toEqual(['first', 'first', 'first,third']);
  });

  it('keeps an entry in one place however often it is scheduled, and in none once cancelled', () => {
    const log: string[] = [];
    wheel = new TimingWheel(TICK_MS);
    const twice = entry(log, 'twice');
    const cancelled = entry(log, 'cancelled');
    wheel.schedule(twice, 1);
    wheel.schedule(twice, 2 * TICK_MS);
    wheel.schedule(cancelled, 1);
    wheel.cancel(cancelled);
    for (let tick = 0; tick < 300; tick += 1) wheel.tick();
    expect(log).toEqual(['twice']);
  });

  it('goes on waking an entry that asks for more', () => {
    const log: string[] = [];
    wheel = new TimingWheel(TICK_MS);
    wheel.schedule(
      entry(log, 'beat', () => 2 * TICK_MS),
      2 * TICK_MS,
    );
    for (let tick = 0; tick < 10; tick += 1) wheel.tick();
    expect(log).toHaveLength(5);
  });
});
