import type { QueryRunner } from 'typeorm';
import { change, SteppedMigration, validate } from './migration-steps.js';

/** Configs of the first version stay as they are: readers fill in what those lack. */
const OVERLAYS = `
ALTER TABLE overlays ADD COLUMN config_version integer NOT NULL DEFAULT 1 CONSTRAINT overlays_config_version_check CHECK (config_version > 0);
ALTER TABLE overlays ADD CONSTRAINT overlays_config_check CHECK (jsonb_typeof(config) = 'object') NOT VALID;
`;
const CREATORS = 'ALTER TABLE creators ADD COLUMN listed boolean NOT NULL DEFAULT false';

export class OverlayDocuments1764400000000 extends SteppedMigration {
  readonly name = 'OverlayDocuments1764400000000';
  readonly steps = [change(OVERLAYS), validate('overlays', 'overlays_config_check'), change(CREATORS)];

  override async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE creators DROP COLUMN listed;
      ALTER TABLE overlays DROP COLUMN config_version, DROP CONSTRAINT overlays_config_check;
    `);
  }
}
