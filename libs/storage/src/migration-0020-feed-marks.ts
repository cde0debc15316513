import type { QueryRunner } from 'typeorm';
import { change, SteppedMigration } from './migration-steps.js';

/* What a relay notes on an event when it publishes it is no part of the ledger: for the newest ones the feed keeps it, one after the other. */
const MARKS = `
ALTER TABLE feed_streams
  ADD COLUMN pubs bigint[] NOT NULL DEFAULT '{}',
  ADD COLUMN traces text[] NOT NULL DEFAULT '{}'`;

export class FeedMarks1765700000000 extends SteppedMigration {
  readonly name = 'FeedMarks1765700000000';
  readonly steps = [change(MARKS)];

  override async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE feed_streams DROP COLUMN pubs, DROP COLUMN traces');
  }
}
