import type { QueryRunner } from 'typeorm';
import { change, SteppedMigration } from './migration-steps.js';

/*
 * Creators' images and sounds. The bytes stand apart, so that lists and exports never read them, and outside of their rows as they are:
 * they are compressed already. Quotas are settings; the checks are what no setting may allow.
 */
const SCHEMA = `
CREATE TABLE assets (
  id text CONSTRAINT assets_pkey PRIMARY KEY CONSTRAINT assets_id_check CHECK (id ~ '^ast_[A-Za-z0-9]{24}$'),
  nth bigint GENERATED ALWAYS AS IDENTITY,
  creator_id uuid NOT NULL CONSTRAINT assets_creator REFERENCES creators (id) ON DELETE CASCADE,
  kind text NOT NULL CONSTRAINT assets_kind_check CHECK (kind IN ('image', 'sound')),
  type text NOT NULL CONSTRAINT assets_type_check
    CHECK (CASE kind WHEN 'image' THEN type = 'image/webp' ELSE type IN ('audio/wav', 'audio/mpeg', 'audio/ogg') END),
  name text NOT NULL CONSTRAINT assets_name_check CHECK (length(name) <= 200),
  size integer NOT NULL CONSTRAINT assets_size_check CHECK (size BETWEEN 1 AND 4194304),
  width integer CONSTRAINT assets_width_check CHECK (width > 0),
  height integer CONSTRAINT assets_height_check CHECK (height > 0),
  frames integer CONSTRAINT assets_frames_check CHECK (frames > 0),
  duration_ms integer CONSTRAINT assets_duration_check CHECK (duration_ms >= 0),
  source_hash bytea NOT NULL CONSTRAINT assets_source_check CHECK (octet_length(source_hash) = 32),
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT assets_source UNIQUE (creator_id, source_hash)
);
CREATE INDEX assets_of ON assets (creator_id, nth);

CREATE TABLE asset_files (
  asset_id text CONSTRAINT asset_files_pkey PRIMARY KEY CONSTRAINT asset_files_asset REFERENCES assets (id) ON DELETE CASCADE,
  bytes bytea NOT NULL CONSTRAINT asset_files_bytes_check CHECK (octet_length(bytes) BETWEEN 1 AND 4194304)
);
ALTER TABLE asset_files ALTER COLUMN bytes SET STORAGE EXTERNAL;
`;

export class Assets1765400000000 extends SteppedMigration {
  readonly name = 'Assets1765400000000';
  readonly steps = [change(SCHEMA)];

  override async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE asset_files, assets');
  }
}
