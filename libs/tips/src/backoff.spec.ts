import { describe, expect, it } from 'vitest';
import { backoffMs } from './backoff.js';
import { within } from './deadline.js';
import { TimedOut } from './errors.js';

describe('backoffMs', () => {
  const backoff = { baseMs: 500, capMs: 20_000 };

  it('doubles its ceiling up to the cap', () => {
    const ceilings = [0, 1, 2, 5, 6, 1000].map((attempt) => backoffMs(attempt, backoff, () => 1));
    expect(ceilings).toEqual([500, 1000, 2000, 16_000, 20_000, 20_000]);
  });

  it('spreads over the whole range', () => {
    expect(backoffMs(3, backoff, () => 0)).toBe(0);
    expect(backoffMs(3, backoff, () => 0.5)).toBe(2000);
  });
});

describe('within', () => {
  it('passes the result and the failure on', async () => {
    await expect(within(1000, 'work', Promise.resolve(7))).resolves.toBe(7);
    await expect(within(1000, 'work', Promise.reject(new Error('no')))).rejects.toThrow('no');
  });

  it('gives up after the deadline and names the work', async () => {
    const never = new Promise<never>(() => undefined);
    await expect(within(5, 'the answer', never)).rejects.toThrow(TimedOut);
    await expect(within(5, 'the answer', never)).rejects.toThrow('the answer took longer than 5 ms');
  });
});
