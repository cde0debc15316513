import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '@droppio/tips';
import { SystemClock } from '@droppio/platform';
import { Client } from 'pg';
import { MIGRATIONS } from '../data-source.js';
import type { Database } from '../database.js';
import { StorageMetrics } from '../metrics.js';
import { openDatabase } from '../migrate.js';
import { PostgresAccessTokens } from '../postgres-access-tokens.js';
import { PostgresAccountData } from '../postgres-account-data.js';
import { PostgresIdempotencyKeys } from '../postgres-idempotency-keys.js';
import { PostgresAuditTrail } from '../postgres-audit-trail.js';
import { PostgresCreatorDirectory } from '../postgres-creator-directory.js';
import { PostgresCreatorWallets } from '../postgres-creator-wallets.js';
import { PostgresOverlayKeeper } from '../postgres-overlay-keeper.js';
import { PostgresModerationDesk } from '../postgres-moderation-desk.js';
import { PostgresRetention } from '../postgres-retention.js';
import { PostgresSignInStore } from '../postgres-sign-in-store.js';
import { PostgresLeaderLock } from '../postgres-leader-lock.js';
import { PostgresTipArchive } from '../postgres-tip-archive.js';
import { PostgresTipStats } from '../postgres-tip-stats.js';
import { PostgresWidgetBoard } from '../postgres-widget-board.js';
import { PostgresTipLedger } from '../postgres-tip-ledger.js';
import { PostgresTipValues } from '../postgres-tip-values.js';

export interface TestDatabase {
  readonly url: string;
  /** Closes whatever is still connected, then drops it. */
  drop(): Promise<void>;
}

export interface TestStorage extends TestDatabase {
  readonly database: Database;
  readonly ledger: PostgresTipLedger;
  readonly archive: PostgresTipArchive;
  readonly stats: PostgresTipStats;
  readonly board: PostgresWidgetBoard;
  readonly directory: PostgresCreatorDirectory;
  readonly wallets: PostgresCreatorWallets;
  readonly overlays: PostgresOverlayKeeper;
  readonly signIn: PostgresSignInStore;
  readonly values: PostgresTipValues;
  readonly moderation: PostgresModerationDesk;
  readonly tokens: PostgresAccessTokens;
  readonly idempotency: PostgresIdempotencyKeys;
  readonly audit: PostgresAuditTrail;
  readonly account: PostgresAccountData;
  readonly retention: PostgresRetention;
  /** Closes the pool and drops the database. */
  drop(): Promise<void>;
}

const TEMPLATE_LOCK = 7_203_114_002;

/**
 * A fresh database with the newest schema on a test server (superuser URL). The schema is made once per server and version of the
 * migrations, then copied: about 50 ms each.
 */
export async function createTestDatabase(postgresUrl: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  await withClient(postgresUrl, async (client) => {
    const template = await ensureTemplate(client, postgresUrl);
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  });
  return {
    url: urlOf(postgresUrl, name),
    drop: () => dropDatabase(postgresUrl, name),
  };
}

/** A database without tables. */
export async function createEmptyDatabase(postgresUrl: string): Promise<TestDatabase> {
  const name = `empty_${randomBytes(8).toString('hex')}`;
  await withClient(postgresUrl, async (client) => {
    await client.query(`CREATE DATABASE ${name} TEMPLATE template0`);
  });
  return { url: urlOf(postgresUrl, name), drop: () => dropDatabase(postgresUrl, name) };
}

