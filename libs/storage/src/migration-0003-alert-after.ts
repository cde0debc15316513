import type { MigrationInterface, QueryRunner } from 'typeorm';

/*
 * `told` is true by default, so that a listener of the version before, which tells of every tip at once, goes on writing the truth while
 * the new one is being rolled out.
 */
const CHANGES = `
ALTER TABLE creators ADD COLUMN alert_after integer NOT NULL DEFAULT 1
  CONSTRAINT creators_alert_after_check CHECK (alert_after BETWEEN 0 AND 64);
ALTER TABLE tips ADD COLUMN told boolean NOT NULL DEFAULT true, ADD COLUMN due_number bigint,
  ADD CONSTRAINT tips_due_check CHECK (due_number IS NULL OR (told_to IS NOT NULL AND NOT told));
CREATE INDEX tips_due ON tips (chain_id, due_number) WHERE due_number IS NOT NULL;
CREATE INDEX tips_seen ON tips (chain_id, block_number) WHERE state = 'seen';
`;

export class AlertAfter1764000000000 implements MigrationInterface {
  readonly name = 'AlertAfter1764000000000';
  readonly schema = CHANGES;

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(CHANGES);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX tips_seen, tips_due');
    await runner.query('ALTER TABLE tips DROP COLUMN due_number, DROP COLUMN told');
    await runner.query('ALTER TABLE creators DROP COLUMN alert_after');
  }
}
