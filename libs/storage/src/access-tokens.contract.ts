import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NotFound, SCOPES, type NewAccessToken } from '@droppio/tips';
import { randomHex } from '@droppio/tips/testing';
import { aCreator } from './testing/chain-story.js';
import type { TestStorage } from './testing/index.js';

const STRANGER = '00000000-0000-4000-8000-000000000000';
const hash = (): Buffer => Buffer.from(randomHex(32).slice(2), 'hex');

export function describeAccessTokens(where: string, make: () => Promise<TestStorage>): void {
  describe(`AccessTokens on ${where}`, () => {
    let storage: TestStorage;
    let creatorId: string;
    let otherId: string;

    beforeAll(async () => {
      storage = await make();
      creatorId = (await aCreator(storage, 1)).id;
      otherId = (await aCreator(storage, 1)).id;
    });
    afterAll(async () => {
      await storage.drop();
    });

    const aToken = (fields: Partial<NewAccessToken> = {}): NewAccessToken => ({
      creatorId,
      hash: hash(),
      name: 'a script',
      scopes: ['read'],
      ...fields,
    });

    it('finds a token by its hash until it is removed, by its owner only', async () => {
      const wanted = aToken({ scopes: ['read', 'moderate'] });
      const made = await storage.tokens.create(wanted, 50);
      expect(made).toMatchObject({ creatorId, name: 'a script', scopes: ['read', 'moderate'] });
      expect(made).not.toHaveProperty('expiresAt');
      expect(await storage.tokens.use(wanted.hash)).toEqual(made);
      expect(await storage.tokens.use(hash())).toBeUndefined();
      const id = made?.id ?? '';
      expect(await storage.tokens.remove(otherId, id)).toBe(false);
      expect(await storage.tokens.remove(creatorId, "'; drop table access_tokens")).toBe(false);
      expect((await storage.tokens.use(wanted.hash))?.id).toBe(id);
      expect(await storage.tokens.remove(creatorId, id)).toBe(true);
      expect(await storage.tokens.use(wanted.hash)).toBeUndefined();
      expect(await storage.tokens.remove(creatorId, id)).toBe(false);
    });

    it('knows an expired token no more, by the clock of the database', async () => {
      const wanted = aToken({ expiresAt: new Date(Date.now() + 3_600_000) });
      const made = await storage.tokens.create(wanted, 50);
      expect(made?.expiresAt).toEqual(wanted.expiresAt);
      expect(await storage.tokens.use(wanted.hash)).toBeDefined();
      await storage.database.run(`UPDATE access_tokens SET expires_at = now() WHERE id = $1`, [made?.id ?? '']);
      expect(await storage.tokens.use(wanted.hash)).toBeUndefined();
      expect((await storage.tokens.list(creatorId)).map(({ id }) => id)).not.toContain(made?.id);
    });

    it('notes use to the minute', async () => {
      const wanted = aToken();
      const made = await storage.tokens.create(wanted, 50);
      await storage.tokens.use(wanted.hash);
      const used = await storage.tokens.use(wanted.hash);
      expect(used?.lastUsedAt).toBeInstanceOf(Date);
      await storage.tokens.use(wanted.hash);
      expect((await storage.tokens.use(wanted.hash))?.lastUsedAt).toEqual(used?.lastUsedAt);
      await storage.database.run(`UPDATE access_tokens SET last_used_at = now() - interval '2 minutes' WHERE id = $1`, [made?.id ?? '']);
      await storage.tokens.use(wanted.hash);
      const later = (await storage.tokens.use(wanted.hash))?.lastUsedAt?.getTime() ?? 0;
      expect(later).toBeGreaterThanOrEqual(used?.lastUsedAt?.getTime() ?? Infinity);
    });

    it('keeps to the bound when many are created at once, and counts no expired ones', async () => {
      // With a token from the start.
      const { id: owner } = await aCreator(storage, 1);
      const create = () => storage.tokens.create(aToken({ creatorId: owner }), 5);
      const made = (await Promise.all(Array.from({ length: 12 }, create))).filter((token) => token !== undefined);
      expect(made).toHaveLength(4);
      expect(await storage.tokens.list(owner)).toHaveLength(5);
      await storage.database.run('UPDATE access_tokens SET expires_at = now() WHERE id = $1', [made[0]?.id ?? '']);
      expect(await create()).toBeDefined();
      expect(await create()).toBeUndefined();
    });

    it('gives every scope to a token that was there before there were scopes', async () => {
      const old = hash();
      await storage.database.run('INSERT INTO access_tokens (hash, creator_id) VALUES ($1, $2)', [old, creatorId]);
      expect((await storage.tokens.use(old))?.scopes).toEqual(SCOPES);
    });

    it('stores no scope that there is not, and none at all neither', async () => {
      const insert = (scopes: string) =>
        storage.database.run('INSERT INTO access_tokens (hash, creator_id, scopes) VALUES ($1, $2, $3::text[])', [
          hash(),
          creatorId,
          scopes,
        ]);
      await expect(insert('{read,root}')).rejects.toThrow('Postgres refused');
      await expect(insert('{}')).rejects.toThrow('Postgres refused');
    });

    it('makes none for a creator who does not exist', async () => {
      await expect(storage.tokens.create(aToken({ creatorId: STRANGER }), 5)).rejects.toThrow(NotFound);
      await expect(storage.tokens.create(aToken({ creatorId: 'no uuid' }), 5)).rejects.toThrow(NotFound);
      expect(await storage.tokens.list(STRANGER)).toEqual([]);
    });
  });
}