/** The real ledger and directory on a database of their own. */
export async function openTestStorage(postgresUrl: string, options: { clock?: Clock; poolSize?: number } = {}): Promise<TestStorage> {
  const made = await createTestDatabase(postgresUrl);
  const database = await openDatabase({ url: made.url, migrate: false, poolSize: options.poolSize ?? 8 });
  const clock = options.clock ?? new SystemClock();
  const ledger = new PostgresTipLedger(database, clock, StorageMetrics.unregistered());
  return {
    url: made.url,
    database,
    ledger,
    archive: new PostgresTipArchive(database),
    stats: new PostgresTipStats(database),
    board: new PostgresWidgetBoard(database),
    directory: new PostgresCreatorDirectory(database, clock),
    wallets: new PostgresCreatorWallets(database),
    overlays: new PostgresOverlayKeeper(database, clock),
    signIn: new PostgresSignInStore(database),
    values: new PostgresTipValues(database),
    moderation: new PostgresModerationDesk(database, clock),
    tokens: new PostgresAccessTokens(database),
    idempotency: new PostgresIdempotencyKeys(database),
    audit: new PostgresAuditTrail(database),
    account: new PostgresAccountData(database, clock),
    retention: new PostgresRetention(database),
    drop: async () => {
      await ledger.beforeApplicationShutdown();
      await database.close();
      await made.drop();
    },
  };
}

/** What one more process has of a database that others use, too: a pool and a leader's lock of its own. */
export interface JoinedStorage {
  readonly ledger: PostgresTipLedger;
  readonly lock: PostgresLeaderLock;
  readonly moderation: PostgresModerationDesk;
  close(): Promise<void>;
}

export async function joinTestStorage(url: string): Promise<JoinedStorage> {
  const database = await openDatabase({ url, migrate: false, poolSize: 4, connectTimeoutMs: 1000 });
  const lock = new PostgresLeaderLock({ url });
  const ledger = new PostgresTipLedger(database, new SystemClock(), StorageMetrics.unregistered());
  return {
    ledger,
    lock,
    moderation: new PostgresModerationDesk(database, new SystemClock()),
    close: async () => {
      await lock.close();
      await ledger.beforeApplicationShutdown();
      await database.close();
    },
  };
}

/** Ends the connections that hold a leader's lock, from the server's side; how many there were. */
export async function endLeaderLocks(url: string): Promise<number> {
  let ended = 0;
  await withClient(url, async (client) => {
    const { rowCount } = await client.query(
      `SELECT pg_terminate_backend(pid) FROM (
         SELECT DISTINCT pid FROM pg_locks
         WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
       ) holders`,
    );
    ended = rowCount ?? 0;
  });
  return ended;
}

/** One statement on a connection of its own. */
export async function query(url: string, statement: string, values: readonly unknown[] = []): Promise<readonly unknown[]> {
  return withClient(url, async (client) => (await client.query<Record<string, unknown>>(statement, [...values])).rows);
}

/** Test files run in several processes: one makes the template, the others wait for it. */
async function ensureTemplate(client: Client, postgresUrl: string): Promise<string> {
  const version = createHash('sha256')
    .update(MIGRATIONS.map((migration) => new migration().schema).join('\n'))
    .digest('hex')
    .slice(0, 12);
  const template = `droppio_template_${version}`;
  await client.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK]);
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1 AND datistemplate', [template]);
    if (rowCount === 1) return template;
    await client.query(`DROP DATABASE IF EXISTS ${template} WITH (FORCE)`);
    await client.query(`CREATE DATABASE ${template} TEMPLATE template0`);
    await (await openDatabase({ url: urlOf(postgresUrl, template), migrate: true, poolSize: 1 })).close();
    // Marked as a template only when whole.
    await client.query(`ALTER DATABASE ${template} IS_TEMPLATE true`);
    return template;
  } finally {
    await client.query('SELECT pg_advisory_unlock($1)', [TEMPLATE_LOCK]);
  }
}

function dropDatabase(postgresUrl: string, name: string): Promise<void> {
  return withClient(postgresUrl, async (client) => {
    await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  });
}

async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5000, query_timeout: 30_000 });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function urlOf(postgresUrl: string, database: string): string {
  const url = new URL(postgresUrl);
  url.pathname = `/${database}`;
  return url.href;
}
