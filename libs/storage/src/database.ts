import { backoffMs } from '@droppio/tips';
import { Client } from 'pg';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import * as z from 'zod';
import type { SessionLimits } from './data-source.js';
import { planName } from './plan-names.js';
import { isCollision, isGoodbye, storageError } from './storage-errors.js';

/** Values that statements take: bytea as Buffer, int8 as number, everything wider as text. */
export type SqlValue = string | number | boolean | null | Buffer | readonly (string | null)[] | readonly Buffer[];

/** Runs statements and gives rows of the asked shape; a row of another shape is a bug and throws. */
export interface Sql {
  rows<S extends z.ZodType>(shape: S, statement: string, values?: readonly SqlValue[]): Promise<z.output<S>[]>;
  /** For statements whose rows nobody needs. */
  run(statement: string, values?: readonly SqlValue[]): Promise<void>;
}

/** A collision did nothing, so the work may run again; more often than this it is a fault of ours. */
const ATTEMPTS = 4;

/**
 * Postgres as this room sees it: statements and transactions on pooled connections, errors in our words. With a pooler in transaction mode
 * in between (`local`) it keeps no state on a session; without one, the statements on a tip's way are planned once a connection.
 */
export class Database implements Sql {
  constructor(
    readonly source: DataSource,
    private readonly limits: SessionLimits & { readonly local: boolean },
  ) {}

  rows<S extends z.ZodType>(shape: S, statement: string, values: readonly SqlValue[] = []): Promise<z.output<S>[]> {
    return this.attempt((runner) => this.on(runner).rows(shape, statement, values));
  }

  async run(statement: string, values: readonly SqlValue[] = []): Promise<void> {
    await this.attempt((runner) => this.on(runner).run(statement, values));
  }

  /** All or nothing. The work is run again after a deadlock, so it may do nothing but talk to the database. */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    return this.attempt(async (runner) => {
      const sql = this.on(runner);
      await sql.run('BEGIN');
      try {
        if (this.limits.local) await sql.run(this.localLimits());
        const result = await work(sql);
        await sql.run('COMMIT');
        return result;
      } catch (error) {
        // On a broken connection the server has rolled back by itself; the first error is the one that tells.
        await sql.run('ROLLBACK').catch(() => undefined);
        throw error;
      }
    });
  }

  /** Reads through entities. */
  async read<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    try {
      return await work(this.source.manager);
    } catch (error) {
      throw storageError(error);
    }
  }

  async ping(): Promise<void> {
    await this.run('SELECT 1');
  }

  /** Waits for running statements, then lets all connections go. Safe to call twice. */
  async close(): Promise<void> {
    if (this.source.isInitialized) await this.source.destroy();
  }

  private on(runner: QueryRunner): Connection {
    return new Connection(runner, !this.limits.local);
  }

  private async attempt<T>(work: (runner: QueryRunner) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      const runner = this.source.createQueryRunner();
      try {
        return await work(runner);
      } catch (error) {
        if (attempt === ATTEMPTS || !isCollision(error)) throw error;
      } finally {
        await runner.release();
      }
      await new Promise((resolve) => setTimeout(resolve, backoffMs(attempt, { baseMs: 5, capMs: 100 })));
    }
  }

  private localLimits(): string {
    const { statementTimeoutMs, lockTimeoutMs, idleInTransactionMs } = this.limits;
    return (
      `SET LOCAL statement_timeout = ${String(statementTimeoutMs)}; SET LOCAL lock_timeout = ${String(lockTimeoutMs)}; ` +
      `SET LOCAL idle_in_transaction_session_timeout = ${String(idleInTransactionMs)}`
    );
  }
}

class Connection implements Sql {
  constructor(
    private readonly runner: QueryRunner,
    private readonly keepsPlans: boolean,
  ) {}

  async rows<S extends z.ZodType>(shape: S, statement: string, values: readonly SqlValue[] = []): Promise<z.output<S>[]> {
    return z.array(shape).parse(await this.send(statement, values));
  }

  async run(statement: string, values: readonly SqlValue[] = []): Promise<void> {
    await this.send(statement, values);
  }

  private async send(statement: string, values: readonly SqlValue[]): Promise<unknown> {
    try {
      const name = this.keepsPlans ? planName(statement) : undefined;
      if (name !== undefined) return await this.execute(name, statement, values);
      const result: unknown = await this.runner.query(statement, values.length === 0 ? undefined : [...values]);
      return result;
    } catch (error) {
      const fault = storageError(error);
      if (isReadTimeout(error) || isGoodbye(fault)) await this.hangUp();
      throw fault;
    }
  }

  /** TypeORM passes no names on. */
  private async execute(name: string, text: string, values: readonly SqlValue[]): Promise<unknown> {
    const client: unknown = await this.runner.connect();
    if (!(client instanceof Client)) throw new TypeError('the pool gave something that is no pg client');
    const result: { readonly rows: unknown } = await client.query({ name, text, values: [...values] });
    return result.rows;
  }

  /**
   * pg leaves a statement that ran out of time on the wire, and the next user of the connection would wait behind it. A server that takes its
   * leave says so a moment before it hangs up, and the next user may be quicker than that.
   */
  private async hangUp(): Promise<void> {
    const client: unknown = await this.runner.connect();
    if (client instanceof Client) void client.end().catch(() => undefined);
  }
}

function isReadTimeout(error: unknown): boolean {
  return error instanceof Error && error.message.includes('Query read timeout');
}
