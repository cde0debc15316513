import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_OVERLAY_CONFIG, tipId, type BlockHeader, type Creator, type SightedTip } from '@droppio/tips';
import { aBlock, aChildOf, aDisplay, aTip, randomHex } from '@droppio/tips/testing';
import * as z from 'zod';
import { ACCOUNT_SECTIONS, NOT_EXPORTED } from './account-sections.js';
import { aChainId, aCommit, aCreator, story, walletOf } from './testing/chain-story.js';
import type { TestStorage } from './testing/index.js';
import { placesOf } from './testing/text-places.js';

const STRANGER = '00000000-0000-4000-8000-000000000000';
const Found = z.array(z.object({ found: z.string() }));

export function describeAccountData(where: string, make: () => Promise<TestStorage>): void {
  describe(`AccountData and Retention on ${where}`, () => {
    let storage: TestStorage;
    let chainId: number;
    let genesis: BlockHeader;
    let creator: Creator;
    let canary: string;
    const fence = 1;

    beforeAll(async () => {
      storage = await make();
    });
    afterAll(async () => {
      await storage.drop();
    });
    beforeEach(async () => {
      canary = `canary ${randomHex(8)}`;
      chainId = aChainId();
      genesis = aBlock({ number: 100, timestampMs: Date.now() - 3_600_000 });
      await storage.ledger.begin(chainId, genesis, fence);
      creator = await aCreator(storage);
    });

    const rows = async (statement: string, values: unknown[] = []): Promise<unknown> => storage.database.source.query(statement, values);
    const aTipTo = (to: Creator, message = canary): SightedTip => {
      const tip = aTip({ creator: walletOf(to), message });
      const display = aDisplay({ ...tip.display, tipId: tipId({ chainId, txHash: tip.txHash, ordinal: 0 }), message });
      return { ...tip, display };
    };
    const commit = (block: BlockHeader, tips: readonly SightedTip[] = []) => storage.ledger.commit(chainId, fence, aCommit(block, tips));
    const told = (id: string) => storage.ledger.eventsAfter(id, 0, 100);
    const whereIs = (text: string) => placesOf(storage.database, text);
    const erase = (tip: SightedTip, of = creator) =>
      storage.account.eraseMessage(of.id, { chainId, txHash: tip.txHash, ordinal: tip.ordinal });

    describe('an export', () => {
      const part = async (section: string): Promise<Record<string, unknown>[]> => {
        const found: Record<string, unknown>[] = [];
        for await (const batch of storage.account.rows(creator.id, section))
          found.push(...batch.map((json) => JSON.parse(json) as Record<string, unknown>));
        return found;
      };

      it('knows a rule for every table that belongs to a creator', async () => {
        const owned = Found.parse(
          await rows(
            `SELECT DISTINCT table_name AS found FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'creator_id'`,
          ),
        ).map(({ found }) => found);
        const known = [...Object.values(ACCOUNT_SECTIONS).map(({ table }) => table), ...Object.keys(NOT_EXPORTED)];
        expect(owned.filter((table) => !known.includes(table))).toEqual([]);
      });

      it('writes no bytes as they are: each column of bytes is left out, or written as 0x-hex', async () => {
        for (const { table, omit = [], instead = {} } of Object.values(ACCOUNT_SECTIONS)) {
          const found = await rows(
            `SELECT column_name AS found FROM information_schema.columns WHERE table_name = $1 AND (data_type = 'bytea' OR data_type = 'numeric')`,
            [table],
          );
          const open = Found.parse(found).filter((column) => !omit.includes(column.found) && !(column.found in instead));
          expect([table, open]).toEqual([table, []]);
        }
      });

      it('holds the account’s own rows, amounts as texts, and no secret', async () => {
        const other = await aCreator(storage);
        const tip = aTipTo(creator);
        await commit(aChildOf(genesis), [{ ...tip, amount: 2n ** 255n }, aTipTo(other)]);
        const { id } = await storage.directory.createOverlay(creator.id, 'mine', DEFAULT_OVERLAY_CONFIG);
        await storage.directory.createOverlay(other.id, 'theirs', DEFAULT_OVERLAY_CONFIG);
        const secret = Buffer.from(randomHex(32).slice(2), 'hex');
        const session = { secretHash: secret, agent: 'OBS', idleMs: 1000, maxMs: 1000 };
        await storage.signIn.openSession({ ...session, creatorId: creator.id, wallet: walletOf(creator) });
        expect(await part('profile')).toMatchObject([{ handle: creator.handle }]);
        expect(await part('wallets')).toMatchObject([{ address: walletOf(creator) }]);
        expect(await part('overlays')).toMatchObject([{ id, name: 'mine' }]);
        expect(await part('sessions')).toMatchObject([{ agent: 'OBS' }]);
        expect(await part('tips')).toMatchObject([{ tx_hash: tip.txHash, amount: (2n ** 255n).toString(), message: canary }]);
        expect(await part('events')).toMatchObject([{ type: 'tip' }, { type: 'config' }]);
        const all = JSON.stringify(await Promise.all(storage.account.sections.map(part)));
        expect(all).not.toContain('_hash":"\\\\x');
        expect(all).not.toContain(secret.toString('hex'));
      });

      it('pages through more than one batch, each row once', async () => {
        await rows(
          `INSERT INTO creator_events SELECT $1, n, 'test', jsonb_build_object('seq', n, 'type', 'test') FROM generate_series(1, 1200) n`,
          [creator.id],
        );
        expect((await part('events')).map(({ seq }) => seq)).toEqual(Array.from({ length: 1200 }, (_, n) => n + 1));
      });

      it('of a stranger is empty, and has no part that does not exist', async () => {
        for await (const batch of storage.account.rows(STRANGER, 'profile')) expect(batch).toEqual([]);
        await expect(
          (async () => {
            for await (const batch of storage.account.rows(creator.id, 'pg_authid')) expect(batch).toEqual([]);
          })(),
        ).rejects.toThrow('no such part');
      });
    });

    describe('an account’s end', () => {
      it('leaves no trace but the tips, as facts of the chain', async () => {
        const tip = aTipTo(creator);
        const block = aChildOf(genesis);
        await commit(block, [tip]);
        await storage.directory.createOverlay(creator.id, 'mine', DEFAULT_OVERLAY_CONFIG);
        await storage.audit.note({
          creatorId: creator.id,
          actor: { kind: 'token' },
          operation: 'x',
          targets: {},
          outcome: 'done',
          requestId: 'r',
        });
        const position = await storage.ledger.position(creator.id);
        expect(await storage.account.remove(creator.id)).toEqual({ creatorId: creator.id, position });
        expect(await storage.retention.gone(1000)).toContainEqual({ creatorId: creator.id, position });
        await storage.retention.forgotten(creator.id);
        expect(await storage.retention.eraseOfGone(100)).toBe(1);
        expect(await whereIs(creator.id)).toEqual([]);
        expect(await whereIs(canary)).toEqual([]);
        const kept = await rows('SELECT told_to, told, state, message FROM tips WHERE chain_id = $1', [chainId]);
        expect(kept).toEqual([{ told_to: null, told: true, state: 'confirmed', message: '' }]);
        expect(await storage.account.remove(creator.id)).toBeUndefined();
        expect(await storage.account.remove('no uuid')).toBeUndefined();
      });

      it('stops no chain: tips that come, change or were awaited later tell nobody', async () => {
        await storage.directory.changeCreator(creator.id, { alertAfter: 3 });
        const [one, two] = [aChildOf(genesis), aBlock()];
        const awaited = aTipTo(creator);
        await commit(one, [awaited]);
        await storage.account.remove(creator.id);
        const second = { ...two, number: one.number + 1, parentHash: one.hash };
        expect(await commit(second, [aTipTo(creator)])).toEqual({ kind: 'committed', creators: [] });
        const third = aChildOf(second);
        expect(await commit(third)).toEqual({ kind: 'committed', creators: [] });
        const ancestor = { number: one.number, hash: one.hash };
        const from = { number: third.number, hash: third.hash };
        const branch = [aCommit(aChildOf(one), [awaited])];
        expect(await storage.ledger.reorganise(chainId, fence, { from, ancestor, branch })).toMatchObject({
          kind: 'committed',
          creators: [],
        });
      });

      it('goes through all tips of a wallet, in bounded steps, but not through those that came after', async () => {
        const tips = Array.from({ length: 7 }, () => aTipTo(creator));
        const one = aChildOf(genesis);
        await commit(one, tips);
        await storage.account.remove(creator.id);
        await commit(aChildOf(one), [aTipTo(creator, 'from after')]);
        const looked: number[] = [];
        while (looked.at(-1) !== 0) looked.push(await storage.retention.eraseOfGone(3));
        expect(looked.reduce((sum, n) => sum + n, 0)).toBeGreaterThanOrEqual(8);
        expect(await whereIs(canary)).toEqual([]);
        expect(await whereIs('from after')).toEqual(['tip_sightings', 'tips']);
      });

      it('takes a busy account in batches', async () => {
        await rows(
          `INSERT INTO creator_events SELECT $1, n, 'test', jsonb_build_object('seq', n, 'type', 'test') FROM generate_series(1, 4500) n`,
          [creator.id],
        );
        await storage.account.remove(creator.id);
        expect(await rows('SELECT 1 FROM creator_events WHERE creator_id = $1', [creator.id])).toEqual([]);
      });
    });

    describe('one message', () => {
      it('is erased wherever it is, and the stream is told once', async () => {
        const tip = aTipTo(creator);
        await commit(aChildOf(genesis), [tip, aTipTo(creator, 'stays')]);
        expect(await erase(tip)).toBe(true);
        expect(await erase(tip)).toBe(true);
        expect(await whereIs(canary)).toEqual([]);
        expect(await whereIs('stays')).toEqual(expect.arrayContaining(['tips', 'tip_sightings', 'creator_events']));
        expect(story(await told(creator.id))).toEqual(['tip r1 confirmed', 'tip r1 confirmed', 'tip.updated r2 confirmed']);
      });

      it('of another creator, or of no tip, is out of reach', async () => {
        const other = await aCreator(storage);
        const tip = aTipTo(other);
        await commit(aChildOf(genesis), [tip]);
        expect(await erase(tip)).toBe(false);
        expect(await erase(aTipTo(creator))).toBe(false);
        expect(await whereIs(canary)).not.toEqual([]);
        await erase(tip, other);
      });

      it('is found among thousands of later events', async () => {
        const tip = aTipTo(creator);
        await commit(aChildOf(genesis), [tip]);
        await rows(
          `INSERT INTO creator_events SELECT $1, n, 'test', jsonb_build_object('seq', n, 'type', 'test') FROM generate_series(3, 2500) n`,
          [creator.id],
        );
        await rows('UPDATE creator_streams SET head = 2500, unpublished_since = now() WHERE creator_id = $1', [creator.id]);
        await erase(tip);
        expect(await whereIs(canary)).toEqual([]);
      });
    });

    describe('what has become old', () => {
      const DAY = 86_400_000;
      const age = (days: number): Promise<unknown> =>
        rows(`UPDATE creator_events SET created_at = created_at - $2::int * interval '1 day' WHERE creator_id = $1`, [creator.id, days]);
      const prune = async (keep: number): Promise<void> => {
        let after: string | undefined;
        do after = (await storage.retention.pruneEvents(30 * DAY, keep, after)).next;
        while (after !== undefined);
      };
      const events = (count: number): Promise<unknown> =>
        rows(
          `WITH told AS (INSERT INTO creator_events SELECT $1, n, 'test', jsonb_build_object('seq', n, 'id', 'x', 'type', 'test', 'd', jsonb_build_object('message', $3::text)) FROM generate_series(1, $2::int) n)
           UPDATE creator_streams SET head = $2::int, published = $2::int WHERE creator_id = $1`,
          [creator.id, count, canary],
        );
      const seqs = async () =>
        ((await rows('SELECT seq::int FROM creator_events WHERE creator_id = $1 ORDER BY seq', [creator.id])) as { seq: number }[]).map(
          ({ seq }) => seq,
        );

      it('loses its message once its tip is final, and moves no revision', async () => {
        const [fresh, final] = [aTipTo(creator, 'fresh one'), aTipTo(creator)];
        const one = aChildOf(genesis, { timestampMs: Date.now() - 40 * DAY });
        await commit(one, [final]);
        expect(await storage.retention.eraseMessages(30 * DAY, 100)).toBe(0);
        const two = aChildOf(one, { timestampMs: Date.now() });
        await commit(two, [fresh]);
        const mark = { number: two.number, hash: two.hash };
        await storage.ledger.finalize(chainId, fence, { safe: mark, finalized: mark });
        const before = await rows('SELECT rev, updated_at FROM tips WHERE chain_id = $1 ORDER BY block_number', [chainId]);
        expect(await storage.retention.eraseMessages(30 * DAY, 100)).toBe(1);
        expect(await storage.retention.eraseMessages(30 * DAY, 100)).toBe(0);
        expect(await rows('SELECT rev, updated_at FROM tips WHERE chain_id = $1 ORDER BY block_number', [chainId])).toEqual(before);
        expect(await whereIs(canary)).toEqual(['creator_events']);
        await age(40);
        expect((await storage.retention.eraseEventMessages(30 * DAY)).creators).toContain(creator.id);
        expect(await whereIs(canary)).toEqual([]);
        expect(await whereIs('fresh one')).not.toContain('creator_events');
        expect(await whereIs('fresh one')).toContain('tips');
      });

      it('goes from the stream but for the newest, so that a feed can be restored', async () => {
        await events(700);
        await prune(512);
        expect(await seqs()).toHaveLength(700);
        await age(31);
        await prune(512);
        expect((await seqs())[0]).toBe(189);
        expect((await storage.ledger.position(creator.id))?.seq).toBe(700);
      });

      it('stays while it is not published, however old', async () => {
        await events(20);
        await rows('UPDATE creator_streams SET published = 5, unpublished_since = now() WHERE creator_id = $1', [creator.id]);
        await age(31);
        await prune(2);
        expect((await seqs())[0]).toBe(6);
      });

      it('stays while a webhook is still to hear of it, and one that is disabled waits for nothing', async () => {
        await events(20);
        const insert = `INSERT INTO webhooks (id, creator_id, url, description, types, secret, disabled_reason, cursor) VALUES (gen_random_uuid(), $1, 'https://x.test', '', '{}', '\\x00', $2, $3)`;
        await rows(insert, [creator.id, null, 7]);
        await rows(insert, [creator.id, 'gone', 1]);
        await age(31);
        await prune(2);
        expect((await seqs())[0]).toBe(8);
      });

      it('goes from the audit log', async () => {
        const entry = {
          creatorId: creator.id,
          actor: { kind: 'token' },
          operation: 'x',
          targets: {},
          outcome: 'done',
          requestId: 'r',
        } as const;
        await storage.audit.note(entry);
        await storage.audit.note(entry);
        await rows(
          `UPDATE audit_entries SET at = now() - interval '2 days' WHERE id = (SELECT id FROM audit_entries WHERE creator_id = $1 LIMIT 1)`,
          [creator.id],
        );
        expect(await storage.retention.pruneAudit(DAY, 100)).toBe(1);
        expect((await storage.audit.entries({ creatorId: creator.id, limit: 10 })).entries).toHaveLength(1);
      });

      it('is one caller’s chore at a time', async () => {
        const claims = await Promise.all(Array.from({ length: 20 }, () => storage.retention.claim('tidy', 60_000)));
        expect(claims.filter(Boolean)).toHaveLength(1);
        expect(await storage.retention.claim('another', 0)).toBe(true);
        expect(await storage.retention.claim('another', 0)).toBe(true);
      });
    });
  });
}
