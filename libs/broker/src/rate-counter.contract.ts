import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Logger } from '@nestjs/common';
import type { RateCounter } from '@droppio/tips';
import { eventually } from './testing/eventually.js';

// Faults are made on purpose here; what is logged about them is noise.
Logger.overrideLogger(false);

/** One implementation under test. */
export interface RateHouse {
  readonly counter: RateCounter;
  /** Another instance on the same store: another process. The same one where there is only one process. */
  readonly neighbour: RateCounter;
  close(): Promise<void>;
}

/** The promises of `RateCounter`, for every implementation. */
export function describeRateCounter(title: string, open: () => Promise<RateHouse>): void {
  describe(title, () => {
    let house: RateHouse;
    beforeAll(async () => (house = await open()));
    afterAll(() => house.close());

    const aKey = (): string => `caller:${randomUUID()}`;

    it('counts each hit once, whoever counts and however many at once', async () => {
      const key = aKey();
      const windows = await Promise.all(
        Array.from({ length: 100 }, (_, n) => (n % 2 === 0 ? house.counter : house.neighbour).hit(key, 60_000)),
      );
      expect(windows.map(({ hits }) => hits).sort((one, two) => one - two)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
      for (const { resetMs } of windows) {
        expect(resetMs).toBeGreaterThan(0);
        expect(resetMs).toBeLessThanOrEqual(60_000);
      }
    });

    it('keeps keys apart', async () => {
      const [one, two] = [aKey(), aKey()];
      await house.counter.hit(one, 60_000);
      await house.counter.hit(one, 60_000);
      expect((await house.counter.hit(two, 60_000)).hits).toBe(1);
    });

    it('begins anew when a window has ended, which further hits do not put off', async () => {
      const key = aKey();
      const first = await house.counter.hit(key, 300);
      const startedAt = performance.now();
      expect(first.hits).toBe(1);
      await eventually(async () => {
        expect((await house.counter.hit(key, 300)).hits).toBe(1);
      }, 5000);
      expect(performance.now() - startedAt).toBeGreaterThan(200);
    });
  });
}
