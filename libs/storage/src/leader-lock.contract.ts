import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LeaderLock } from '@droppio/tips';
import { aChainId } from './testing/chain-story.js';

/** Processes that share the locks of one database. */
export interface LockWorld {
  join(): LeaderLock;
  /** Breaks a process's connection, as its sudden death or a fault of the network does. */
  cut(lock: LeaderLock): Promise<void>;
  close(): Promise<void>;
}

export function describeLeaderLock(where: string, make: () => Promise<LockWorld>): void {
  describe(`LeaderLock on ${where}`, () => {
    let world: LockWorld;
    let chainId: number;
    let one: LeaderLock;
    let two: LeaderLock;

    beforeEach(async () => {
      world = await make();
      chainId = aChainId();
      [one, two] = [world.join(), world.join()];
    });
    afterEach(async () => {
      await Promise.all([one.close(), two.close()]);
      await world.close();
    });

    it('gives a chain to one process, and keeps it for that one however often it asks', async () => {
      expect(await one.take(chainId)).toBe(true);
      expect(await two.take(chainId)).toBe(false);
      expect(await one.take(chainId)).toBe(true);
      // Asked for twice, it must still fall at once.
      await one.give(chainId);
      expect(await two.take(chainId)).toBe(true);
      expect(await one.take(chainId)).toBe(false);
    });

    it('keeps chains apart, also those with ids wider than 32 bits', async () => {
      const wide = 11_297_108_109_000 + chainId;
      expect(await one.take(chainId)).toBe(true);
      expect(await two.take(wide)).toBe(true);
      expect(await two.take(chainId)).toBe(false);
      expect(await one.take(wide)).toBe(false);
    });

    it('lets nobody give back what another holds', async () => {
      await one.take(chainId);
      await two.give(chainId);
      expect(await two.take(chainId)).toBe(false);
    });

    it('falls when the process closes, and can then be taken by others only', async () => {
      await one.take(chainId);
      await one.close();
      await expect.poll(() => two.take(chainId), { interval: 10 }).toBe(true);
      expect(await one.take(chainId)).toBe(false);
    });

    it('falls when the connection breaks; one of them holds it soon after', async () => {
      await one.take(chainId);
      await world.cut(one);
      await expect.poll(async () => [await two.take(chainId), await one.take(chainId)].filter(Boolean).length, { interval: 10 }).toBe(1);
      const [first, second] = (await one.take(chainId)) ? [one, two] : [two, one];
      await first.give(chainId);
      expect(await second.take(chainId)).toBe(true);
    });

    it('is given to one of many that ask at once', async () => {
      const many = Array.from({ length: 6 }, () => world.join());
      expect((await Promise.all(many.map((lock) => lock.take(chainId)))).filter(Boolean)).toHaveLength(1);
      await Promise.all(many.map((lock) => lock.close()));
    });
  });
}
