import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import * as z from 'zod';
import { DEFAULT_OVERLAY_CONFIG, type BlockHeader, type Creator, type CreatorEvent, type SightedTip } from '@droppio/tips';
import { aBlock, aChildOf, aDisplay, aTip, randomInt } from '@droppio/tips/testing';
import { SystemClock } from '@droppio/platform';
import { StorageMetrics } from './metrics.js';
import { openDatabase } from './migrate.js';
import { PostgresTipLedger } from './postgres-tip-ledger.js';
import type { Database } from './database.js';
import { aChainId, aCommit, aCreator, walletOf } from './testing/chain-story.js';
import { openTestStorage, type TestStorage } from './testing/index.js';

describe('many writers at once', () => {
  let storage: TestStorage;
  let otherDatabase: Database;
  /** As in another process: a pool of its own. */
  let otherLedger: PostgresTipLedger;
  let creators: Creator[];

  beforeAll(async () => {
    storage = await openTestStorage(inject('postgresUrl'), { poolSize: 8 });
    otherDatabase = await openDatabase({ url: storage.url, migrate: false, poolSize: 8 });
    otherLedger = new PostgresTipLedger(otherDatabase, new SystemClock(), StorageMetrics.unregistered());
  });
  afterAll(async () => {
    await otherDatabase.close();
    await storage.drop();
  });
  beforeEach(async () => {
    creators = await Promise.all([0, 1, 2, 3, 4].map(() => aCreator(storage)));
  });

  const someone = (): Creator => sure(creators[randomInt(creators.length)]);
  const tipToAnyone = (): SightedTip => aTip({ creator: walletOf(someone()) });
  const eventsOf = async ({ id }: Creator): Promise<readonly CreatorEvent[]> => storage.ledger.eventsAfter(id, 0, 1000);

  /** Commits blocks full of tips and goes back over some of them now and then. */
  async function follow(ledger: PostgresTipLedger, blocks: number): Promise<void> {
    const chainId = aChainId();
    let before = aBlock({ number: 1 });
    let at = aChildOf(before);
    await ledger.begin(chainId, before, 1);
    await ledger.commit(chainId, 1, aCommit(at));
    for (let n = 0; n < blocks; n += 1) {
      const tips = Array.from({ length: 4 }, tipToAnyone);
      const next = aChildOf(at);
      if (n % 7 === 6) {
        const fork = aChildOf(before);
        const child = aChildOf(fork);
        const branch = [aCommit(fork, tips.slice(0, 2)), aCommit(child, tips.slice(2))];
        expect(await ledger.reorganise(chainId, 1, { from: at, ancestor: before, branch })).toMatchObject({ kind: 'committed' });
        [before, at] = [fork, child];
      } else {
        expect(await ledger.commit(chainId, 1, aCommit(next, tips))).toMatchObject({ kind: 'committed' });
        [before, at] = [at, next];
      }
    }
  }

  it('begins no chain for a leader that another one has followed meanwhile', async () => {
    const chainId = aChainId();
    const genesis = aBlock();
    const old = await storage.ledger.acquire(chainId, 'old', 0);
    const next = await otherLedger.acquire(chainId, 'new', 10_000);
    const start = await storage.ledger.begin(chainId, genesis, old?.fence ?? 0);
    expect(start.fence).toBe(next?.fence);
    expect(await storage.ledger.commit(chainId, old?.fence ?? 0, aCommit(aChildOf(genesis)))).toEqual({ kind: 'moved' });
  });

  it('lets one of several leaders have a height', async () => {
    const chainId = aChainId();
    let at = aBlock({ number: 1 });
    await storage.ledger.begin(chainId, at, 1);
    for (let round = 0; round < 20; round += 1) {
      const blocks = Array.from({ length: 4 }, () => aChildOf(at));
      const outcomes = await Promise.all(
        blocks.map((block, n) => (n % 2 === 0 ? storage.ledger : otherLedger).commit(chainId, 1, aCommit(block, [tipToAnyone()]))),
      );
      const won = blocks.filter((_, n) => outcomes[n]?.kind === 'committed');
      expect(won).toHaveLength(1);
      at = sure(won[0]);
    }
    const all = await Promise.all(creators.map(eventsOf));
    expect(all.flat()).toHaveLength(20);
  });

  it('keeps tips and their events in step when a chain is finalised while blocks come in', async () => {
    const chainId = aChainId();
    const start = aBlock({ number: 1 });
    await storage.ledger.begin(chainId, start, 1);
    const done: BlockHeader[] = [start];
    const tips: SightedTip[] = [];
    const walk = async (): Promise<void> => {
      for (let n = 0; n < 60; n += 1) {
        const parent = sure(done.at(-1));
        const mine = [tipToAnyone(), tipToAnyone()];
        const [lost, kept] = [aChildOf(parent), aChildOf(parent)];
        await storage.ledger.commit(chainId, 1, aCommit(lost, mine));
        await storage.ledger.reorganise(chainId, 1, { from: lost, ancestor: parent, branch: [aCommit(kept, mine.slice(0, 1))] });
        tips.push(...mine);
        done.push(kept);
      }
    };
    const walking = walk();
    const state = { over: false };
    void walking.finally(() => {
      state.over = true;
    });
    while (!state.over) {
      const at = sure(done.at(-1));
      await otherLedger.finalize(chainId, 1, { safe: at, finalized: done.at(-3) ?? start });
    }
    await walking;
    const finalized = sure(done.at(-1));
    await expect.poll(() => otherLedger.finalize(chainId, 1, { finalized })).not.toHaveProperty('more');
    const events = (await Promise.all(creators.map(eventsOf))).flat();
    const Row = z.object({ id: z.string(), state: z.string(), rev: z.number() });
    const stored = await storage.database.rows(
      Row,
      `SELECT chain_id || '-0x' || encode(tx_hash, 'hex') || '-' || ordinal AS id, state, rev FROM tips WHERE chain_id = $1`,
      [chainId],
    );
    expect(stored).toHaveLength(120);
    for (const tip of stored) {
      const told = events.flatMap((event) => ('rev' in event && event.id === tip.id ? [event] : []));
      const revs = told.map(({ rev }) => rev);
      expect(revs).toEqual(revs.map((_, n) => n + 1));
      const last = told.at(-1);
      if (tip.state === 'lost') expect([last?.state, last?.rev]).toEqual(['orphaned', tip.rev]);
      else expect([last?.state, last?.rev]).toEqual(['finalized', tip.rev]);
    }
  });

  it('raises a flood of tips in short transactions, between which blocks come in, and sets the mark with the last', async () => {
    const { ledger } = storage;
    const chainId = aChainId();
    const creator = sure(creators[0]);
    const tips = Array.from({ length: 130 }, (_, logIndex) => aTip({ creator: walletOf(creator), logIndex }));
    const start = aBlock({ number: 1 });
    const a = aChildOf(start);
    await ledger.begin(chainId, start, 1);
    await ledger.commit(chainId, 1, aCommit(a, tips));
    const some = { kind: 'committed', creators: [creator.id] };
    expect(await ledger.finalize(chainId, 1, { finalized: a })).toEqual({ ...some, more: true });
    expect(await ledger.finalizedHeight(chainId)).toBe(start.number);
    await ledger.commit(chainId, 1, aCommit(aChildOf(a)));
    expect(await ledger.finalize(chainId, 1, { finalized: a })).toEqual(some);
    expect(await ledger.finalizedHeight(chainId)).toBe(a.number);
    const updates = (await eventsOf(creator)).slice(tips.length);
    expect(updates).toHaveLength(tips.length);
    for (const update of updates) expect(update).toMatchObject({ type: 'tip.updated', rev: 2, state: 'finalized' });
    expect(await ledger.finalize(chainId, 1, { finalized: a })).toEqual({ ...some, creators: [] });
  });

  it('builds on what a finalisation did while the commit waited for it', async () => {
    const chainId = aChainId();
    const creator = sure(creators[0]);
    const tip = aTip({ creator: walletOf(creator) });
    const start = aBlock({ number: 1 });
    const [a, b] = [aChildOf(start), aChildOf(start)];
    await storage.ledger.begin(chainId, start, 1);
    await storage.ledger.commit(chainId, 1, aCommit(a, [tip]));
    await storage.ledger.reorganise(chainId, 1, { from: a, ancestor: start, branch: [aCommit(b)] });
    // The statement of a finalisation, held open until the commit has taken its snapshot and waits for the cursor.
    const finality = new Client({ connectionString: storage.url });
    await finality.connect();
    await finality.query('BEGIN');
    await finality.query('SELECT 1 FROM chain_cursors WHERE chain_id = $1 FOR UPDATE', [chainId]);
    await finality.query(`UPDATE tips SET state = 'lost', rev = rev + 1 WHERE chain_id = $1`, [chainId]);
    const committing = storage.ledger.commit(chainId, 1, aCommit(aChildOf(b), [tip]));
    const Waiting = z.object({ waiting: z.number() });
    const waiting = `SELECT count(*)::int AS waiting FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    await expect.poll(() => otherDatabase.rows(Waiting, waiting)).toEqual([{ waiting: 1 }]);
    await finality.query('COMMIT');
    await finality.end();
    await committing;
    expect((await eventsOf(creator)).at(-1)).toMatchObject({ type: 'tip.updated', state: 'confirmed', rev: 4 });
    expect(await storage.archive.list({ creatorId: creator.id, limit: 1 })).toMatchObject({ tips: [{ state: 'confirmed', rev: 4 }] });
  });

  it('never forgets an event that is committed while the one before is marked as published', async () => {
    const creator = sure(creators[0]);
    const overlay = await storage.directory.createOverlay(creator.id, 'main', DEFAULT_OVERLAY_CONFIG);
    for (let n = 1; n <= 40; n += 1) {
      await Promise.all([
        storage.directory.testAlert(creator.id, overlay.id, aDisplay()),
        otherLedger.markPublished(creator.id, n),
        otherLedger.markPublished(creator.id, n),
      ]);
      const head = (await storage.ledger.position(creator.id))?.seq;
      expect(head).toBe(n + 1);
      expect(await storage.ledger.unpublished(0, 10_000)).toContain(creator.id);
    }
    await storage.ledger.markPublished(creator.id, 41);
    expect(await storage.ledger.unpublished(0, 10_000)).not.toContain(creator.id);
  });

  it('gives every creator gapless seqs when two chains, the API and the relay write to the same streams, without a deadlock', async () => {
    const creator = sure(creators[0]);
    const overlay = await storage.directory.createOverlay(creator.id, 'main', DEFAULT_OVERLAY_CONFIG);
    const configure = async (): Promise<void> => {
      for (let n = 0; n < 40; n += 1) {
        await storage.directory.changeOverlay(creator.id, overlay.id, { rotate: true });
        await storage.directory.testAlert(creator.id, overlay.id, aDisplay());
      }
    };
    const relay = async (): Promise<void> => {
      for (let n = 0; n < 60; n += 1) {
        for (const { id } of creators) await otherLedger.markPublished(id, (await otherLedger.position(id))?.seq ?? 0);
      }
    };
    await Promise.all([follow(storage.ledger, 60), follow(otherLedger, 60), follow(otherLedger, 60), configure(), relay()]);
    for (const each of creators) {
      const seqs = (await eventsOf(each)).map(({ seq }) => seq);
      expect(seqs.length).toBeGreaterThan(50);
      expect(seqs).toEqual(seqs.map((_, n) => n + 1));
      expect((await storage.ledger.position(each.id))?.seq).toBe(seqs.length);
    }
    expect(await deadlocksIn(storage, otherDatabase)).toBe(0);
  });
});

function sure<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the story expects one');
  return value;
}

/** The database's own count. Sessions report it at the latest when they end, so both pools are closed first. */
async function deadlocksIn(storage: TestStorage, otherDatabase: Database): Promise<number> {
  const name = new URL(storage.url).pathname.slice(1);
  await Promise.all([storage.database.close(), otherDatabase.close()]);
  const client = new Client({ connectionString: inject('postgresUrl') });
  await client.connect();
  const ask = async (): Promise<{ deadlocks: number; sessions: number } | undefined> => {
    const { rows } = await client.query<{ deadlocks: number; sessions: number }>(
      'SELECT deadlocks::int, numbackends AS sessions FROM pg_stat_database WHERE datname = $1',
      [name],
    );
    return rows[0];
  };
  await expect.poll(async () => (await ask())?.sessions, { timeout: 5000 }).toBe(0);
  const counted = await ask();
  await client.end();
  return sure(counted).deadlocks;
}
