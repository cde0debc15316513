import { randomBytes } from 'node:crypto';
import { SystemClock } from '@droppio/platform';
import { DEFAULT_OVERLAY_CONFIG, tipId } from '@droppio/tips';
import { aBlock, aChildOf, aDisplay, aTip, randomHex } from '@droppio/tips/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import * as z from 'zod';
import type { Database } from './database.js';
import { StorageMetrics } from './metrics.js';
import { openDatabase } from './migrate.js';
import { PostgresAccountData } from './postgres-account-data.js';
import { PostgresAuditTrail } from './postgres-audit-trail.js';
import { PostgresCreatorDirectory } from './postgres-creator-directory.js';
import { PostgresRetention } from './postgres-retention.js';
import { PostgresSignInStore } from './postgres-sign-in-store.js';
import { PostgresTipLedger } from './postgres-tip-ledger.js';
import { createTestDatabase, type TestDatabase } from './testing/index.js';

/** Everything that a session of Postgres can keep from one transaction to the next, and that the next client of a pooler would find. */
const KEPT = `
SELECT 'prepared statement ' || name AS kept FROM pg_prepared_statements
UNION ALL SELECT 'setting ' || name FROM pg_settings WHERE source = 'session'
UNION ALL SELECT 'advisory lock ' || objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()
UNION ALL SELECT 'temporary ' || relname FROM pg_class WHERE relpersistence = 't' AND pg_table_is_visible(oid)
UNION ALL SELECT 'channel ' || pg_listening_channels()
UNION ALL SELECT 'cursor ' || name FROM pg_cursors WHERE is_holdable`;
const Kept = z.object({ kept: z.string() });

describe('behind a pooler in transaction mode', () => {
  let made: TestDatabase;
  let database: Database;
  beforeAll(async () => {
    made = await createTestDatabase(inject('postgresUrl'));
    // One connection, so that all of it is what the next transaction gets.
    database = await openDatabase({ url: made.url, migrate: false, poolSize: 1, pooler: 'transaction' });
  });
  afterAll(async () => {
    await database.close();
    await made.drop();
  });

  const kept = async (): Promise<string[]> => (await database.rows(Kept, KEPT)).map((row) => row.kept);

  it('leaves nothing on a connection, whatever was done with it, or failed on it', async () => {
    const clock = new SystemClock();
    const ledger = new PostgresTipLedger(database, clock, StorageMetrics.unregistered());
    const directory = new PostgresCreatorDirectory(database, clock);
    const account = new PostgresAccountData(database, clock);
    const retention = new PostgresRetention(database);
    const wallet = randomHex(20);
    const { id } = await directory.createCreator({
      handle: 'pooled',
      displayName: 'P',
      wallets: [wallet],
      accessTokenHash: randomBytes(32),
    });
    const genesis = aBlock({ number: 1 });
    const one = aChildOf(genesis);
    const tip = aTip({ creator: wallet });
    const key = { chainId: 7, txHash: tip.txHash, ordinal: 0 };
    const whole = { ...tip, display: aDisplay({ ...tip.display, tipId: tipId(key) }) };
    const mark = { number: one.number, hash: one.hash };
    const work: readonly (() => Promise<unknown>)[] = [
      () => ledger.acquire(7, 'me', 1000),
      () => ledger.begin(7, genesis, 1),
      ...Array.from({ length: 6 }, () => () => ledger.eventsAfter(id, 0, 10)),
      () => ledger.commit(7, 1, { block: one, seenAtMs: Date.now(), tips: [whole], quarantined: [] }),
      () => ledger.finalize(7, 1, { safe: mark, finalized: mark }),
      () => ledger.snapshot(id, 10),
      () => ledger.markPublished(id, 1),
      () => directory.createOverlay(id, 'main', DEFAULT_OVERLAY_CONFIG),
      () => directory.createCreator({ handle: 'pooled', displayName: 'again', wallets: [] }).catch(() => undefined),
      () => database.transaction((sql) => sql.run('SELECT 1/0')).catch(() => undefined),
      () => new PostgresSignInStore(database).sessions(id),
      () => new PostgresAuditTrail(database).entries({ creatorId: id, limit: 10 }),
      () => retention.claim('chore', 1000),
      () => retention.pruneEvents(1, 1),
      () => account.eraseMessage(id, key),
      () => account.remove(id),
      () => retention.eraseOfGone(10),
    ];
    for (const each of work) {
      await each();
      expect(await kept()).toEqual([]);
    }
  });

  it('would be seen to leave something', async () => {
    const direct = await openDatabase({ url: made.url, migrate: false, poolSize: 1 });
    const ledger = new PostgresTipLedger(direct, new SystemClock(), StorageMetrics.unregistered());
    await ledger.eventsAfter('00000000-0000-4000-8000-000000000000', 0, 10);
    expect((await direct.rows(Kept, KEPT)).map((row) => row.kept)).toContain('prepared statement events_after');
    await direct.close();
  });
});
