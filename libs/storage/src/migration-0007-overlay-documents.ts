import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Configs of the first version stay as they are: readers fill in what those lack. */
const SCHEMA = `
ALTER TABLE overlays ADD COLUMN config_version integer NOT NULL DEFAULT 1 CONSTRAINT overlays_config_version_check CHECK (config_version > 0);
ALTER TABLE overlays ADD CONSTRAINT overlays_config_check CHECK (jsonb_typeof(config) = 'object');
ALTER TABLE creators ADD COLUMN listed boolean NOT NULL DEFAULT false;
`;

export class OverlayDocuments1764400000000 implements MigrationInterface {
  readonly name = 'OverlayDocuments1764400000000';
  readonly schema = SCHEMA;

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(SCHEMA);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE creators DROP COLUMN listed;
      ALTER TABLE overlays DROP COLUMN config_version, DROP CONSTRAINT overlays_config_check;
    `);
  }
}
