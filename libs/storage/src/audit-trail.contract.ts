import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InvalidCursor, type AuditEntry, type NewAuditEntry } from '@droppio/tips';
import { aCreator } from './testing/chain-story.js';
import type { TestStorage } from './testing/index.js';

const STRANGER = '00000000-0000-4000-8000-000000000000';

const inBase64 = (text: string): string => Buffer.from(text).toString('base64url');

export function describeAuditTrail(where: string, make: () => Promise<TestStorage>): void {
  describe(`AuditTrail on ${where}`, () => {
    let storage: TestStorage;
    beforeAll(async () => {
      storage = await make();
    });
    afterAll(async () => {
      await storage.drop();
    });

    const anEntry = (fields: Partial<NewAuditEntry> = {}): NewAuditEntry => ({
      actor: { kind: 'token' },
      operation: 'changeMe',
      targets: {},
      outcome: 'done',
      requestId: 'request-1',
      ...fields,
    });
    const all = async (creatorId: string, limit: number): Promise<AuditEntry[]> => {
      const found: AuditEntry[] = [];
      for (let cursor: string | undefined; ;) {
        const page = await storage.audit.entries({ creatorId, limit, ...(cursor === undefined ? {} : { cursor }) });
        found.push(...page.entries);
        if (page.next === undefined) return found;
        cursor = page.next;
      }
    };

    it('gives back what was noted, and nothing of other accounts', async () => {
      const [{ id }, other] = await Promise.all([aCreator(storage), aCreator(storage)]);
      const full = anEntry({
        creatorId: id,
        actor: { kind: 'session', id: STRANGER },
        targets: { overlay: STRANGER },
        outcome: 'refused',
        code: 'not-found',
        network: '192.0.2.0/24',
      });
      await storage.audit.note(full);
      await storage.audit.note(anEntry({ creatorId: other.id }));
      const { entries } = await storage.audit.entries({ creatorId: id, limit: 10 });
      expect(entries.map((entry) => ({ ...entry, creatorId: id }))).toEqual([
        { ...full, id: expect.any(String) as string, at: expect.any(Date) as Date },
      ]);
    });

    it('pages through everything once, newest first, also what came in the same millisecond', async () => {
      const { id } = await aCreator(storage);
      for (let n = 0; n < 5; n += 1) {
        await Promise.all(
          Array.from({ length: 5 }, () => storage.audit.note(anEntry({ creatorId: id, requestId: `request-${String(n)}` }))),
        );
      }
      await storage.database.run(`UPDATE audit_entries SET at = date_trunc('second', at) WHERE creator_id = $1`, [id]);
      const paged = await all(id, 3);
      expect(paged).toHaveLength(25);
      expect(new Set(paged.map((entry) => entry.id)).size).toBe(25);
      expect(paged).toEqual(await all(id, 200));
      expect(paged.map(({ at }) => at.getTime())).toEqual(paged.map(({ at }) => at.getTime()).sort((a, b) => b - a));
    });

    it('finds by operation and by time', async () => {
      const { id: creatorId } = await aCreator(storage);
      for (const operation of ['a', 'b', 'a']) await storage.audit.note(anEntry({ creatorId, operation }));
      await storage.database.run(
        `UPDATE audit_entries e SET at = now() - n * interval '1 hour'
         FROM (SELECT id, row_number() OVER (ORDER BY at, id) AS n FROM audit_entries WHERE creator_id = $1) o WHERE o.id = e.id`,
        [creatorId],
      );
      const found = (await storage.audit.entries({ creatorId, limit: 10 })).entries;
      const times = found.map(({ at }) => at);
      expect((await storage.audit.entries({ creatorId, limit: 10, operation: 'a' })).entries).toHaveLength(2);
      const [newest, , oldest] = times;
      if (newest === undefined || oldest === undefined) throw new Error('three entries');
      expect((await storage.audit.entries({ creatorId, limit: 10, to: newest })).entries).toEqual(found.slice(1));
      expect((await storage.audit.entries({ creatorId, limit: 10, from: newest })).entries).toEqual(found.slice(0, 1));
      expect((await storage.audit.entries({ creatorId, limit: 10, operation: 'a', from: oldest, to: oldest })).entries).toEqual([]);
    });

    it('keeps the operator’s entries, and those of accounts that are gone, apart', async () => {
      await storage.audit.note(anEntry({ actor: { kind: 'operator' }, operation: 'createCreator' }));
      await storage.audit.note(anEntry({ creatorId: STRANGER, operation: 'deleteMe' }));
      const { entries } = await storage.audit.entries({ limit: 200 });
      expect(entries.map(({ operation }) => operation)).toEqual(expect.arrayContaining(['createCreator', 'deleteMe']));
      expect((await storage.audit.entries({ limit: 10, operation: 'deleteMe' })).entries).toMatchObject([
        { targets: { creator: STRANGER } },
      ]);
      expect((await storage.audit.entries({ creatorId: STRANGER, limit: 10 })).entries).toEqual([]);
    });

    it.each(['', 'x', ...['[1,"x"]', `[-1,"${STRANGER}"]`, `[8640000000000000,"${STRANGER}"]`].map(inBase64)])(
      'refuses the cursor %j',
      async (cursor) => {
        await expect(storage.audit.entries({ creatorId: STRANGER, limit: 10, cursor })).rejects.toThrow(InvalidCursor);
      },
    );
  });
}
