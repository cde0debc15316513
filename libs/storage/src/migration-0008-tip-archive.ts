import type { QueryRunner } from 'typeorm';
import { index, SteppedMigration } from './migration-steps.js';

/*
 * The way from a tip to the events that told of it. A hash index: it is asked for one very value, and stays at 32 bytes a row where a tree
 * has 106. What it costs a commit is too little to be measured.
 */
export class TipArchive1764500000000 extends SteppedMigration {
  readonly name = 'TipArchive1764500000000';
  readonly steps = [index('creator_events_about', `creator_events USING hash ((payload->>'id'))`)];

  override async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX creator_events_about');
  }
}
