import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { StartupFault } from '@droppio/platform';
import { BrokerUnavailable, type CreatorEvent, type FeedSignal, type FeedSnapshot } from '@droppio/tips';
import { aCreatorId, aTipEvent } from '@droppio/tips/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { createTestDatabase, openFeedProcess, query, SessionProxy, type FeedProcess, type TestDatabase } from '../testing/index.js';
import { FeedKeeper } from './feed-keeper.js';
import { PostgresTipFeed } from './postgres-tip-feed.js';

// Faults are made on purpose here; what is logged about them is noise.
Logger.overrideLogger(false);

const EPOCH = 'epoch-01';
const times = { askEveryMs: 150, askDeafEveryMs: 100 };
const events = (from: number, to: number): CreatorEvent[] => Array.from({ length: to - from + 1 }, (_, n) => aTipEvent({ seq: from + n }));
const snapshot = (seq: number): FeedSnapshot => ({ position: { epoch: EPOCH, seq }, events: events(1, seq), grants: [] });

async function until(isSo: () => boolean, what: string, ms = 10_000): Promise<void> {
  const deadline = Date.now() + ms;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(`not so: ${what}`);
    await sleep(10);
  }
}

describe(`${PostgresTipFeed.name} and what it hears`, () => {
  let database: TestDatabase;
  let [here, there]: [FeedProcess, FeedProcess] = [] as never;
  beforeAll(async () => {
    database = await createTestDatabase(inject('postgresUrl'));
    [here, there] = await Promise.all([
      openFeedProcess(database.url, { times, liveMs: 100 }),
      openFeedProcess(database.url, { times: { askEveryMs: 3_600_000, askDeafEveryMs: 3_600_000 } }),
    ]);
  });
  afterAll(async () => {
    await Promise.all([here.close(), there.close()]);
    await database.drop();
  });

  async function listen(by: FeedProcess, seq = 0) {
    const creatorId = aCreatorId();
    await there.committing.restore(creatorId, snapshot(seq));
    const heard: FeedSignal[] = [];
    await by.feed.subscribe(creatorId, (signal) => heard.push(signal));
    const seqs = (): number[] => heard.flatMap((signal) => (signal.kind === 'event' ? [signal.event.seq] : []));
    const append = (event: CreatorEvent) => there.committing.append(creatorId, EPOCH, event);
    return { creatorId, heard, seqs, append };
  }

  it('tells the id and the seq and nothing of the event, whose size no longer matters', async () => {
    const told: string[] = [];
    const ear = new Client({ connectionString: database.url });
    await ear.connect();
    ear.on('notification', ({ payload = '' }) => told.push(payload));
    await ear.query('LISTEN droppio_feed');
    const { creatorId, heard, append } = await listen(here);
    const tip = aTipEvent({ seq: 1 });
    const message = 'a long message '.repeat(1000);
    await append({ ...tip, d: { ...tip.d, message } });
    await until(() => heard.length > 0, 'the event is heard');
    expect(heard).toMatchObject([{ kind: 'event', event: { seq: 1, d: { message } } }]);
    await until(() => told.includes(`${creatorId} 1`), 'the word is told');
    expect(Math.max(...told.map((word) => word.length))).toBeLessThan(64);
    await ear.end();
  });

  it('believes nothing that it is told, and needs it for nothing but speed', async () => {
    const { creatorId, seqs, heard, append } = await listen(here, 2);
    for (const word of ['', 'nonsense', `${creatorId} 999`, `${creatorId} -1`, `${creatorId} 3 {"kind":"event"}`, `${randomUUID()} 1`]) {
      await query(database.url, 'SELECT pg_notify($1, $2)', ['droppio_feed', word]);
    }
    await append(aTipEvent({ seq: 3 }));
    await until(() => seqs().length > 0, 'the third event');
    expect(heard).toHaveLength(1);
    // As if the word about the fourth had been lost on its way.
    await here.committing.restore(aCreatorId(), snapshot(1));
    const lost = aTipEvent({ seq: 4 });
    await query(database.url, `INSERT INTO creator_events (creator_id, seq, type, payload) VALUES ($1, 4, 'tip', $2)`, [
      creatorId,
      JSON.stringify(lost),
    ]);
    const began = Date.now();
    await query(database.url, 'UPDATE feed_streams SET head = 4 WHERE creator_id = $1', [creatorId]);
    await until(() => seqs().includes(4), 'the fourth event');
    expect(Date.now() - began).toBeLessThan(3000);
    expect(seqs()).toEqual([3, 4]);
  });

  it('loses its ear and gets it back: everything is heard once and in order, also what came meanwhile', async () => {
    const { seqs, heard, append } = await listen(here);
    let sent = 0;
    for (let round = 0; round < 3; round += 1) {
      await query(
        database.url,
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'droppio-feed' AND datname = current_database()`,
      );
      for (let n = 0; n < 10; n += 1) await append(aTipEvent({ seq: (sent += 1) }));
      await until(() => seqs().length === sent, `${String(sent)} events`);
    }
    expect(seqs()).toEqual(events(1, sent).map(({ seq }) => seq));
    expect(heard).toHaveLength(sent);
    await until(() => here.feed.isListening && there.feed.isListening, 'both listen again');
  });

  it.each([
    ['soon after it was not told something', { proveMs: 3_600_000 }],
    ['from time to time, also where nothing is told', { proveMs: 300 }],
  ])('notices that it is told nothing any more on a connection that answers, %s', async (when, { proveMs }) => {
    const proxy = await SessionProxy.open(database.url);
    const process = await openFeedProcess(database.url, { url: proxy.url, times, liveMs: 100, proveMs });
    const { seqs, append } = await listen(process);
    const heardAgain = vi.spyOn(process.gauge, 'set');
    await proxy.swap();
    if (when.startsWith('soon')) await append(aTipEvent({ seq: 1 }));
    await until(() => heardAgain.mock.calls.flat().join() === 'false,true', 'it was deaf, and is no more');
    await append(aTipEvent({ seq: when.startsWith('soon') ? 2 : 1 }));
    await until(() => seqs().length === (when.startsWith('soon') ? 2 : 1), 'all of it');
    await process.close();
    await proxy.close();
  });

  it('is let go by the server once it takes nothing in, so that nobody else waits for it', async () => {
    const proxy = await SessionProxy.open(database.url);
    const process = await openFeedProcess(database.url, { url: proxy.url, times, liveMs: 3_600_000, deadMs: 1000 });
    const sessions = async (): Promise<number> =>
      (await query(database.url, `SELECT 1 FROM pg_stat_activity WHERE application_name = 'droppio-feed' AND datname = current_database()`))
        .length;
    const others = (await sessions()) - 1;
    proxy.freeze();
    const flood = `SELECT pg_notify('droppio_feed', repeat('x', 7000) || n) FROM generate_series(1, 2000) n`;
    await query(database.url, flood);
    await expect.poll(sessions, { timeout: 15_000, interval: 100 }).toBe(others);
    await proxy.close();
    await process.close();
  });

  it('says that anything may have been missed when it has lost its memory, and goes on after a restore', async () => {
    const { creatorId, heard, append } = await listen(here, 3);
    await query(database.url, 'DELETE FROM feed_streams WHERE creator_id = $1', [creatorId]);
    await until(() => heard.some(({ kind }) => kind === 'reconnected'), 'the word that something is wrong');
    expect(await append(aTipEvent({ seq: 4 }))).toEqual({ kind: 'missing' });
    await there.committing.restore(creatorId, snapshot(4));
    await until(() => heard.some(({ kind }) => kind === 'restored'), 'the restore');
    expect(await append(aTipEvent({ seq: 5 }))).toEqual({ kind: 'appended' });
  });

  it('does not claim to have what the ledger has no longer', async () => {
    const { creatorId } = await listen(here, 10);
    await query(database.url, 'DELETE FROM creator_events WHERE creator_id = $1 AND seq = 5', [creatorId]);
    expect(await here.feed.after(creatorId, 2, 100)).toMatchObject({ events: [], complete: false });
    expect((await here.feed.after(creatorId, 5, 100))?.events).toHaveLength(5);
  });

  it('takes what a relay sends at once in its order, whatever connection each part would have got', async () => {
    const { creatorId, seqs, heard } = await listen(here);
    const all = events(1, 200);
    await here.committing.commit(creatorId, all);
    const stamped = all.map((event) => ({
      ...event,
      at: { ...event.at, pub: 1_700_000_000_000 + event.seq },
      trace: `trace ${String(event.seq)}`,
    }));
    const outcomes = await Promise.all(stamped.map((event) => here.feed.append(creatorId, EPOCH, event)));
    expect(outcomes.filter(({ kind }) => kind !== 'appended')).toEqual([]);
    await until(() => seqs().length === 200, 'all of them');
    expect(seqs()).toEqual(all.map(({ seq }) => seq));
    // The newest of one statement are each marked by their own, and none is marked by another's.
    const told = heard.flatMap((signal) => (signal.kind === 'event' ? [signal.event] : []));
    expect(told.slice(-64)).toEqual(stamped.slice(-64));
    for (const { seq, at, trace } of told) {
      expect([
        [undefined, undefined],
        [1_700_000_000_000 + seq, `trace ${String(seq)}`],
      ]).toContainEqual([at.pub, trace]);
    }
    // Two relays at once: each event is appended by one of them, and is a duplicate to the other.
    const more = events(201, 300);
    await here.committing.commit(creatorId, more);
    const by = ({ feed }: FeedProcess) => Promise.all(more.map((event) => feed.append(creatorId, EPOCH, event)));
    const both = await Promise.all([by(here), by(there)]);
    const kinds = more.map((_, nth) => both.map((each) => each[nth]?.kind).sort());
    expect(kinds.filter(([one, two]) => one !== 'appended' || two !== 'duplicate')).toEqual([]);
  });

  it('does not forget a feed that is looked at, though nothing happens to it', async () => {
    const { creatorId } = await listen(here, 3);
    await query(database.url, `UPDATE feed_streams SET used_at = now() - interval '8 days' WHERE creator_id = $1`, [creatorId]);
    const isUsed = async (): Promise<unknown> =>
      query(database.url, `SELECT used_at > now() - interval '1 hour' AS used FROM feed_streams WHERE creator_id = $1`, [creatorId]);
    await expect.poll(isUsed, { timeout: 5000 }).toEqual([{ used: true }]);
  });

  it('takes away as many windows as a minute of strangers leaves', async () => {
    await query(
      database.url,
      `INSERT INTO rate_windows SELECT 'stranger ' || n, 1, now() - interval '1 second' FROM generate_series(1, 60000) n`,
    );
    await new FeedKeeper(here.database).tidy();
    expect(await query(database.url, `SELECT count(*)::int AS left FROM rate_windows WHERE key LIKE 'stranger %'`)).toEqual([{ left: 0 }]);
  });

  it('forgets what has ended and rests, and nothing else', async () => {
    const [idle, busy] = [aCreatorId(), aCreatorId()];
    await here.committing.restore(idle, snapshot(1));
    await here.committing.restore(busy, snapshot(1));
    await query(database.url, `UPDATE feed_streams SET used_at = now() - interval '8 days' WHERE creator_id = $1`, [idle]);
    await here.presence(60_000).tell('alive', new Map([[busy, 1]]));
    await here.presence(-60_000).tell('dead', new Map([[busy, 5]]));
    const overlay = randomUUID();
    await here.vitals().note(new Map([[overlay, { seenAtMs: 1, latenciesMs: [] }]]));
    await query(
      database.url,
      `INSERT INTO rate_windows VALUES ('old', 1, now() - interval '1 second'), ('new', 1, now() + interval '1 minute')`,
    );
    const keeper = new FeedKeeper(here.database);
    await keeper.tidy();
    expect(await here.feed.position(idle)).toBeUndefined();
    expect(await here.feed.position(busy)).toEqual({ epoch: EPOCH, seq: 1 });
    expect(await query(database.url, 'SELECT key FROM rate_windows')).toEqual([{ key: 'new' }]);
    expect(await query(database.url, 'SELECT source FROM feed_presence')).toEqual([{ source: 'alive' }]);
    expect(await here.vitals().of(overlay)).toMatchObject({ seenAtMs: 1 });
    await query(database.url, `UPDATE overlay_vitals SET noted_at = now() - interval '31 days'`);
    await keeper.tidy();
    expect(await here.vitals().of(overlay)).toEqual({ instances: 0, latenciesMs: [] });
  });
});

describe(`${PostgresTipFeed.name} that cannot`, () => {
  it('refuses to start where it would hear nothing, with a sentence', async () => {
    const [one, other] = await Promise.all([createTestDatabase(inject('postgresUrl')), createTestDatabase(inject('postgresUrl'))]);
    const error: unknown = await openFeedProcess(one.url, { url: other.url }).catch((fault: unknown) => fault);
    expect(error).toBeInstanceOf(StartupFault);
    expect(String(error)).toMatch(/takes a LISTEN and then tells nothing.*Set DATABASE_LISTEN_URL to a direct connection/);
    await Promise.all([one.drop(), other.drop()]);
  });

  it('says so in time while its database is away', async () => {
    const database = await createTestDatabase(inject('postgresUrl'));
    const process = await openFeedProcess(database.url);
    await database.drop();
    const creatorId = aCreatorId();
    await expect(process.feed.ping()).rejects.toThrow(BrokerUnavailable);
    await expect(process.feed.append(creatorId, EPOCH, aTipEvent({ seq: 1 }))).rejects.toThrow(BrokerUnavailable);
    await expect(process.feed.subscribe(creatorId, () => undefined)).rejects.toThrow(BrokerUnavailable);
    await expect(process.presence().counts([creatorId])).rejects.toThrow(BrokerUnavailable);
    await process.close();
  });
});
