import type { QueryRunner } from 'typeorm';
import { change, quietly, SteppedMigration } from './migration-steps.js';

/*
 * That a message was erased is a fact of its tip. Whoever stores a block reads it under the lock of the tip's row; a table beside it would be
 * read as it was when the statement began, and an erasure that the statement waited for would be undone.
 */
const COLUMN = 'ALTER TABLE tips ADD COLUMN erased boolean NOT NULL DEFAULT false';
const PAST = `
UPDATE tips t SET erased = true FROM erased_messages m WHERE (t.chain_id, t.tx_hash, t.ordinal) = (m.chain_id, m.tx_hash, m.ordinal)`;

export class ErasedTips1765100000000 extends SteppedMigration {
  readonly name = 'ErasedTips1765100000000';
  readonly steps = [change(COLUMN), quietly(PAST)];

  override async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE tips DROP COLUMN erased');
  }
}
