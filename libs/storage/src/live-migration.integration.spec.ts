import { Client } from 'pg';
import { afterEach, describe, expect, inject, it } from 'vitest';
import * as z from 'zod';
import { MIGRATIONS } from './data-source.js';
import type { Database } from './database.js';
import { openDatabase } from './migrate.js';
import { RollUp } from './roll-up.js';
import { SUMS_THAT_DIFFER } from './testing/counted-sums.js';
import { anOldHouse, Traffic } from './testing/old-house.js';
import type { TestDatabase } from './testing/index.js';

/** Migrations that the database has already: the first that takes long on many tips comes after these. */
const BEFORE = 2;
const TIPS = 100_000;
const Row = z.object({ row: z.string() });

let house: TestDatabase | undefined;
let traffic: Traffic | undefined;
const clients: Client[] = [];
afterEach(async () => {
  await traffic?.stop().catch(() => undefined);
  await Promise.all(clients.splice(0).map((client) => client.end()));
  await house?.drop();
});

async function aClient(url: string): Promise<Client> {
  const client = new Client({ connectionString: url, application_name: 'looker' });
  await client.connect();
  clients.push(client);
  return client;
}

/** At the head in every respect: tables as described, whole indexes, looked-through constraints, nothing left of the way, each final tip summed once. */
async function expectWhole(database: Database): Promise<void> {
  const found = (statement: string) => database.rows(Row, statement);
  expect(await found('SELECT name AS row FROM schema_migrations ORDER BY id')).toEqual(MIGRATIONS.map(({ name }) => ({ row: name })));
  const { upQueries } = await database.source.driver.createSchemaBuilder().log();
  expect(upQueries.map(({ query }) => query).filter((query) => !/DROP CONSTRAINT "\w+_check\d*"$/.test(query))).toEqual([]);
  expect(await found('SELECT indexrelid::regclass::text AS row FROM pg_index WHERE NOT indisvalid')).toEqual([]);
  expect(await found('SELECT conname::text AS row FROM pg_constraint WHERE NOT convalidated')).toEqual([]);
  expect(await found(`SELECT tablename::text AS row FROM pg_tables WHERE tablename IN ('schema_steps', 'tips_noted')`)).toEqual([]);
  const sums = new RollUp(database);
  while ((await found('SELECT id::text AS row FROM tip_deltas LIMIT 1')).length > 0) await sums.catchUp();
  expect(await found(SUMS_THAT_DIFFER)).toEqual([]);
  expect(await found('SELECT count(*)::text AS row FROM tip_totals HAVING sum(tips) > 0')).toHaveLength(1);
}

describe('a database in use', () => {
  it('is brought to the head while its traffic goes on, and every tip is summed once', async () => {
    house = await anOldHouse(inject('postgresUrl'), BEFORE, TIPS);
    traffic = new Traffic(house.url, TIPS);
    const looker = await aClient(house.url);
    await traffic.start();
    const begun = performance.now();
    const opening = openDatabase({ url: house.url, migrate: true, poolSize: 2 });
    await expect
      .poll(async () => (await looker.query(`SELECT 1 FROM pg_tables WHERE tablename = 'tip_values'`)).rowCount, {
        timeout: 20_000,
        interval: 5,
      })
      .toBe(1);
    traffic.hasPrices = true;
    const database = await opening;
    const tookMs = performance.now() - begun;
    await traffic.stop();
    const { done, priced, longestMs, slowest } = traffic.seen;
    process.stdout.write(
      `${String(TIPS)} tips: migrated in ${tookMs.toFixed(0)} ms; ${String(done)} transactions beside it, the longest ${longestMs.toFixed(0)} ms (${slowest})\n`,
    );
    expect(priced).toBeGreaterThan(0);
    expect(longestMs).toBeLessThan(tookMs / 3);
    await expectWhole(database);
    await database.close();
  });

  it('never queues everybody behind a change that waits for somebody who reads for long', async () => {
    house = await anOldHouse(inject('postgresUrl'), BEFORE, 500);
    const reader = await aClient(house.url);
    await reader.query('BEGIN');
    await reader.query('SELECT 1 FROM tips LIMIT 1');
    traffic = new Traffic(house.url, 500);
    await traffic.start();
    const opening = openDatabase({ url: house.url, migrate: true, poolSize: 2 });
    const looker = await aClient(house.url);
    const waiting = `SELECT 1 FROM pg_locks WHERE relation = 'tips'::regclass AND mode = 'AccessExclusiveLock' AND NOT granted`;
    const queued = async () => (await looker.query(waiting)).rowCount;
    const begun = performance.now();
    // It comes and goes, and comes again.
    for (let n = 0; n < 4; n += 1) {
      await expect.poll(queued, { timeout: 10_000, interval: 5 }).toBe(1);
      await expect.poll(queued, { timeout: 10_000, interval: 5 }).toBe(0);
    }
    const heldMs = performance.now() - begun;
    await reader.query('COMMIT');
    await (await opening).close();
    await traffic.stop();
    process.stdout.write(`a reader of ${heldMs.toFixed(0)} ms held up others for ${traffic.seen.longestMs.toFixed(0)} ms\n`);
    expect(traffic.seen.longestMs).toBeLessThan(heldMs * 0.7);
  });
});

describe('a migration that is cut off', () => {
  it('goes on after its last step, wherever it was, and what it has built is whole', async () => {
    house = await anOldHouse(inject('postgresUrl'), BEFORE, 20_000);
    const looker = await aClient(house.url);
    const opening = openDatabase({ url: house.url, migrate: true, poolSize: 2, startTimeoutMs: 60_000 });
    // After a change, between two indexes, among the batches.
    for (const where of ['(AlertAfter%', '(Screening%', '(TipStats%,3,%chain%', '(FormerWallets%']) {
      await expect.poll(async () => like(await placeOf(looker), where), { timeout: 20_000, interval: 5 }).toBe(true);
      await looker.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'droppio'`,
      );
    }
    const database = await opening;
    await expectWhole(database);
    await database.close();
  });

  it('in the middle of an index drops what is left of it and builds it again', async () => {
    house = await anOldHouse(inject('postgresUrl'), BEFORE, 500);
    const [looker, old] = [await aClient(house.url), await aClient(house.url)];
    // Whoever builds an index beside others waits for those who have begun before.
    await old.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await old.query('SELECT 1');
    const opening = openDatabase({ url: house.url, migrate: true, poolSize: 2 });
    const cut = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND query LIKE 'CREATE INDEX CONCURRENTLY%' AND wait_event_type = 'Lock'`;
    await expect.poll(async () => (await looker.query(cut)).rowCount).toBe(1);
    await expect.poll(async () => (await looker.query('SELECT 1 FROM pg_index WHERE NOT indisvalid')).rowCount).toBe(1);
    await old.query('COMMIT');
    const database = await opening;
    await expectWhole(database);
    await database.close();
  });
});

/** How far the migration is that is on its way; '' between two. */
async function placeOf(client: Client): Promise<string> {
  try {
    return (await client.query<{ place: string }>('SELECT s::text AS place FROM schema_steps s')).rows[0]?.place ?? '';
  } catch {
    return '';
  }
}

/** `%` stands for anything. */
function like(text: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('%');
  return text.startsWith(first) && rest.every((part) => text.includes(part));
}
