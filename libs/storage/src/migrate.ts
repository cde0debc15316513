import { Logger } from '@nestjs/common';
import { errorFields, StartupFault } from '@droppio/platform';
import { backoffMs, StorageUnavailable, TimedOut, within } from '@droppio/tips';
import { MigrationExecutor, type DataSource } from 'typeorm';
import { createDataSource, sessionLimits } from './data-source.js';
import { Database } from './database.js';
import type { StorageOptions } from './storage-env.js';
import { storageError } from './storage-errors.js';

/** Any number, the same in every version of Droppio: who holds it may change the schema. */
const MIGRATION_LOCK = 7_203_114_001;
const MIGRATION_WAIT_MS = 60_000;
const MIGRATION_LIMIT_MS = 3_600_000;
const RETRY = { baseMs: 200, capMs: 2000 };

const START_TIMEOUT_MS = 20_000;

/**
 * Connects (waiting for a Postgres that is still starting, or that is started anew meanwhile), brings the schema to the head or checks that it
 * is there. Throws `StartupFault` with a sentence for the person at the terminal.
 */
export async function openDatabase(options: StorageOptions): Promise<Database> {
  const giveUpAt = Date.now() + (options.startTimeoutMs ?? START_TIMEOUT_MS);
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await open(options);
    } catch (error) {
      // A migration is one transaction: one that was cut off did nothing.
      if (!(error instanceof StorageUnavailable)) throw error;
      const pauseMs = backoffMs(attempt, RETRY);
      if (Date.now() + pauseMs > giveUpAt) throw new StartupFault(sentence(options.url, error), { cause: error });
      new Logger('storage').warn('open.failed', errorFields(error));
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

async function open(options: StorageOptions): Promise<Database> {
  if (options.migrate) await bringToHead(options);
  const source = await connect(options);
  try {
    await checkAtHead(source);
  } catch (error) {
    await source.destroy();
    throw error instanceof StartupFault ? error : storageError(error);
  }
  return new Database(source, { ...sessionLimits(options), local: options.pooler === 'transaction' });
}

/** On a connection of its own, without the time limits of everyday statements. */
async function bringToHead(options: StorageOptions): Promise<void> {
  const source = await connect({ ...options, poolSize: 1, statementTimeoutMs: MIGRATION_LIMIT_MS });
  try {
    await migrate(source);
  } finally {
    await source.destroy();
  }
}

async function connect(options: StorageOptions): Promise<DataSource> {
  const logger = new Logger('storage');
  const giveUpAt = Date.now() + (options.startTimeoutMs ?? START_TIMEOUT_MS);
  for (let attempt = 0; ; attempt += 1) {
    const source = createDataSource(options);
    try {
      // The pool's own limit covers the socket; this one covers a server that accepts and then says nothing.
      await within((options.connectTimeoutMs ?? 5000) + 1000, 'connecting to Postgres', source.initialize());
      return source;
    } catch (error) {
      const fault = error instanceof TimedOut ? new StorageUnavailable(error.message) : storageError(error);
      const pauseMs = backoffMs(attempt, RETRY);
      if (isHopeless(fault) || Date.now() + pauseMs > giveUpAt) throw new StartupFault(sentence(options.url, error));
      logger.warn('connect.failed', errorFields(fault));
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

/** A wrong password or a database that does not exist will not mend itself. */
function isHopeless(fault: Error): boolean {
  return fault instanceof StorageUnavailable && /^(28|3D)/.test(String(fault.context['sqlState']));
}

function sentence(url: string, error: unknown): string {
  const { host, pathname } = new URL(url);
  const why = error instanceof Error && error.message !== '' ? error.message : 'no answer';
  return `Postgres at ${host}${pathname} cannot be used: ${why}. Check DATABASE_URL and that the server runs.`;
}

/**
 * Many processes may start at once: one migrates, the others wait. The lock belongs to the transaction, not to the session, so it also
 * holds through a pooler, and goes when the process dies.
 */
export async function migrate(source: DataSource): Promise<void> {
  const runner = source.createQueryRunner();
  try {
    await runner.startTransaction();
    await runner.query(`SET LOCAL lock_timeout = ${String(MIGRATION_WAIT_MS)}`);
    await runner.query(`SET LOCAL statement_timeout = ${String(MIGRATION_LIMIT_MS)}`);
    await runner.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    // Taking a table away from running statements: rather give up than queue everybody behind the migration.
    await runner.query('SET LOCAL lock_timeout = 5000');
    const executor = new MigrationExecutor(source, runner);
    executor.transaction = 'all';
    const done = await executor.executePendingMigrations();
    await runner.commitTransaction();
    if (done.length > 0) new Logger('storage').log('schema.migrated', { migrations: done.map(({ name }) => name) });
  } catch (error) {
    if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => undefined);
    throw storageError(error);
  } finally {
    await runner.release();
  }
}

async function checkAtHead(source: DataSource): Promise<void> {
  const pending = await new MigrationExecutor(source).getPendingMigrations();
  if (pending.length === 0) return;
  throw new StartupFault(
    `The database lacks ${String(pending.length)} migration(s): ${pending.map(({ name }) => name).join(', ')}. ` +
      'Start one app with DATABASE_MIGRATE=true first.',
  );
}
