import { Logger } from '@nestjs/common';
import { errorFields, StartupFault } from '@droppio/platform';
import { backoffMs, StorageUnavailable, TimedOut, within } from '@droppio/tips';
import { MigrationExecutor, type DataSource } from 'typeorm';
import { createDataSource, sessionLimits } from './data-source.js';
import { Database } from './database.js';
import { migrate } from './migrator.js';
import type { StorageOptions } from './storage-env.js';
import { storageError } from './storage-errors.js';

const MIGRATION_LIMIT_MS = 3_600_000;
const RETRY = { baseMs: 200, capMs: 2000 };

const START_TIMEOUT_MS = 20_000;
const [SCHEMA_LOOK_MS, SAY_SO_EVERY_MS] = [1000, 30_000];

/** Not the schema that this code is for, or not yet. */
class SchemaBehind extends StartupFault {}

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
      // A migration that was cut off goes on after the last step that it committed.
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
    await untilAtHead(source, options.schemaWaitMs ?? 0);
  } catch (error) {
    await source.destroy();
    throw error;
  }
  return new Database(source, { ...sessionLimits(options), local: options.pooler === 'transaction' });
}

/** On connections of its own, without the time limits of everyday statements: each step has its own, and an index takes as long as it takes. */
async function bringToHead(options: StorageOptions): Promise<void> {
  const source = await connect({ ...options, poolSize: 2, statementTimeoutMs: MIGRATION_LIMIT_MS, lockTimeoutMs: 0 });
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

/** Whoever is rolled out beside a long migration waits here: alive, not ready, and without being started again and again. */
async function untilAtHead(source: DataSource, waitMs: number): Promise<void> {
  const giveUpAt = Date.now() + waitMs;
  for (let saidAt = -Infinity; ;) {
    const fault = await checkAtHead(source).then(
      () => undefined,
      (error: unknown) => (error instanceof StartupFault ? error : storageError(error)),
    );
    if (fault === undefined) return;
    if (!(fault instanceof SchemaBehind) || Date.now() + SCHEMA_LOOK_MS > giveUpAt) throw fault;
    if (Date.now() - saidAt > SAY_SO_EVERY_MS) {
      new Logger('storage').log('schema.awaited', { why: fault.message });
      saidAt = Date.now();
    }
    await new Promise((resolve) => setTimeout(resolve, SCHEMA_LOOK_MS * (0.5 + Math.random())));
  }
}

async function checkAtHead(source: DataSource): Promise<void> {
  const pending = await new MigrationExecutor(source).getPendingMigrations();
  if (pending.length === 0) return;
  throw new SchemaBehind(
    `The database lacks ${String(pending.length)} migration(s): ${pending.map(({ name }) => name).join(', ')}. ` +
      'Start one app with DATABASE_MIGRATE=true first.',
  );
}
