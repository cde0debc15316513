import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SystemClock } from './system-clock.js';

const HOUR_MS = 3_600_000;
/** What passed by the timers, and what the machine's clock says. */
let [passed, shifted] = [0, 0];
const START = 1_700_000_000_000;

beforeEach(() => {
  [passed, shifted] = [0, 0];
  vi.spyOn(Date, 'now').mockImplementation(() => START + passed + shifted);
  vi.spyOn(performance, 'now').mockImplementation(() => passed);
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe(SystemClock, () => {
  it('tells the time of the machine', () => {
    const clock = new SystemClock();
    expect(clock.now()).toBe(START);
    passed += 1234.5;
    expect(clock.now()).toBe(START + 1234);
  });

  it('goes on when the clock of the machine is put back, until that has come up with it', () => {
    const clock = new SystemClock();
    const before = clock.now();
    shifted = -HOUR_MS;
    passed += 1000;
    expect(clock.now() - before).toBe(900);
    passed += 5 * HOUR_MS;
    expect(clock.now()).toBeGreaterThan(START + passed + shifted);
    passed += 6 * HOUR_MS;
    expect(clock.now()).toBe(START + passed + shifted);
  });

  it('follows at once when the clock of the machine is put forward', () => {
    const clock = new SystemClock();
    clock.now();
    shifted = HOUR_MS;
    expect(clock.now()).toBe(START + HOUR_MS);
  });
});
