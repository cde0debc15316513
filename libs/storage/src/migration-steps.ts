import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import { backoffMs, StorageUnavailable } from '@droppio/tips';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import * as z from 'zod';
import { isCollision, storageError } from './storage-errors.js';

/** One thing that a migration does, in a transaction of its own where it may be in one. */
export type Step =
  /** Takes a table away from running statements, so it changes the catalogue alone, and of one busy table at a time. */
  | { readonly kind: 'change'; readonly sql: string }
  /** Lets others read and write, however long it takes. */
  | { readonly kind: 'quiet'; readonly sql: string }
  /** Built beside the traffic, outside of any transaction. */
  | { readonly kind: 'index'; readonly name: string; readonly on: string }
  /**
   * The same again and again, each time in one transaction, until the statement says that there is no `more`. It takes the `place` that it gave
   * the time before as $1, NULL at first.
   */
  | { readonly kind: 'batches'; readonly first?: string; readonly sql: string };

export const change = (sql: string): Step => ({ kind: 'change', sql });
export const quietly = (sql: string): Step => ({ kind: 'quiet', sql });
export const index = (name: string, on: string): Step => ({ kind: 'index', name, on });
export const batches = (batch: { first?: string; sql: string }): Step => ({ kind: 'batches', ...batch });
/** Of constraints that were added as NOT VALID: what is new obeys them already, now what was there is looked through. */
export const validate = (table: string, ...constraints: string[]): Step =>
  quietly(`ALTER TABLE ${table} ${constraints.map((name) => `VALIDATE CONSTRAINT ${name}`).join(', ')}`);

/** How far each migration is that is not at its end; the table is there only as long as there is one. */
export const STEPS_TABLE = `
CREATE TABLE IF NOT EXISTS schema_steps (
  migration text CONSTRAINT schema_steps_pkey PRIMARY KEY,
  done integer NOT NULL,
  place jsonb
)`;

/** Statements queue behind one that waits for a table as a whole: rather give up soon and come again. */
const CHANGE_WAIT_MS = 400;
/** Nobody queues behind these. Long enough for Postgres to send a vacuum away that holds the table. */
const QUIET_WAIT_MS = 20_000;
const STEP_LIMIT_MS = 3_600_000;
/** Within this somebody who reads a table for long must have come to an end. */
const PATIENCE_MS = 900_000;
const RETRY = { baseMs: 100, capMs: 3000 };
const LOCK_NOT_AVAILABLE = '55P03';

const Progress = z.tuple([z.object({ done: z.number(), place: z.unknown() })]);
const Batch = z.tuple([z.object({ place: z.unknown(), more: z.boolean() })]);
const Built = z.array(z.object({ valid: z.boolean() }));

/**
 * A migration of a database that is in use. It may be cut off anywhere: whatever was committed is noted in the same transaction, and the next
 * run goes on from there. What is built between two steps is valid for the version before, too.
 */
export abstract class SteppedMigration implements MigrationInterface {
  /** The executor opens none: steps have their own. */
  readonly transaction = false;
  abstract readonly name: string;
  abstract readonly steps: readonly Step[];

  /** All that it does, as text. */
  get schema(): string {
    return JSON.stringify(this.steps);
  }

  async up(runner: QueryRunner): Promise<void> {
    for (const [nth, step] of this.steps.entries()) await new StepRun(runner, this.name, nth).take(step);
  }

  abstract down(runner: QueryRunner): Promise<void>;
}

class StepRun {
  private readonly logger = new Logger('storage');

  constructor(
    private readonly runner: QueryRunner,
    private readonly migration: string,
    private readonly nth: number,
  ) {}

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case 'change':
        return this.once(CHANGE_WAIT_MS, step.sql);
      case 'quiet':
        return this.once(QUIET_WAIT_MS, step.sql);
      case 'index':
        return this.build(step.name, step.on);
      case 'batches':
        while (await this.whenFree(() => this.batch(step.sql, step.first)));
    }
  }

  private once(waitMs: number, sql: string): Promise<void> {
    return this.whenFree(() =>
      this.transaction(waitMs, async () => {
        await this.runner.query(sql);
        await this.note(this.nth + 1, null);
      }),
    ).then(() => undefined);
  }

  /** One that is there but not valid was being built when somebody died. */
  private build(name: string, on: string): Promise<void> {
    return this.whenFree(async () => {
      const found = Built.parse(
        await this.runner.query('SELECT indisvalid AS valid FROM pg_index WHERE indexrelid = to_regclass($1)', [name]),
      );
      const isOver = await this.transaction(QUIET_WAIT_MS, () => Promise.resolve(false));
      if (isOver === undefined) return;
      if (found[0]?.valid === false) await this.runner.query(`DROP INDEX CONCURRENTLY IF EXISTS ${name}`);
      if (found[0]?.valid !== true) await this.runner.query(`CREATE INDEX CONCURRENTLY ${name} ON ${on}`);
      await this.transaction(QUIET_WAIT_MS, () => this.note(this.nth + 1, null));
    });
  }

  private async batch(sql: string, first?: string): Promise<boolean> {
    const isMore = await this.transaction(QUIET_WAIT_MS, async (before) => {
      if (first !== undefined) await this.runner.query(first);
      const [{ place, more }] = Batch.parse(await this.runner.query(sql, [asJson(before)]));
      if (more) await this.note(this.nth, place);
      else await this.note(this.nth + 1, null);
      return more;
    });
    return isMore === true;
  }

  private async note(done: number, place: unknown): Promise<void> {
    const values = [this.migration, done, asJson(place)];
    await this.runner.query('UPDATE schema_steps SET done = $2, place = $3::jsonb WHERE migration = $1', values);
  }

  /** `undefined`, with nothing done, where this step was taken before. The row is locked, so whoever else is at it by mistake comes after. */
  private async transaction<T>(waitMs: number, work: (place: unknown) => Promise<T>): Promise<T | undefined> {
    await this.runner.startTransaction();
    try {
      await this.runner.query(`SET LOCAL lock_timeout = ${String(waitMs)}; SET LOCAL statement_timeout = ${String(STEP_LIMIT_MS)}`);
      await this.runner.query('INSERT INTO schema_steps (migration, done) VALUES ($1, 0) ON CONFLICT DO NOTHING', [this.migration]);
      const found: unknown = await this.runner.query('SELECT done, place FROM schema_steps WHERE migration = $1 FOR UPDATE', [
        this.migration,
      ]);
      const [{ done, place }] = Progress.parse(found);
      const result = done === this.nth ? await work(place) : undefined;
      await this.runner.commitTransaction();
      return result;
    } catch (error) {
      await this.runner.rollbackTransaction().catch(() => undefined);
      throw error;
    }
  }

  /** Again after a wait that was given up, or a deadlock: neither did anything. */
  private async whenFree<T>(work: () => Promise<T>): Promise<T> {
    const giveUpAt = performance.now() + PATIENCE_MS;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await work();
      } catch (error) {
        const fault = storageError(error);
        if (!isPassing(fault) || performance.now() > giveUpAt) throw fault;
        this.logger.log('schema.busy', { migration: this.migration, step: this.nth, ...errorFields(fault) });
        await new Promise((resolve) => setTimeout(resolve, RETRY.baseMs + backoffMs(attempt, RETRY)));
      }
    }
  }
}

function asJson(place: unknown): string | null {
  return place === null ? null : JSON.stringify(place);
}

function isPassing(fault: Error): boolean {
  return isCollision(fault) || (fault instanceof StorageUnavailable && fault.context['sqlState'] === LOCK_NOT_AVAILABLE);
}
