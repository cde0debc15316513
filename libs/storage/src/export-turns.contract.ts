import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PostgresExportTurns } from './postgres-export-turns.js';
import { aCreator } from './testing/chain-story.js';
import type { TestStorage } from './testing/index.js';

export function describeExportTurns(where: string, make: () => Promise<TestStorage>): void {
  describe(`ExportTurns on ${where}`, () => {
    let storage: TestStorage;
    let turns: PostgresExportTurns;

    beforeAll(async () => {
      storage = await make();
      turns = new PostgresExportTurns(storage.database);
    });
    afterAll(async () => {
      await storage.drop();
    });

    it('gives one of many a turn, and the next one when it is given back', async () => {
      const { id } = await aCreator(storage);
      const holders = Array.from({ length: 8 }, () => randomUUID());
      const taken = await Promise.all(holders.map((holder) => turns.take(id, holder, 60_000)));
      expect(taken.filter(Boolean)).toHaveLength(1);
      const winner = holders[taken.indexOf(true)] ?? '';
      const loser = holders[taken.indexOf(false)] ?? '';
      await turns.end(id, loser);
      expect(await turns.take(id, loser, 60_000)).toBe(false);
      expect(await turns.take(id, winner, 60_000)).toBe(true);
      await turns.end(id, winner);
      expect(await turns.take(id, loser, 60_000)).toBe(true);
    });

    it('gives it to the next when it has run out, and then not back to the first', async () => {
      const { id } = await aCreator(storage);
      const [first, second] = [randomUUID(), randomUUID()];
      expect(await turns.take(id, first, -1)).toBe(true);
      expect(await turns.take(id, second, 60_000)).toBe(true);
      expect(await turns.take(id, first, 60_000)).toBe(false);
    });

    it('keeps creators apart, and has none for who does not exist', async () => {
      const [one, other] = [await aCreator(storage), await aCreator(storage)];
      expect(await turns.take(one.id, randomUUID(), 60_000)).toBe(true);
      expect(await turns.take(other.id, randomUUID(), 60_000)).toBe(true);
      expect(await turns.take(randomUUID(), randomUUID(), 60_000)).toBe(false);
    });
  });
}
