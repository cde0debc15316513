import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BackfillBlock, BackfillRange, BlockHeader, Creator, SightedTip } from '@droppio/tips';
import { aBlock, aChildOf, aTip, randomHex } from '@droppio/tips/testing';
import { cover } from './coverage.js';
import { aChainId, aCommit, aCreator, story, walletOf } from './testing/chain-story.js';
import type { TestStorage } from './testing/index.js';

const FILTER = 'jar-1';

/** The part of `TipLedger` that fills what the walk did not search. */
export function describeBackfill(where: string, make: () => Promise<TestStorage>): void {
  describe(`TipLedger.backfill on ${where}`, () => {
    let storage: TestStorage;
    let chainId: number;
    let begun: BlockHeader;
    let creator: Creator;
    const fence = 1;

    beforeAll(async () => {
      storage = await make();
    });
    afterAll(async () => {
      await storage.drop();
    });
    beforeEach(async () => {
      chainId = aChainId();
      begun = aBlock({ number: 1000 });
      await storage.ledger.begin(chainId, begun, fence);
      creator = await aCreator(storage);
    });

    const tipToCreator = (fields: Partial<SightedTip> = {}): SightedTip => aTip({ creator: walletOf(creator), ...fields });
    const anOldBlock = (number: number, tips: readonly SightedTip[], tell = false): BackfillBlock => ({
      ...aCommit(aBlock({ number }), tips),
      tell,
    });
    /** Everything below the walk is final by the nodes' word. */
    const backfill = (blocks: readonly BackfillBlock[], range: Partial<BackfillRange> = {}) =>
      storage.ledger.backfill(chainId, { from: 0, to: 999, filter: FILTER, final: 999, ...range }, blocks);
    const commit = (block: BlockHeader, tips: readonly SightedTip[] = []) => storage.ledger.commit(chainId, fence, aCommit(block, tips));
    const events = () => storage.ledger.eventsAfter(creator.id, 0, 1000);
    const history = async () => (await storage.archive.list({ creatorId: creator.id, limit: 200 })).tips;
    const holes = (from: number, to: number, filter = FILTER) => storage.ledger.holes(chainId, filter, { from, to });
    const quarantine = (): Promise<unknown> =>
      storage.database.source.query('SELECT log_index, code FROM quarantined_logs WHERE chain_id = $1 ORDER BY log_index', [chainId]);

    it('stores tips of final blocks as history, finalised, without telling anybody', async () => {
      const tips = [tipToCreator({ amount: 2n ** 256n - 1n, message: 'gg "quoted" \\ 🦀' }), tipToCreator(), aTip()];
      const block = anOldBlock(7, tips);
      expect(await backfill([block])).toEqual({ creators: [], stored: 3, known: 0, later: 0 });
      expect(await events()).toEqual([]);
      expect([...(await history())].reverse()).toMatchObject(
        tips.slice(0, 2).map(({ txHash, amount, message }, logIndex) => ({
          txHash,
          amount,
          message,
          logIndex,
          state: 'finalized',
          rev: 1,
          blockNumber: 7,
          blockHash: block.block.hash,
          blockTimestampMs: block.block.timestampMs,
        })),
      );
      const sightings: unknown = await storage.database.source.query('SELECT count(*)::int FROM tip_sightings WHERE chain_id = $1', [
        chainId,
      ]);
      expect(sightings).toEqual([{ count: 3 }]);
    });

    it('stores nothing twice, and what is told is told once, in the order of the chain', async () => {
      const blocks = [anOldBlock(8, [tipToCreator()], true), anOldBlock(7, [tipToCreator(), tipToCreator()], true)];
      expect(await backfill(blocks)).toEqual({ creators: [creator.id], stored: 3, known: 0, later: 0 });
      expect(await backfill(blocks)).toEqual({ creators: [], stored: 0, known: 3, later: 0 });
      const told = await events();
      expect(story(told)).toEqual(['tip r1 finalized', 'tip r1 finalized', 'tip r1 finalized']);
      expect(told.map(({ seq, id }) => [seq, id])).toEqual(
        [...(blocks[1]?.tips ?? []), ...(blocks[0]?.tips ?? [])].map(({ txHash }, n) => [n + 1, `${String(chainId)}-${txHash}-0`]),
      );
      expect(told[0]).toMatchObject({ at: { block: blocks[1]?.block.timestampMs, seen: blocks[1]?.seenAtMs } });
      expect((await storage.ledger.unpublished(-1000, 1000)).includes(creator.id)).toBe(true);
    });

    it('tells of the blocks that are told and keeps quiet about the others of the same call, then and later', async () => {
      const [loud, quiet] = [tipToCreator(), tipToCreator()];
      const { display, ...unlisted } = tipToCreator();
      expect(display).toBeDefined();
      await backfill([anOldBlock(7, [quiet]), anOldBlock(8, [loud, unlisted], true)]);
      expect((await events()).map(({ id }) => id)).toEqual([`${String(chainId)}-${loud.txHash}-0`]);
      await commit(aChildOf(begun), [quiet, loud]);
      expect(await events()).toHaveLength(1);
      expect(await history()).toHaveLength(3);
    });

    it('leaves a tip that the walk stored as it is', async () => {
      const tip = tipToCreator();
      const block = aChildOf(begun);
      await commit(block, [tip]);
      await storage.ledger.finalize(chainId, fence, { finalized: block });
      const before = [await history(), await events()];
      const other = { ...aCommit(block, [{ ...tip, amount: 5n, message: 'other' }]), tell: true };
      expect(await backfill([other], { from: 1001, to: 1001 })).toEqual({ creators: [], stored: 0, known: 1, later: 0 });
      expect([await history(), await events()]).toEqual(before);
    });

    it('believes nobody about blocks above where the walk began that are not final here', async () => {
      const stranger = anOldBlock(1001, [tipToCreator()]);
      expect(await backfill([stranger], { to: 2000, final: 2000 })).toEqual({ creators: [], stored: 0, known: 0, later: 1 });
      expect(await history()).toEqual([]);
      expect(await holes(990, 1010)).toEqual([{ from: 1001, to: 1010 }]);
    });

    it('believes nobody below the walk either without the nodes’ word', async () => {
      const { ledger } = storage;
      expect(await ledger.backfill(chainId, { from: 0, to: 999, filter: FILTER }, [anOldBlock(7, [tipToCreator()])])).toMatchObject({
        stored: 0,
        later: 1,
      });
      expect(await ledger.backfill(chainId, { from: 0, to: 999, filter: FILTER, final: 6 }, [anOldBlock(7, [aTip()])])).toMatchObject({
        later: 1,
      });
      expect(await holes(0, 999)).toEqual([{ from: 7, to: 999 }]);
    });

    it('takes nothing for a chain without a cursor', async () => {
      const none = aChainId();
      const range = { from: 0, to: 9, filter: FILTER, final: 9 };
      expect(await storage.ledger.backfill(none, range, [anOldBlock(7, [tipToCreator()])])).toMatchObject({ stored: 0, later: 1 });
      expect(await storage.ledger.holes(none, FILTER, { from: 0, to: 9 })).toEqual([{ from: 0, to: 9 }]);
    });

    it('takes a canonical block of the window with its state, and one of another branch not at all', async () => {
      const blocks = [aChildOf(begun)];
      for (let n = 0; n < 2; n += 1) blocks.push(aChildOf(blocks.at(-1) ?? begun));
      for (const block of blocks) await commit(block);
      const [one = begun, two = begun, three = begun] = blocks;
      await storage.ledger.finalize(chainId, fence, { finalized: one, safe: two });
      const gone = aBlock({ number: 1003 });
      const found = [one, two, three, gone].map((block) => ({ ...aCommit(block, [tipToCreator()]), tell: true }));
      expect(await backfill(found, { from: 1001, to: 1003 })).toEqual({ creators: [creator.id], stored: 3, known: 0, later: 1 });
      expect(story(await events())).toEqual(['tip r1 finalized', 'tip r1 safe', 'tip r1 confirmed']);
      expect(await holes(1000, 1003)).toEqual([
        { from: 1000, to: 1000 },
        { from: 1002, to: 1003 },
      ]);
      // From here on it is a tip like any other.
      await storage.ledger.reorganise(chainId, fence, {
        from: three,
        ancestor: two,
        branch: [aCommit(aBlock({ ...gone, parentHash: two.hash }))],
      });
      await storage.ledger.finalize(chainId, fence, { finalized: two });
      expect(story(await events()).slice(3)).toEqual(['tip.retracted r2 orphaned', 'tip.updated r2 finalized']);
    });

    it('lets a creator that wants blocks on top of a tip wait for them, unless it is final', async () => {
      await storage.database.source.query('UPDATE creators SET alert_after = 3 WHERE id = $1', [creator.id]);
      const one = aChildOf(begun);
      const next = aChildOf(one);
      await commit(one);
      await commit(next);
      const [due, final] = [tipToCreator(), tipToCreator()];
      const found = { ...aCommit(one, [due]), tell: true };
      expect(await backfill([anOldBlock(7, [final], true), found], { to: 1001 })).toMatchObject({ stored: 2 });
      expect((await events()).map(({ id }) => id)).toEqual([`${String(chainId)}-${final.txHash}-0`]);
      await commit(aChildOf(next));
      expect((await events()).map(({ id }) => id)[1]).toBe(`${String(chainId)}-${due.txHash}-0`);
    });

    it('tells how far it takes blocks as they are', async () => {
      expect(await storage.ledger.settled(aChainId(), 500)).toBeUndefined();
      expect(await storage.ledger.settled(chainId, 500)).toBe(500);
      expect(await storage.ledger.settled(chainId, 5000)).toBe(1000);
      const block = aChildOf(begun);
      await commit(block);
      await storage.ledger.finalize(chainId, fence, { finalized: block });
      expect(await storage.ledger.settled(chainId, 500)).toBe(1001);
    });

    it('sets aside what cannot be stored, counts it once and covers the range all the same', async () => {
      await storage.database.source.query(`ALTER TABLE tips ADD CONSTRAINT no_poison CHECK (message <> 'poison') NOT VALID`);
      try {
        const tips = Array.from({ length: 9 }, (_, n) => tipToCreator({ message: n === 3 || n === 7 ? 'poison' : 'gg' }));
        const block = anOldBlock(
          7,
          [...tips, tipToCreator({ message: 'a\0b' }), tipToCreator({ txHash: tips[0]?.txHash ?? randomHex(32) })],
          true,
        );
        expect(await backfill([block])).toEqual({ creators: [creator.id], stored: 7, known: 0, later: 0 });
        expect(await backfill([block])).toEqual({ creators: [], stored: 0, known: 7, later: 0 });
        expect(await quarantine()).toEqual([
          { log_index: 3, code: 'storage-refused' },
          { log_index: 7, code: 'storage-refused' },
          { log_index: 9, code: 'tip-invalid' },
          { log_index: 10, code: 'tip-repeated' },
        ]);
        expect((await events()).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7]);
        expect(await holes(0, 999)).toEqual([]);
      } finally {
        await storage.database.source.query('ALTER TABLE tips DROP CONSTRAINT no_poison');
      }
    });

    it('stores more tips than one statement takes', async () => {
      const blocks = [3, 4].map((number) =>
        anOldBlock(
          number,
          Array.from({ length: 1200 }, () => aTip()),
        ),
      );
      expect(await backfill(blocks)).toEqual({ creators: [], stored: 2400, known: 0, later: 0 });
    });

    it('does not wait for the live chain below the final height, nor make it wait', async () => {
      const runner = storage.database.source.createQueryRunner();
      await runner.startTransaction();
      try {
        await runner.query('SELECT 1 FROM chain_cursors WHERE chain_id = $1 FOR UPDATE', [chainId]);
        expect(await backfill([anOldBlock(7, [tipToCreator()])])).toMatchObject({ stored: 1 });
      } finally {
        await runner.rollbackTransaction();
        await runner.release();
      }
    });

    describe('holes', () => {
      it('are what was neither walked nor filled, apart for every filter', async () => {
        await backfill([], { from: 100, to: 199 });
        await backfill([], { from: 300, to: 399 });
        expect(await holes(50, 350)).toEqual([
          { from: 50, to: 99 },
          { from: 200, to: 299 },
        ]);
        expect(await holes(50, 350, 'jar-2')).toEqual([{ from: 50, to: 350 }]);
        await backfill([], { from: 200, to: 299 });
        expect(await holes(50, 400)).toEqual([
          { from: 50, to: 99 },
          { from: 400, to: 400 },
        ]);
        const rows: unknown = await storage.database.source.query(
          'SELECT from_number::int, to_number::int FROM chain_coverage WHERE chain_id = $1',
          [chainId],
        );
        expect(rows).toEqual([{ from_number: 100, to_number: 399 }]);
      });

      it('close one by one whatever the order and however many fill at once', async () => {
        const parts = Array.from({ length: 20 }, (_, n) => ({ from: n * 10, to: n * 10 + 9 })).sort(() => Math.random() - 0.5);
        await Promise.all(parts.map((part) => backfill([anOldBlock(part.from, [tipToCreator()], true)], part)));
        expect(await holes(0, 199)).toEqual([]);
        expect(await storage.database.source.query('SELECT from_number FROM chain_coverage WHERE chain_id = $1', [chainId])).toHaveLength(
          1,
        );
        expect((await events()).map(({ seq }) => seq)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
      });

      it('are merged one transaction after the other, though they see nothing of each other', async () => {
        const waits = async (): Promise<unknown> =>
          storage.database.source.query(`SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`);
        let other: Promise<unknown> = Promise.resolve();
        await storage.database.transaction(async (sql) => {
          await cover(sql, chainId, FILTER, { from: 0, to: 9 });
          other = backfill([], { from: 10, to: 19 });
          await expect.poll(waits).toHaveLength(1);
        });
        await other;
        const merged: unknown = await storage.database.source.query('SELECT from_number FROM chain_coverage WHERE chain_id = $1', [
          chainId,
        ]);
        expect(merged).toHaveLength(1);
      });

      it('end where the walk with the same filter began, and nothing is walked before it is said what for', async () => {
        const blocks = [aChildOf(begun)];
        for (let n = 0; n < 4; n += 1) blocks.push(aChildOf(blocks.at(-1) ?? begun));
        const [one = begun, two = begun, three = begun, four = begun] = blocks;
        await commit(one);
        expect(await holes(999, 1005)).toEqual([{ from: 999, to: 1005 }]);
        await storage.ledger.looksFor(chainId, fence, FILTER);
        await commit(two);
        await commit(three);
        expect(await holes(999, 1005)).toEqual([
          { from: 999, to: 1001 },
          { from: 1004, to: 1005 },
        ]);
        await storage.ledger.looksFor(chainId, fence, FILTER);
        await storage.ledger.finalize(chainId, fence, { finalized: two });
        await storage.ledger.looksFor(chainId, fence + 1, 'jar-3');
        expect(await holes(1001, 1003)).toEqual([{ from: 1001, to: 1001 }]);
        await storage.ledger.looksFor(chainId, fence, 'jar-2');
        await commit(four);
        // Of the old filter's walk only what is final counts from now on: the rest may yet be walked anew, for the new one.
        expect(await holes(1001, 1004)).toEqual([
          { from: 1001, to: 1001 },
          { from: 1003, to: 1004 },
        ]);
        expect(await holes(1001, 1004, 'jar-2')).toEqual([{ from: 1001, to: 1003 }]);
        expect(await holes(1001, 1004, 'jar-3')).toEqual([{ from: 1001, to: 1004 }]);
      });
    });
  });
}
