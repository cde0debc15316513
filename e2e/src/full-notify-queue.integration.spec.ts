import { Logger } from '@nestjs/common';
import type { FeedSignal } from '@droppio/tips';
import { aCreatorId, aTipEvent } from '@droppio/tips/testing';
import { createTestDatabase, openFeedProcess, type FeedProcess, type TestDatabase } from '@droppio/storage/testing';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startPostgres, type PostgresServer } from './services/postgres.js';

Logger.overrideLogger(false);

/*
 * Postgres keeps notifications in one queue for all databases of a server, until the slowest session that listens has taken them. Somebody else's
 * program that listens and then sleeps in a transaction fills it up for all.
 */
const EPOCH = 'epoch-01';
const options = { times: { askEveryMs: 300, askDeafEveryMs: 100 }, liveMs: 100 };
let server: PostgresServer;
let database: TestDatabase;
let [here, there]: [FeedProcess, FeedProcess] = [] as never;
let sleeper: pg.Client;

beforeAll(async () => {
  server = await startPostgres({ settings: ['max_notify_queue_pages=64'] });
  database = await createTestDatabase(server.url);
  [here, there] = await Promise.all([openFeedProcess(database.url, options), openFeedProcess(database.url, options)]);
  sleeper = new pg.Client({ connectionString: server.url });
  await sleeper.connect();
  await sleeper.query('LISTEN something');
  await sleeper.query('BEGIN');
}, 60_000);
afterAll(async () => {
  await sleeper.end();
  await Promise.all([here.close(), there.close()]);
  await server.stop();
});

/** A few words at a time: whoever commits wakes those who are behind, and whoever is refused does not. */
async function fill(): Promise<void> {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  const words = `SELECT pg_notify('something', repeat('x', 7900) || n) FROM generate_series(1, 4) n`;
  const flood = async (): Promise<void> => {
    for (let n = 0; n < 100; n += 1) await client.query(words);
  };
  await expect(flood()).rejects.toMatchObject({ code: '54000' });
  await client.end();
}

describe('a server whose queue of notifications is full', () => {
  it('carries every event, a little later, and lets processes start, until the queue is free again', async () => {
    const creatorId = aCreatorId();
    await there.committing.restore(creatorId, { position: { epoch: EPOCH, seq: 0 }, events: [], grants: [] });
    const heard: FeedSignal[] = [];
    await here.feed.subscribe(creatorId, (signal) => heard.push(signal));
    const seqs = (): number[] => heard.flatMap((signal) => (signal.kind === 'event' ? [signal.event.seq] : []));
    const fullness = vi.spyOn(here.gauge, 'queue');
    await fill();

    for (let seq = 1; seq <= 5; seq += 1) {
      expect(await there.committing.append(creatorId, EPOCH, aTipEvent({ seq }))).toEqual({ kind: 'appended' });
    }
    await expect.poll(seqs).toEqual([1, 2, 3, 4, 5]);
    await expect.poll(() => fullness.mock.lastCall?.[0]).toBeGreaterThan(0.9);
    // What was rewritten is told in a transaction, which a refused word would undo.
    const another = aCreatorId();
    await there.committing.restore(another, { position: { epoch: EPOCH, seq: 1 }, events: [aTipEvent({ seq: 1 })], grants: [] });
    expect(await here.feed.position(another)).toEqual({ epoch: EPOCH, seq: 1 });

    const late = await openFeedProcess(database.url, options);
    expect(late.feed.isListening).toBe(false);
    // Those that were there before know that they are told nothing.
    await expect.poll(() => here.feed.isListening).toBe(false);

    await sleeper.query('COMMIT');
    await expect.poll(() => [here, there, late].map(({ feed }) => feed.isListening)).toEqual([true, true, true]);
    await expect.poll(() => fullness.mock.lastCall?.[0]).toBeLessThan(0.5);
    await late.close();
    expect(heard.map(({ kind }) => kind)).toEqual(Array.from({ length: 5 }, () => 'event'));
  });
});
