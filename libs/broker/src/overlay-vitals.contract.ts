import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { VITALS_LATENCIES, type OverlayMoments, type OverlayVitals } from '@droppio/tips';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from './testing/eventually.js';

// Faults are made on purpose here; what is logged about them is noise.
Logger.overrideLogger(false);

/** What is held at these fades after a second. */
export const SHORT_HOLD_MS = 1000;

/** One implementation under test. */
export interface VitalsHouse {
  readonly vitals: OverlayVitals;
  /** Another instance on the same store: another process. The same one where there is only one process. */
  readonly neighbour: OverlayVitals;
  close(): Promise<void>;
}

/** The promises of `OverlayVitals`, for every implementation. */
export function describeOverlayVitals(title: string, open: () => Promise<VitalsHouse>): void {
  describe(title, () => {
    let house: VitalsHouse;
    beforeAll(async () => (house = await open()));
    afterAll(() => house.close());

    const anOverlay = (): string => randomUUID();
    const aSource = (): string => `pod-${randomUUID()}`;
    const note = (overlayId: string, moments: OverlayMoments): Promise<void> => house.vitals.note(new Map([[overlayId, moments]]));
    const settled = (check: () => Promise<void>): Promise<void> => eventually(check, 5000);

    it('knows nothing of an overlay that nobody has told of', async () => {
      expect(await house.neighbour.of(anOverlay())).toEqual({ instances: 0, latenciesMs: [] });
    });

    it('adds up the pages of an overlay over gateways, and forgets those of one that says goodbye', async () => {
      const { vitals, neighbour } = house;
      const [overlayId, one, two] = [anOverlay(), aSource(), aSource()];
      await vitals.hold(one, new Map([[overlayId, 2]]));
      await neighbour.hold(two, new Map([[overlayId, 1]]));
      await settled(async () => {
        expect(await vitals.of(overlayId)).toMatchObject({ instances: 3 });
      });
      await vitals.hold(one, new Map());
      await settled(async () => {
        expect(await neighbour.of(overlayId)).toMatchObject({ instances: 1 });
      });
    });

    it('lets the pages fade of a gateway that never speaks again, and keeps what was seen of them', async () => {
      const overlayId = anOverlay();
      await note(overlayId, { seenAtMs: 5000, latenciesMs: [] });
      await house.vitals.hold(aSource(), new Map([[overlayId, 4]]));
      await settled(async () => {
        expect(await house.neighbour.of(overlayId)).toEqual({ instances: 0, seenAtMs: 5000, latenciesMs: [] });
      });
    });

    it('keeps the latest times, in whatever order the words come', async () => {
      const overlayId = anOverlay();
      await note(overlayId, { seenAtMs: 3000, shownAtMs: 2000, latenciesMs: [10] });
      await note(overlayId, { seenAtMs: 1000, latenciesMs: [] });
      await note(overlayId, { shownAtMs: 2500, latenciesMs: [20, 30] });
      await note(overlayId, { shownAtMs: 900, latenciesMs: [5] });
      expect(await house.neighbour.of(overlayId)).toEqual({ instances: 0, seenAtMs: 3000, shownAtMs: 2500, latenciesMs: [10, 20, 30, 5] });
    });

    it('keeps so many latencies and no more, the newest', async () => {
      const overlayId = anOverlay();
      const all = Array.from({ length: VITALS_LATENCIES * 2 + 30 }, (_, n) => n);
      await note(overlayId, { shownAtMs: 1, latenciesMs: all.slice(0, 30) });
      await note(overlayId, { shownAtMs: 1, latenciesMs: all.slice(30) });
      expect((await house.neighbour.of(overlayId)).latenciesMs).toEqual(all.slice(-VITALS_LATENCIES));
    });

    it('takes many overlays in one word, and mixes none up', async () => {
      const overlays = Array.from({ length: 300 }, anOverlay);
      await house.vitals.note(new Map(overlays.map((id, n) => [id, { shownAtMs: n + 1, latenciesMs: [n] }])));
      for (const n of [0, 150, 299]) {
        expect(await house.neighbour.of(overlays[n] ?? '')).toEqual({ instances: 0, shownAtMs: n + 1, latenciesMs: [n] });
      }
      await house.vitals.note(new Map());
    });
  });
}
