import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_OVERLAY_CONFIG, NotFound, PreconditionFailed, type Creator, type Overlay, type OverlayConfig } from '@droppio/tips';
import { OverlayConfigDocument } from '@droppio/tips/overlay-schema';
import { anOverlayConfig } from '@droppio/tips/testing/overlay-configs';
import * as z from 'zod';
import { aCreator } from './testing/chain-story.js';
import type { TestStorage } from './testing/index.js';

const STRANGER = '00000000-0000-4000-8000-000000000000';
const Waiting = z.object({ waiting: z.number() });
const lasting = (durationMs: number): OverlayConfig => ({
  ...DEFAULT_OVERLAY_CONFIG,
  defaults: { ...DEFAULT_OVERLAY_CONFIG.defaults, durationMs },
});

export function describeOverlayKeeper(where: string, make: () => Promise<TestStorage>): void {
  describe(`OverlayKeeper on ${where}`, () => {
    let storage: TestStorage;
    let creator: Creator;
    let overlay: Overlay;

    beforeAll(async () => {
      storage = await make();
    });
    afterAll(async () => {
      await storage.drop();
    });
    beforeEach(async () => {
      creator = await aCreator(storage, 1);
      overlay = await storage.directory.createOverlay(creator.id, 'main', DEFAULT_OVERLAY_CONFIG);
    });

    const events = (after = 1) => storage.ledger.eventsAfter(creator.id, after, 1000);
    const configure = (config: OverlayConfig, expected: readonly number[] | 'any') =>
      storage.overlays.configure(creator.id, overlay.id, config, expected);

    it('replaces the config that was read, and tells open pages in the same commit', async () => {
      expect(overlay.configVersion).toBe(1);
      const changed = await configure(lasting(4000), [1]);
      expect(changed).toEqual({ ...overlay, config: lasting(4000), configVersion: 2 });
      expect(await storage.directory.overlay(creator.id, overlay.id)).toEqual(changed);
      const told = await events();
      expect(told).toMatchObject([{ seq: 2, type: 'config', id: overlay.id }]);
      expect(told[0]?.d).toEqual({ overlayId: overlay.id, version: 1, enabled: true, config: lasting(4000) });
      expect((await storage.ledger.snapshot(creator.id, 1))?.grants).toEqual([told[0]?.d]);
    });

    it('says how it stands, as of a place in the stream: the newest config, and the creator’s word to all', async () => {
      await configure(lasting(4000), [1]);
      const { position } = (await storage.ledger.snapshot(creator.id, 0)) ?? {};
      const grant = { overlayId: overlay.id, version: 1, enabled: true, config: lasting(4000) };
      expect(await storage.overlays.standing(creator.id, overlay.id)).toEqual({ position, grant });
      await storage.moderation.setQueue(creator.id, { paused: true, muted: false });
      const standing = await storage.overlays.standing(creator.id, overlay.id);
      expect(standing?.grant).toEqual({ ...grant, config: { ...lasting(4000), paused: true, muted: false } });
      expect(standing?.grant).toEqual((await storage.ledger.snapshot(creator.id, 0))?.grants[0]);
      for (const [owner, id] of [
        [STRANGER, overlay.id],
        [creator.id, STRANGER],
        ['no uuid', overlay.id],
      ] as const)
        expect(await storage.overlays.standing(owner, id)).toBeUndefined();
    });

    it('refuses to replace one that was not read, and changes and tells nothing', async () => {
      await configure(lasting(4000), [1]);
      for (const expected of [[1], [], [3, 4]]) await expect(configure(lasting(9000), expected)).rejects.toThrow(PreconditionFailed);
      expect((await storage.directory.overlay(creator.id, overlay.id))?.config).toEqual(lasting(4000));
      expect(await events()).toHaveLength(1);
      expect(await configure(lasting(5000), [1, 2])).toMatchObject({ configVersion: 3 });
      expect(await configure(lasting(6000), 'any')).toMatchObject({ configVersion: 4 });
    });

    it('takes the same config again for no change', async () => {
      expect(await configure(DEFAULT_OVERLAY_CONFIG, [1])).toEqual(overlay);
      expect(await events()).toEqual([]);
    });

    it('lets one of many through that have read the same', async () => {
      const outcomes = await Promise.allSettled(Array.from({ length: 16 }, (_, n) => configure(lasting(3000 + n), [1])));
      const through = outcomes.filter(({ status }) => status === 'fulfilled');
      expect(through).toHaveLength(1);
      for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(PreconditionFailed);
      expect((await storage.directory.overlay(creator.id, overlay.id))?.configVersion).toBe(2);
      expect(await events()).toHaveLength(1);
    });

    it.each([
      ['one of four that have read the same', [1], 1],
      ['all of four that take whatever is there, each to a version of its own', 'any' as const, 4],
    ])('lets %s through, though they have looked before somebody else was done', async (_what, expected, through) => {
      const waiting = async (): Promise<number> => {
        const statement = `SELECT count(*)::int AS waiting FROM pg_locks l JOIN pg_stat_activity a USING (pid)
          WHERE NOT l.granted AND a.datname = current_database()`;
        return (await storage.database.rows(Waiting, statement))[0]?.waiting ?? 0;
      };
      const outcomes: Promise<boolean>[] = [];
      await storage.database.transaction(async (sql) => {
        await sql.run('SELECT id FROM overlays WHERE id = $1 FOR UPDATE', [overlay.id]);
        for (let n = 0; n < 4; n += 1) {
          const done = configure(lasting(3000 + n), expected);
          outcomes.push(
            done.then(
              () => true,
              () => false,
            ),
          );
        }
        await expect.poll(waiting, { timeout: 5000, interval: 5 }).toBe(4);
      });
      expect((await Promise.all(outcomes)).filter(Boolean)).toHaveLength(through);
      expect((await storage.directory.overlay(creator.id, overlay.id))?.configVersion).toBe(1 + through);
    });

    it('keeps every valid document exactly, in the row and in the event', async () => {
      await fc.assert(
        fc.asyncProperty(anOverlayConfig(), async (given) => {
          const config = OverlayConfigDocument.parse(given);
          expect((await configure(config, 'any')).config).toStrictEqual(config);
          expect((await storage.directory.overlay(creator.id, overlay.id))?.config).toStrictEqual(config);
          const grant = (await storage.ledger.snapshot(creator.id, 1))?.grants[0];
          expect(grant?.config).toStrictEqual(config);
        }),
        { numRuns: 40 },
      );
    });

    it('reads what the first version stored', async () => {
      const old = JSON.stringify({ schemaVersion: 1, durationMs: 5000 });
      await storage.database.run('UPDATE overlays SET config = $1::jsonb WHERE id = $2', [old, overlay.id]);
      expect(await storage.directory.overlay(creator.id, overlay.id)).toMatchObject({ config: lasting(5000), configVersion: 1 });
      expect(await storage.directory.overlays(creator.id)).toMatchObject([{ config: lasting(5000) }]);
      expect(await configure(lasting(5000), [1])).toMatchObject({ config: lasting(5000), configVersion: 2 });
    });

    it('removes an overlay and tells its pages that it is disabled, whatever their token', async () => {
      await storage.overlays.remove(creator.id, overlay.id);
      expect(await storage.directory.overlays(creator.id)).toEqual([]);
      expect(await events()).toMatchObject([{ seq: 2, type: 'config', d: { overlayId: overlay.id, version: 2, enabled: false } }]);
      expect((await storage.ledger.snapshot(creator.id, 1))?.grants).toEqual([]);
      await expect(storage.overlays.remove(creator.id, overlay.id)).rejects.toThrow(NotFound);
      expect(await events()).toHaveLength(1);
    });

    it('commits a command for one overlay', async () => {
      const id = await storage.overlays.command(creator.id, overlay.id, 'reload');
      expect(await events()).toMatchObject([{ seq: 2, id, type: 'control', d: { action: 'reload', overlayId: overlay.id } }]);
    });

    it('keeps the overlays of others out of reach', async () => {
      const other = await aCreator(storage);
      for (const [creatorId, overlayId] of [
        [other.id, overlay.id],
        [creator.id, STRANGER],
        ['no uuid', overlay.id],
        [creator.id, 'no uuid'],
      ] as const) {
        await expect(storage.overlays.configure(creatorId, overlayId, lasting(9000), 'any')).rejects.toThrow(NotFound);
        await expect(storage.overlays.configure(creatorId, overlayId, lasting(9000), [])).rejects.toThrow(NotFound);
        await expect(storage.overlays.remove(creatorId, overlayId)).rejects.toThrow(NotFound);
        await expect(storage.overlays.command(creatorId, overlayId, 'reload')).rejects.toThrow(NotFound);
      }
      expect(await storage.directory.overlay(creator.id, overlay.id)).toEqual(overlay);
      expect(await events()).toEqual([]);
      expect(await storage.ledger.eventsAfter(other.id, 0, 10)).toEqual([]);
    });
  });
}
