import type { QueryRunner } from 'typeorm';
import { change, SteppedMigration } from './migration-steps.js';

/*
 * Which heights were searched for what, apart from the walk: that one is known by where it began with its filter and where its cursor is.
 * Cursors that exist already began somewhere, nobody knows where: NULL, so nothing counts as walked until a leader opens the chain again.
 */
const TABLE = `
CREATE TABLE chain_coverage (
  chain_id bigint NOT NULL,
  filter text NOT NULL CHECK (length(filter) BETWEEN 1 AND 64),
  from_number bigint NOT NULL CHECK (from_number >= 0),
  to_number bigint NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (chain_id, filter, from_number),
  CHECK (to_number >= from_number)
)`;
const CURSORS = `
ALTER TABLE chain_cursors
  ADD COLUMN begun_number bigint,
  ADD COLUMN walk_filter text,
  ADD COLUMN walk_from bigint,
  ADD CHECK ((walk_filter IS NULL) = (walk_from IS NULL))`;

export class Coverage1764100000000 extends SteppedMigration {
  readonly name = 'Coverage1764100000000';
  readonly steps = [change(TABLE), change(CURSORS)];

  override async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE chain_cursors DROP COLUMN begun_number, DROP COLUMN walk_filter, DROP COLUMN walk_from');
    await runner.query('DROP TABLE chain_coverage');
  }
}
