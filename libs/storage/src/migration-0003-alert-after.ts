import type { QueryRunner } from 'typeorm';
import { change, index, SteppedMigration, validate } from './migration-steps.js';

/*
 * `told` is true by default, so that a listener of the version before, which tells of every tip at once, goes on writing the truth while
 * the new one is being rolled out.
 */
const CREATORS = `
ALTER TABLE creators ADD COLUMN alert_after integer NOT NULL DEFAULT 1
  CONSTRAINT creators_alert_after_check CHECK (alert_after BETWEEN 0 AND 64)`;
const TIPS = `
ALTER TABLE tips ADD COLUMN told boolean NOT NULL DEFAULT true, ADD COLUMN due_number bigint,
  ADD CONSTRAINT tips_due_check CHECK (due_number IS NULL OR (told_to IS NOT NULL AND NOT told)) NOT VALID`;

export class AlertAfter1764000000000 extends SteppedMigration {
  readonly name = 'AlertAfter1764000000000';
  readonly steps = [
    change(CREATORS),
    change(TIPS),
    validate('tips', 'tips_due_check'),
    index('tips_due', 'tips (chain_id, due_number) WHERE due_number IS NOT NULL'),
    index('tips_seen', `tips (chain_id, block_number) WHERE state = 'seen'`),
  ];

  override async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX tips_seen, tips_due');
    await runner.query('ALTER TABLE tips DROP COLUMN due_number, DROP COLUMN told');
    await runner.query('ALTER TABLE creators DROP COLUMN alert_after');
  }
}
