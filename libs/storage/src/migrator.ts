import { Logger } from '@nestjs/common';
import { backoffMs, StorageUnavailable } from '@droppio/tips';
import { MigrationExecutor, type DataSource, type Migration, type QueryRunner } from 'typeorm';
import * as z from 'zod';
import { STEPS_TABLE, SteppedMigration } from './migration-steps.js';
import { storageError } from './storage-errors.js';

/** Any number, the same in every version of Droppio: who holds it may change the schema. */
const MIGRATION_LOCK = 7_203_114_001;
/** As long as one step may take. */
const TURN_WAIT_MS = 3_600_000;
const SAY_SO_EVERY_MS = 30_000;
const ASK = { baseMs: 50, capMs: 500 };

const Turn = z.tuple([z.object({ mine: z.boolean() })]);
/** As TypeORM would make it, which reads it. */
const NOTES_TABLE =
  'CREATE TABLE IF NOT EXISTS schema_migrations (id serial PRIMARY KEY, timestamp bigint NOT NULL, name varchar NOT NULL)';

/**
 * Brings the schema to the head, on two connections. Many processes may start at once: one migrates, the others wait, and a process to which
 * nothing is new does not even ask. The turn belongs to a transaction that does nothing else, so it also holds through a pooler, and goes when
 * the process dies. Each migration is noted when its last step is done.
 */
export async function migrate(source: DataSource): Promise<void> {
  const [turn, worker] = [source.createQueryRunner(), source.createQueryRunner()];
  try {
    if ((await pending(source, worker)).length === 0) return;
    await takeTurn(turn);
    await worker.query(NOTES_TABLE);
    const names: string[] = [];
    for (const migration of await pending(source, worker)) {
      // Whoever has lost his turn stops here; within a migration the note of its steps keeps two apart.
      await turn.query('SELECT 1');
      await run(worker, migration);
      names.push(migration.name);
    }
    await worker.query('DROP TABLE IF EXISTS schema_steps');
    await turn.commitTransaction();
    if (names.length > 0) new Logger('storage').log('schema.migrated', { migrations: names });
  } catch (error) {
    if (turn.isTransactionActive) await turn.rollbackTransaction().catch(() => undefined);
    throw storageError(error);
  } finally {
    await worker.release();
    await turn.release();
  }
}

function pending(source: DataSource, runner: QueryRunner): Promise<Migration[]> {
  return new MigrationExecutor(source, runner).getPendingMigrations();
}

/** Asks again and again: a statement that waits would have a snapshot, and whoever builds an index waits for all that are older. */
async function takeTurn(runner: QueryRunner): Promise<void> {
  const begun = performance.now();
  let saidAt = -Infinity;
  for (let attempt = 0; ; attempt += 1) {
    await runner.startTransaction();
    await runner.query('SET LOCAL idle_in_transaction_session_timeout = 0');
    const [{ mine }] = Turn.parse(await runner.query('SELECT pg_try_advisory_xact_lock($1) AS mine', [MIGRATION_LOCK]));
    if (mine) return;
    await runner.rollbackTransaction();
    const now = performance.now();
    if (now - begun > TURN_WAIT_MS) throw new StorageUnavailable('Another process has been migrating the database for too long.');
    if (now - saidAt > SAY_SO_EVERY_MS) new Logger('storage').log('schema.waiting', { forMs: Math.round(now - begun) });
    if (now - saidAt > SAY_SO_EVERY_MS) saidAt = now;
    await new Promise((resolve) => setTimeout(resolve, ASK.baseMs + backoffMs(attempt, ASK)));
  }
}

/** Noted together with the end of its steps, so never twice. */
async function run(runner: QueryRunner, { timestamp, name, instance }: Migration): Promise<void> {
  if (!(instance instanceof SteppedMigration)) throw new TypeError(`the migration ${name} has no steps`);
  await runner.query(STEPS_TABLE);
  await instance.up(runner);
  await runner.query(
    `WITH over AS (DELETE FROM schema_steps WHERE migration = $2 RETURNING migration)
     INSERT INTO schema_migrations (timestamp, name) SELECT $1::bigint, migration FROM over`,
    [timestamp, name],
  );
}
