import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { StartupFault } from '@droppio/platform';
import { NATIVE_TOKEN, toHex } from '@droppio/tips';
import { MIGRATIONS } from './data-source.js';
import { AFTER, SNAPSHOT, UNPUBLISHED } from './event-log.js';
import { openDatabase } from './migrate.js';
import type { TipPlace } from './tip-cursor.js';
import { PLANNED_ONCE } from './plan-names.js';
import { createEmptyDatabase, openTestStorage, type TestStorage } from './testing/index.js';
import { ASSET, ASSET_BY_SOURCE, ASSET_BYTES, ASSET_FILE, ASSET_KINDS_OF, ASSET_USAGE, ASSET_USES, ASSETS } from './asset-statements.js';
import { AUDIT_OF, AUDIT_OF_BY_OPERATION, AUDIT_OF_OPERATOR, AUDIT_OF_OPERATOR_BY_OPERATION } from './postgres-audit-trail.js';
import { ONE_TIP, pageStatement, SIGHTINGS_OF, TELLINGS_OF, type Statement } from './archive-statements.js';
import { BACKFILL_AND_TELL } from './backfill-statements.js';
import { COVERED } from './coverage.js';
import { CREATOR_BY_HANDLE, CREATOR_BY_ID, CREATOR_BY_WALLET } from './creator-rows.js';
import { DROP_SEEN, SIGHT_SEEN } from './seen-statements.js';
import { COMMIT_BLOCK, COMMIT_EMPTY_BLOCK, ORPHAN_TIPS, RAISE_STATES, RELEASE_DUE } from './tip-statements.js';
import { NOTE_VALUES, UNVALUED } from './postgres-tip-values.js';
import { WALLETS_OF } from './postgres-creator-wallets.js';
import { WALLETS, WALLETS_SINCE } from './postgres-wallet-register.js';
import { ALERTS, REPLAY } from './moderation-statements.js';
import { SET_QUEUE } from './queue-statements.js';
import { APPLY_VERDICTS, ONE_TIP as ONE_ALERT, UNSCREENED, WAITING_TIPS } from './screening-statements.js';
import { CLAIM, DUE, LISTENERS, PLAN, PURGE, RECORD_ATTEMPTS, SEALED_OTHERWISE } from './webhook-outbox-statements.js';
import { DELIVERIES, DELIVERIES_IN_STATE, SET_WAKE, WEBHOOKS } from './webhook-statements.js';
import { LOCK_STREAMS } from './block-writer.js';
import { WINDOW } from './chain-progress.js';
import { GOAL, TICKER, TOP } from './widget-statements.js';

const anEmptyDatabase = () => createEmptyDatabase(inject('postgresUrl'));

describe('migrations', () => {
  it('make exactly the tables that the entities describe', async () => {
    const storage = await openTestStorage(inject('postgresUrl'));
    const { upQueries } = await storage.database.source.driver.createSchemaBuilder().log();
    await storage.drop();
    // Checks are written in migrations alone: entities need not repeat them.
    const differences = upQueries.map(({ query }) => query).filter((query) => !/DROP CONSTRAINT "\w+_check\d*"$/.test(query));
    expect(differences).toEqual([]);
  });

  it('run once when many processes start together', async () => {
    const made = await anEmptyDatabase();
    const { url } = made;
    const opened = await Promise.all(Array.from({ length: 6 }, () => openDatabase({ url, migrate: true, poolSize: 2 })));
    const rows: unknown = await opened[0]?.source.query('SELECT name FROM schema_migrations');
    expect(rows).toEqual(MIGRATIONS.map(({ name }) => ({ name })));
    await Promise.all(opened.map((database) => database.close()));
    await made.drop();
  });

  it('are missed with a sentence by a process that may not run them', async () => {
    const made = await anEmptyDatabase();
    const { url } = made;
    await expect(openDatabase({ url, migrate: false })).rejects.toThrow(/lacks \d+ migration\(s\): FirstHouse.*DATABASE_MIGRATE=true/);
    await made.drop();
  });

  it('can be taken back', async () => {
    const made = await anEmptyDatabase();
    const { url } = made;
    const database = await openDatabase({ url, migrate: true });
    for (let left = MIGRATIONS.length; left > 0; left -= 1) await database.source.undoLastMigration();
    const tables: unknown = await database.source.query(`SELECT tablename FROM pg_tables WHERE schemaname = 'public'`);
    expect(tables).toEqual([{ tablename: 'schema_migrations' }]);
    await database.close();
    await made.drop();
  });
});

