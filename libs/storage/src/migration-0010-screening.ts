import type { QueryRunner } from 'typeorm';
import { change, index, SteppedMigration, validate } from './migration-steps.js';

/*
 * Everything new is empty for creators without rules: `screens` is false, and tips carry no `screening`, so no index of it holds them.
 * - `screens` and `rules_version` stand in the stream's row, since whoever tells of a tip holds its lock: rules cannot change under his hands.
 * - `shown` is what overlays see of a tip where that is not its display. The display stays as the chain has it, so that forks compare the
 *   chain's facts.
 */
const RULES = `
CREATE TABLE moderation_rules (
  creator_id uuid PRIMARY KEY CONSTRAINT moderation_rules_creator REFERENCES creators (id) ON DELETE CASCADE,
  rules jsonb NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now()
)`;
const STREAMS = `
ALTER TABLE creator_streams
  ADD COLUMN screens boolean NOT NULL DEFAULT false,
  ADD COLUMN rules_version integer NOT NULL DEFAULT 1,
  ADD COLUMN paused boolean,
  ADD COLUMN muted boolean,
  ADD CONSTRAINT creator_streams_rules_check CHECK (rules_version > 0) NOT VALID`;
const TIPS = `
ALTER TABLE tips
  ADD COLUMN screening text,
  ADD COLUMN screening_reason text,
  ADD COLUMN shown jsonb,
  ADD CONSTRAINT tips_screening_check CHECK (screening IN ('waiting', 'held', 'rejected', 'shown')) NOT VALID,
  ADD CONSTRAINT tips_unshown_check CHECK (screening IS NULL OR screening NOT IN ('held', 'rejected') OR NOT told) NOT VALID,
  ADD CONSTRAINT tips_screened_check CHECK (told_to IS NOT NULL OR (screening IS NULL AND shown IS NULL)) NOT VALID`;
const REFUSAL = `
CREATE FUNCTION rules_have_changed() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the creator set rules while this was on its way' USING ERRCODE = 'serialization_failure';
END $$`;

export class Screening1764700000000 extends SteppedMigration {
  readonly name = 'Screening1764700000000';
  readonly steps = [
    change(RULES),
    change(STREAMS),
    validate('creator_streams', 'creator_streams_rules_check'),
    change(TIPS),
    validate('tips', 'tips_screening_check', 'tips_unshown_check', 'tips_screened_check'),
    index('tips_waiting', `tips (told_to) WHERE screening = 'waiting'`),
    index('tips_screened', 'tips (told_to, screening, block_time_ms, chain_id, tx_hash, ordinal) WHERE screening IS NOT NULL'),
    index('tips_let_through', `tips (told_to, sender) WHERE screening = 'shown'`),
    change(REFUSAL),
  ];

  override async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP FUNCTION rules_have_changed()');
    await runner.query('DROP INDEX tips_let_through, tips_screened, tips_waiting');
    await runner.query('ALTER TABLE tips DROP COLUMN shown, DROP COLUMN screening_reason, DROP COLUMN screening');
    await runner.query('ALTER TABLE creator_streams DROP COLUMN muted, DROP COLUMN paused, DROP COLUMN rules_version, DROP COLUMN screens');
    await runner.query('DROP TABLE moderation_rules');
  }
}
