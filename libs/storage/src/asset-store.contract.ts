import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_OVERLAY_CONFIG, InvalidCursor, LimitReached, NotFound, type AssetQuota, type Creator, type NewAsset } from '@droppio/tips';
import { PostgresAssetStore } from './postgres-asset-store.js';
import { aCreator } from './testing/chain-story.js';
import type { TestStorage } from './testing/index.js';

const ROOM: AssetQuota = { count: 100, bytes: 1_000_000 };

export function describeAssetStore(where: string, make: () => Promise<TestStorage>): void {
  describe(`AssetStore on ${where}`, () => {
    let storage: TestStorage;
    let store: PostgresAssetStore;
    let creator: Creator;
    let other: Creator;

    beforeAll(async () => {
      storage = await make();
      store = new PostgresAssetStore(storage.database);
    });
    afterAll(async () => {
      await storage.drop();
    });
    beforeEach(async () => {
      [creator, other] = [await aCreator(storage), await aCreator(storage)];
    });

    const anAsset = (change: Partial<NewAsset> = {}): NewAsset => {
      const bytes = change.bytes ?? randomBytes(64);
      const id = `ast_${randomBytes(12).toString('hex')}`;
      const sourceHash = createHash('sha256').update(bytes).digest();
      const image = { kind: 'image', type: 'image/webp', width: 40, height: 30, frames: 1 } as const;
      return { id, creatorId: creator.id, name: 'a coin', ...image, sourceHash, bytes, ...change };
    };
    const aSound = (): NewAsset => {
      const { id, creatorId, name, sourceHash, bytes } = anAsset();
      return { id, creatorId, name, sourceHash, bytes, kind: 'sound', type: 'audio/wav', durationMs: 1200 };
    };
    const added = async (change: Partial<NewAsset> = {}) => (await store.add(anAsset(change), ROOM)).asset;
    const rows = async (statement: string, values: unknown[] = []): Promise<unknown> => storage.database.source.query(statement, values);
    const wear = async (asset: string, of = creator) => {
      const overlay = await storage.directory.createOverlay(of.id, 'screen', DEFAULT_OVERLAY_CONFIG);
      const tier = {
        id: 'big',
        name: 'Big',
        priority: 1,
        when: { all: [] },
        override: { image: { asset, maxHeightPct: 20 } },
        queue: 'queue',
      };
      await storage.overlays.configure(of.id, overlay.id, { ...DEFAULT_OVERLAY_CONFIG, tiers: [tier] } as never, 'any');
      return { id: overlay.id, name: 'screen' };
    };

    it('gives back what was put in, facts and bytes', async () => {
      const given = anAsset({ frames: 12, durationMs: 600 });
      const { asset, isNew } = await store.add(given, ROOM);
      expect(isNew).toBe(true);
      const facts = { kind: 'image', type: 'image/webp', name: 'a coin', size: 64, width: 40, height: 30, frames: 12, durationMs: 600 };
      expect(asset).toEqual({ id: given.id, ...facts, createdAt: expect.any(Date) as Date });
      expect(await store.asset(creator.id, given.id)).toEqual(asset);
      expect(await store.file(given.id)).toEqual({ type: 'image/webp', size: 64 });
      expect(Buffer.from((await store.bytes(given.id)) ?? [])).toEqual(Buffer.from(given.bytes));
    });

    it('has one asset for one source, also of many at once; another creator has his own', async () => {
      const source = anAsset();
      const made = await Promise.all(
        Array.from({ length: 10 }, () => store.add(anAsset({ bytes: source.bytes, sourceHash: source.sourceHash }), ROOM)),
      );
      expect(made.filter(({ isNew }) => isNew)).toHaveLength(1);
      expect(new Set(made.map(({ asset }) => asset.id)).size).toBe(1);
      expect((await store.bySource(creator.id, source.sourceHash))?.id).toBe(made[0]?.asset.id);
      expect(await store.bySource(other.id, source.sourceHash)).toBeUndefined();
      const his = await store.add(anAsset({ creatorId: other.id, sourceHash: source.sourceHash }), ROOM);
      expect(his.isNew).toBe(true);
    });

    it('keeps the quota exactly when many come at once, in number and in bytes', async () => {
      const settle = async (quota: AssetQuota) => {
        const results = await Promise.allSettled(Array.from({ length: 12 }, () => store.add(anAsset(), quota)));
        return results.map((result) => (result.status === 'fulfilled' ? 'in' : result.reason instanceof LimitReached ? 'full' : 'fault'));
      };
      expect((await settle({ count: 5, bytes: 1_000_000 })).sort()).toEqual([
        ...Array<string>(7).fill('full'),
        ...Array<string>(5).fill('in'),
      ]);
      expect(await store.usage(creator.id)).toEqual({ count: 5, bytes: 5 * 64 });
      expect((await settle({ count: 100, bytes: 7 * 64 })).filter((result) => result === 'in')).toHaveLength(2);
      await expect(store.add(anAsset({ creatorId: '00000000-0000-4000-8000-000000000000' }), ROOM)).rejects.toThrow(NotFound);
      await expect(store.add(anAsset({ creatorId: 'x' }), ROOM)).rejects.toThrow(NotFound);
    });

    it('lists the newest first, page by page, a creator’s own only', async () => {
      const ids: string[] = [];
      for (let n = 0; n < 5; n += 1) ids.unshift((await added()).id);
      await added({ creatorId: other.id });
      const first = await store.assets(creator.id, 2);
      const second = await store.assets(creator.id, 2, first.next);
      const last = await store.assets(creator.id, 2, second.next);
      expect([first, second, last].flatMap(({ assets }) => assets.map(({ id }) => id))).toEqual(ids);
      expect(last.next).toBeUndefined();
      await expect(store.assets(creator.id, 2, 'bm90IG91cnM')).rejects.toThrow(InvalidCursor);
    });

    it('is nobody’s but its creator’s', async () => {
      const { id } = await added();
      expect(await store.asset(other.id, id)).toBeUndefined();
      expect(await store.remove(other.id, id, true)).toBeUndefined();
      expect(await store.uses(other.id, id)).toEqual([]);
      expect(await store.kinds(other.id, [id])).toEqual(new Map());
      expect(await store.asset(creator.id, id)).toBeDefined();
    });

    it('knows the kinds of those that are there', async () => {
      const [image, sound] = [await added(), (await store.add(aSound(), ROOM)).asset];
      expect(await store.kinds(creator.id, [image.id, sound.id, `ast_${'0'.repeat(24)}`, "'; --"])).toEqual(
        new Map([
          [image.id, 'image'],
          [sound.id, 'sound'],
        ]),
      );
    });

    it('is not removed while overlays of its creator name it, unless that is meant', async () => {
      const { id } = await added();
      const overlay = await wear(id);
      await wear(id, other);
      expect(await store.uses(creator.id, id)).toEqual([overlay]);
      expect(await store.remove(creator.id, id, false)).toEqual([overlay]);
      expect(await store.file(id)).toBeDefined();
      expect(await store.remove(creator.id, id, true)).toEqual([]);
      expect(await store.file(id)).toBeUndefined();
      expect(await store.bytes(id)).toBeUndefined();
      expect(await store.remove(creator.id, id, true)).toBeUndefined();
      expect(await rows('SELECT 1 FROM asset_files WHERE asset_id = $1', [id])).toEqual([]);
    });

    it('is removed when nothing names it any more, and its source may come again', async () => {
      const given = anAsset();
      await store.add(given, ROOM);
      expect(await store.remove(creator.id, given.id, false)).toEqual([]);
      expect((await store.add(anAsset({ bytes: given.bytes, sourceHash: given.sourceHash }), ROOM)).isNew).toBe(true);
    });

    it('goes with its creator', async () => {
      const { id } = await added();
      await storage.account.remove(creator.id);
      expect(await store.file(id)).toBeUndefined();
      expect(await rows('SELECT 1 FROM asset_files WHERE asset_id = $1', [id])).toEqual([]);
    });

    it('is named in the export of its creator, with the way to the file and without its bytes', async () => {
      const { id } = await added();
      await added({ creatorId: other.id });
      const found: unknown[] = [];
      for await (const batch of storage.account.rows(creator.id, 'assets')) found.push(...batch.map((json) => JSON.parse(json) as unknown));
      expect(found).toEqual([
        expect.objectContaining({ id, file: `/overlay/media/${id}`, kind: 'image', name: 'a coin', size: 64, width: 40 }),
      ]);
      expect(JSON.stringify(found)).not.toMatch(/bytes|source_hash|nth|creator_id/);
    });

    it.each(['', 'x', 'ast_', `ast_${'0'.repeat(23)}`, `ast_${'0'.repeat(25)}`, `ast_${'0'.repeat(23)}\u0000`, "ast_' OR 1=1 --"])(
      'has nothing for %j',
      async (id) => {
        expect([await store.file(id), await store.bytes(id), await store.asset(creator.id, id)]).toEqual([undefined, undefined, undefined]);
        expect(await store.remove(creator.id, id, true)).toBeUndefined();
      },
    );
  });
}