describe(openDatabase.name, () => {
  it('says in a sentence that Postgres is not there, without the password', async () => {
    const opening = openDatabase({ url: 'postgres://me:secret@127.0.0.1:1/none', migrate: true, startTimeoutMs: 300 });
    const error: unknown = await opening.catch((fault: unknown) => fault);
    expect(error).toBeInstanceOf(StartupFault);
    expect(String(error)).toMatch(/Postgres at 127\.0\.0\.1:1\/none cannot be used: .*ECONNREFUSED.*Check DATABASE_URL/);
    expect(String(error)).not.toContain('secret');
  });

  it('does not wait for a database that does not exist to appear', async () => {
    const url = new URL(inject('postgresUrl'));
    url.pathname = '/no_such_database';
    await expect(openDatabase({ url: url.href, migrate: true })).rejects.toThrow(/no_such_database.*does not exist/);
  });
});

describe('every list query reads through an index', () => {
  let storage: TestStorage;
  const creator = '11111111-1111-4111-8111-000000000042';
  const zero = (bytes: number): Buffer => Buffer.alloc(bytes);
  const somewhere: TipPlace = { timeMs: 30_000, chainId: 1, block: 3, logIndex: 0, txHash: toHex(`0x${'00'.repeat(32)}`), ordinal: 0 };
  const parts = ({ text, values }: Statement) => [text, values] as const;

  beforeAll(async () => {
    storage = await openTestStorage(inject('postgresUrl'));
    // Enough of everything that reading a whole table would be the dearer plan.
    const wallet = `decode(lpad(to_hex(n % 20000), 40, '0'), 'hex')`;
    const id = `('11111111-1111-4111-8111-' || lpad((n % 20000)::text, 12, '0'))::uuid`;
    for (const statement of [
      `INSERT INTO creators SELECT ${id}, 'c-' || n, 'x' FROM generate_series(0, 19999) n`,
      `INSERT INTO creator_wallets SELECT ${wallet}, ${id}, 0, now() - n * interval '1 hour' FROM generate_series(0, 19999) n`,
      `INSERT INTO creator_streams SELECT ${id}, 'epoch-epoch', 20, CASE WHEN n < 5 THEN 0 ELSE 20 END, CASE WHEN n < 5 THEN now() END FROM generate_series(0, 19999) n`,
      `INSERT INTO overlays SELECT ${id}, ${id}, 'x', true, 1, '{}' FROM generate_series(0, 19999) n`,
      `INSERT INTO creator_events SELECT ${id}, 1 + n / 20000, 'tip', jsonb_build_object('seq', 1 + n / 20000, 'type', 'tip') FROM generate_series(0, 39999) n`,
      `INSERT INTO tips SELECT 1, decode(lpad(to_hex(n), 64, '0'), 'hex'), 0, ${wallet}, '${NATIVE_TOKEN.replace('0x', '\\x')}', '${NATIVE_TOKEN.replace('0x', '\\x')}', 1, '',
         decode(repeat('00', 32), 'hex'), NULL, NULL, CASE WHEN n > 39900 THEN 'confirmed' ELSE 'finalized' END, 1, n, decode(repeat('00', 32), 'hex'), n, 0 FROM generate_series(0, 39999) n`,
      `INSERT INTO tip_values (chain_id, tx_hash, ordinal, block_hash, unavailable, retry_at) SELECT 1, decode(lpad(to_hex(n), 64, '0'), 'hex'), 0,
         decode(repeat('00', 32), 'hex'), 'no-answer', CASE WHEN n < 100 THEN now() + interval '1 hour' END FROM generate_series(0, 19999) n`,
      `INSERT INTO tip_sightings SELECT chain_id, block_hash, block_number, block_number, tx_hash, ordinal, wallet, sender, token, amount, message, ref, 0 FROM tips`,
      `INSERT INTO chain_blocks SELECT 1, decode(lpad(to_hex(n), 64, '0'), 'hex'), n, decode(repeat('00', 32), 'hex'), n, n, true FROM generate_series(0, 19999) n`,
      `INSERT INTO chain_cursors SELECT n, 1, decode(repeat('00', 32), 'hex'), 1 FROM generate_series(1, 2000) n`,
      `INSERT INTO chain_coverage SELECT 1, 'f', n * 10, n * 10 + 5 FROM generate_series(0, 19999) n`,
      `INSERT INTO audit_entries SELECT gen_random_uuid(), CASE WHEN n % 2 = 0 THEN ${id} END, now() - n * interval '1 minute', 'token', NULL, 'op' || n % 50, '{}', 'done', NULL, 'request', NULL FROM generate_series(0, 19999) n`,
      `INSERT INTO webhooks (id, creator_id, url, description, types, secret, cursor, wake_at) SELECT ${id}, ${id}, 'https://x.example.com/', '', '{}',
         '\\x00000001', 20, CASE WHEN n < 20 THEN now() END FROM generate_series(0, 19999) n`,
      `INSERT INTO webhook_deliveries (id, webhook_id, seq, event_id, type, event_at, state, next_at, created_at, delivered_at) SELECT gen_random_uuid(), ${id},
         n + 1, 'e', 't', now(), CASE WHEN n < 100 THEN 'pending' ELSE 'delivered' END, CASE WHEN n < 100 THEN now() END, now() - n * interval '1 hour',
         CASE WHEN n >= 100 THEN now() END FROM generate_series(0, 39999) n`,
      `INSERT INTO widget_sums SELECT ${id}, CASE WHEN n < 20000 THEN 'hour' ELSE 'all' END, 0, 1, '\\x00', '\\x00', 1, 1 FROM generate_series(0, 39999) n`,
      `INSERT INTO widget_notes (creator_id, chain_id, token, sender, block_time_ms, tips, amount, priced, usd) SELECT ${id}, 1, '\\x00', '\\x00', n, 1, 1, 0, 0 FROM generate_series(0, 19999) n`,
      `INSERT INTO moderation_rules (creator_id, rules) SELECT ${id}, '{}' FROM generate_series(0, 19999) n`,
      `INSERT INTO erased_messages (chain_id, tx_hash, ordinal) SELECT chain_id, tx_hash, ordinal FROM tips LIMIT 20000`,
      `INSERT INTO assets (id, creator_id, kind, type, name, size, source_hash) SELECT 'ast_' || lpad(n::text, 24, '0'), ${id}, 'sound', 'audio/wav', '', 1,
         decode(lpad(to_hex(n), 64, '0'), 'hex') FROM generate_series(0, 39999) n`,
      `INSERT INTO asset_files SELECT id, '\\x00' FROM assets`,
      'ANALYZE',
    ]) {
      await storage.database.run(statement);
    }
  });
  afterAll(async () => {
    await storage.drop();
  });

  it.each([
    ['history, first page', ...parts(pageStatement({ creatorId: creator, filter: {}, limit: 51 }))],
    ['history, later page', ...parts(pageStatement({ creatorId: creator, filter: {}, after: somewhere, limit: 51 }))],
    ['one tip', ONE_TIP, [creator, 1, zero(32), 0]],
    ['blocks that held a tip', SIGHTINGS_OF, [1, zero(32), 0]],
    ['events that told of a tip', TELLINGS_OF, [creator, '1-0x00-0']],
    ['events after a seq', AFTER, [creator, 3, 100]],
    ['snapshot', SNAPSHOT, [creator, 10]],
    ['unpublished', UNPUBLISHED, [0, 100]],
    ['window', WINDOW, [1, 64]],
    ['tips to raise', RAISE_STATES, [1, 39_950, 39_920, 0, 1000]],
    ['tips to orphan', ORPHAN_TIPS, [1, 39_990, '[]', 0]],
    ['a block with tips', COMMIT_BLOCK, [1, 20_000, zero(32), zero(32), 1, 0, 0, 0, '[]', '[]']],
    ['a block without', COMMIT_EMPTY_BLOCK, [1, 20_000, zero(32), zero(32), 1, 0, 0, 0]],
    ['tips that waited', RELEASE_DUE, [1, 1, 40_000, 0, 500]],
    ['tips before their block', SIGHT_SEEN, [1, 1, 0, '[]', 5]],
    ['tips that never got one', DROP_SEEN, [1, 1, 40_000, 0]],
    ['tips to screen', WAITING_TIPS, [creator, 100]],
    ['verdicts', APPLY_VERDICTS, [creator, 1, '[]', 0, 'waiting']],
    ['creators whose tips nobody screened', UNSCREENED, [500, 500]],
    ['one alert', ONE_ALERT, [creator, 1, zero(32), 0]],
    ['alerts, first page', ALERTS, [creator, 'held', '9223372036854775807', 0, zero(0), 0, 51]],
    ['alerts, later page', ALERTS, [creator, 'shown', '30000', 1, zero(32), 0, 51]],
    ['a replay', REPLAY, [creator, 'id', 0, 0, '{}', 1, 1, zero(32), 0, 1, false]],
    ['pause and mute', SET_QUEUE, [creator, true, true, 0, 0]],
    ['tips of a backfill that are told', BACKFILL_AND_TELL, [1, '[]', '[]', 0]],
    ['coverage', COVERED, [1, 'f', 1000, 2000]],
    ['a goal in a token', GOAL, [creator, 3_700_000, 1, zero(20)]],
    ['a goal in dollars', GOAL, [creator, 3_700_000, 0, zero(0)]],
    ['the latest tips', TICKER, [creator, 50]],
    ['the top tippers', TOP, [creator, 'month', 100, 1, zero(20)]],
    ['the top tippers of all days', TOP, [creator, 'all', 100, 0, zero(0)]],
    ['streams of a reorg', LOCK_STREAMS, [1, 39_990, [zero(32)], [zero(20)]]],
    ['wallets, first page', WALLETS, [Buffer.alloc(0), 100]],
    ['wallets, later page', WALLETS, [zero(20), 100]],
    ['wallets that are new', WALLETS_SINCE, [60_000, 100]],
    ['audit log', AUDIT_OF, ['infinity', creator, '-infinity', 51, creator]],
    ['audit log of an operation', AUDIT_OF_BY_OPERATION, ['infinity', creator, '-infinity', 51, creator, 'op1']],
    ['audit log of the operator', AUDIT_OF_OPERATOR, ['infinity', creator, '-infinity', 51]],
    ['audit log of an operation of the operator', AUDIT_OF_OPERATOR_BY_OPERATION, ['infinity', creator, '-infinity', 51, 'op1']],
    ['tips without a price', UNVALUED, [1, [zero(20)], 200]],
    ['a note of prices', NOTE_VALUES, ['[]']],
    ['wallets of a creator', WALLETS_OF, [creator]],
    ['a creator', CREATOR_BY_ID, [creator]],
    ['a creator by handle', CREATOR_BY_HANDLE, ['c-42']],
    ['a creator by wallet', CREATOR_BY_WALLET, [zero(20)]],
    ['webhooks of a creator', WEBHOOKS, [creator]],
    ['deliveries of a webhook', DELIVERIES, [creator, 30_000, 51]],
    ['deliveries of a webhook in a state', DELIVERIES_IN_STATE, [creator, 30_000, 51, 'failed']],
    ['creators with webhooks', LISTENERS, [creator, 250]],
    ['events to be planned', PLAN, [creator, 500]],
    ['webhooks that are due', DUE, [0, 1000]],
    ['deliveries to be claimed', CLAIM, [creator, 10, 1000, creator]],
    ['when a webhook is next due', SET_WAKE, [creator]],
    ['attempts that were made', RECORD_ATTEMPTS, [creator, '[]']],
    ['deliveries that are old', PURGE, [30 * 24 * 3_600_000, 1000]],
    ['secrets under old keys', SEALED_OTHERWISE, [Buffer.from([0, 0, 0, 2]), creator, 200]],
    ['assets of a creator', ASSETS, [creator, 30_000, 51]],
    ['what assets take up', ASSET_USAGE, [creator]],
    ['an asset', ASSET, [creator, `ast_${'0'.repeat(24)}`]],
    ['an asset by its source', ASSET_BY_SOURCE, [creator, zero(32)]],
    ['kinds of assets', ASSET_KINDS_OF, [creator, [`ast_${'0'.repeat(24)}`]]],
    ['overlays that name an asset', ASSET_USES, [creator, `ast_${'0'.repeat(24)}`]],
    ['facts of a file', ASSET_FILE, [`ast_${'0'.repeat(24)}`]],
    ['a file', ASSET_BYTES, [`ast_${'0'.repeat(24)}`]],
    ['overlays of a creator', 'SELECT * FROM overlays WHERE creator_id = $1 ORDER BY created_at, id', [creator]],
  ])('%s', async (_what, statement, values) => {
    const plan: unknown = await storage.database.source.query(`EXPLAIN (FORMAT JSON) ${statement}`, values);
    expect(JSON.stringify(plan)).toContain('Index');
    expect(scannedWhole(JSON.stringify(plan))).toEqual([]);
  });

  it.each(PLANNED_ONCE)('also when it is planned once for whatever may come: %#', async (statement) => {
    const plan: unknown = await storage.database.source.query(`EXPLAIN (GENERIC_PLAN, FORMAT JSON) ${statement}`);
    expect(scannedWhole(JSON.stringify(plan))).toEqual([]);
  });
});

/** Tables that a plan reads from end to end. */
function scannedWhole(plan: string): string[] {
  return [...plan.matchAll(/"Node Type":"Seq Scan"[^{}]*?"Relation Name":"(\w+)"/g)].map(([, table = '']) => table);
}
