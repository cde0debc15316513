import * as z from 'zod';

const count = (preset: number, least: number, most: number): z.ZodDefault<z.ZodCoercedNumber<string>> =>
  z.coerce.number<string>().int().min(least).max(most).default(preset);

const databaseUrl = z.url({ protocol: /^postgres(ql)?$/, error: 'it must look like postgres://user:password@host:5432/name' });

const limits = {
  DATABASE_POOL_SIZE: count(10, 1, 200).meta({ description: 'Most connections of this process to Postgres.' }),
  DATABASE_POOLER: z.enum(['none', 'transaction']).default('none').meta({
    description:
      'transaction: a pooler in transaction mode (PgBouncer) stands in between; time limits are then set inside transactions only, and a standby listener takes over by lease alone (5 s).',
  }),
  DATABASE_CONNECT_TIMEOUT_MS: count(5000, 100, 60_000).meta({ description: 'Longest wait for a connection, free or new.' }),
  DATABASE_STATEMENT_TIMEOUT_MS: count(10_000, 100, 600_000).meta({ description: 'A statement that takes longer is cancelled.' }),
  DATABASE_LOCK_TIMEOUT_MS: count(5000, 10, 600_000).meta({ description: 'A statement that waits longer for a lock is cancelled.' }),
  DATABASE_MIGRATE: z
    .stringbool()
    .default(true)
    .meta({ description: 'Bring the database to the newest schema at start. false: only check that it is.' }),
  DATABASE_SCHEMA_WAIT_MS: count(0, 0, 24 * 3_600_000).meta({
    description:
      'With DATABASE_MIGRATE=false: how long to wait at start, alive and not ready, for whoever brings the schema. 0: it must be there.',
  }),
};

/** For apps that need a database of their operator's. */
export const storageEnv = {
  DATABASE_URL: databaseUrl.meta({ description: 'Postgres 14 or newer, as postgres://user:password@host:5432/name.' }),
  ...limits,
};

/** For apps that can bring their own: without DATABASE_URL an embedded Postgres is started. */
export const optionalStorageEnv = {
  DATABASE_URL: databaseUrl.optional().meta({ description: 'Postgres 14 or newer. Unset: an embedded Postgres is started.' }),
  ...limits,
};

/** For processes that share one database and no Redis. */
export const feedEnv = {
  DATABASE_LISTEN_URL: databaseUrl.optional().meta({
    description:
      'The same database over a direct connection, for LISTEN; needed where DATABASE_URL leads through a pooler in transaction mode. Default: DATABASE_URL.',
  }),
  DATABASE_FEED_POOL_SIZE: count(5, 1, 100).meta({
    description:
      'With BROKER=postgres: connections of this process for what overlays read, besides DATABASE_POOL_SIZE and three single ones.',
  }),
};

export interface StorageSettings {
  readonly DATABASE_POOL_SIZE: number;
  readonly DATABASE_POOLER: 'none' | 'transaction';
  readonly DATABASE_CONNECT_TIMEOUT_MS: number;
  readonly DATABASE_STATEMENT_TIMEOUT_MS: number;
  readonly DATABASE_LOCK_TIMEOUT_MS: number;
  readonly DATABASE_MIGRATE: boolean;
  readonly DATABASE_SCHEMA_WAIT_MS: number;
}

export interface StorageOptions {
  readonly url: string;
  /** Default 10. */
  readonly poolSize?: number;
  /** `transaction`: nothing may be set on a session, since the next statement may run on another. Default `none`. */
  readonly pooler?: 'none' | 'transaction';
  /** Default 5000. */
  readonly connectTimeoutMs?: number;
  /** Default 10000. */
  readonly statementTimeoutMs?: number;
  /** Default 5000. */
  readonly lockTimeoutMs?: number;
  /** Bring the schema to the head; `false` only checks that it is there. */
  readonly migrate: boolean;
  /** How long to wait at start for a schema that somebody else brings to the head. Default 0. */
  readonly schemaWaitMs?: number;
  /** How long to wait at start for a Postgres that is not up yet. Default 20000. */
  readonly startTimeoutMs?: number;
}

export function storageOptions(url: string, settings: StorageSettings): StorageOptions {
  return {
    url,
    poolSize: settings.DATABASE_POOL_SIZE,
    pooler: settings.DATABASE_POOLER,
    connectTimeoutMs: settings.DATABASE_CONNECT_TIMEOUT_MS,
    statementTimeoutMs: settings.DATABASE_STATEMENT_TIMEOUT_MS,
    lockTimeoutMs: settings.DATABASE_LOCK_TIMEOUT_MS,
    migrate: settings.DATABASE_MIGRATE,
    schemaWaitMs: settings.DATABASE_SCHEMA_WAIT_MS,
  };
}
