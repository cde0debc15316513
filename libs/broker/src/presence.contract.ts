import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Logger } from '@nestjs/common';
import type { Presence } from '@droppio/tips';
import { aCreatorId } from '@droppio/tips/testing';
import { eventually } from './testing/eventually.js';

// Faults are made on purpose here; what is logged about them is noise.
Logger.overrideLogger(false);

/** What is told to these fades after a second. */
export const SHORT_TTL_MS = 1000;

/** One implementation under test. */
export interface PresenceHouse {
  readonly presence: Presence;
  /** Another instance on the same store: another process. The same one where there is only one process. */
  readonly neighbour: Presence;
  close(): Promise<void>;
}

/** The promises of `Presence`, for every implementation. */
export function describePresence(title: string, open: () => Promise<PresenceHouse>): void {
  describe(title, () => {
    let house: PresenceHouse;
    beforeAll(async () => (house = await open()));
    afterAll(() => house.close());

    const aSource = (): string => `pod-${randomUUID()}`;
    const settled = (check: () => Promise<void>): Promise<void> => eventually(check, 5000);

    it('adds up what several gateways tell of a creator', async () => {
      const { presence, neighbour } = house;
      const [both, one, none] = [aCreatorId(), aCreatorId(), aCreatorId()];
      await presence.tell(aSource(), new Map([[both, 2]]));
      const asked = new Map([
        [both, 3],
        [one, 1],
      ]);
      await neighbour.tell(aSource(), asked);
      await settled(async () => {
        const expected = new Map([
          [both, 5],
          [one, 1],
        ]);
        expect(await presence.counts([both, one, none])).toEqual(expected);
      });
      expect(await presence.counts([])).toEqual(new Map());
    });

    it('knows only the last word of a gateway', async () => {
      const { presence, neighbour } = house;
      const [source, stays, leaves, comes] = [aSource(), aCreatorId(), aCreatorId(), aCreatorId()];
      const words: (readonly [string, number])[][] = [
        [
          [stays, 4],
          [leaves, 7],
        ],
        [
          [stays, 5],
          [comes, 1],
        ],
      ];
      for (const word of words) await presence.tell(source, new Map(word));
      await settled(async () => {
        expect(await neighbour.counts([stays, leaves, comes])).toEqual(new Map(words[1]));
      });
    });

    it('forgets a gateway that says goodbye at once', async () => {
      const [source, creatorId] = [aSource(), aCreatorId()];
      await settled(async () => {
        await house.presence.tell(source, new Map([[creatorId, 1]]));
        expect(await house.neighbour.counts([creatorId])).toEqual(new Map([[creatorId, 1]]));
      });
      await house.presence.tell(source, new Map());
      expect(await house.neighbour.counts([creatorId])).toEqual(new Map());
    });

    it('lets fade what a gateway told that never speaks again, and keeps one that does', async () => {
      const { presence, neighbour } = house;
      const [dead, alive, creatorId] = [aSource(), aSource(), aCreatorId()];
      await presence.tell(dead, new Map([[creatorId, 10]]));
      const started = Date.now();
      await eventually(async () => {
        await presence.tell(alive, new Map([[creatorId, 1]]));
        expect(await neighbour.counts([creatorId])).toEqual(new Map([[creatorId, 1]]));
      }, 5000);
      expect(Date.now() - started).toBeGreaterThan(SHORT_TTL_MS / 2);
    });

    it('tells how many there are in all, of thousands of creators', async () => {
      const { presence, neighbour } = house;
      const before = await neighbour.totals();
      const many = new Map(Array.from({ length: 1234 }, () => [aCreatorId(), 2] as const));
      const source = aSource();
      await presence.tell(source, many);
      await settled(async () => {
        const { sources, sockets } = await neighbour.totals();
        expect(sockets).toBeGreaterThanOrEqual(2468);
        expect(sources).toBeGreaterThanOrEqual(1);
      });
      const some = [...many.keys()].slice(700, 710);
      expect(await neighbour.counts(some)).toEqual(new Map(some.map((id) => [id, 2])));
      await presence.tell(source, new Map());
      expect((await neighbour.totals()).sockets).toBeLessThan(before.sockets + 2468);
    });
  });
}
