import type { QueryRunner } from 'typeorm';
import { change, SteppedMigration } from './migration-steps.js';

/*
 * Tokens that are there already keep every scope, and so do those that a version before makes while the new one is being rolled out: hence
 * the defaults.
 */
const TOKENS = `
ALTER TABLE access_tokens
  ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid() CONSTRAINT access_tokens_id UNIQUE,
  ADD COLUMN name text NOT NULL DEFAULT 'first token' CONSTRAINT access_tokens_name_check CHECK (length(name) BETWEEN 1 AND 200),
  ADD COLUMN scopes text[] NOT NULL DEFAULT '{read,write,moderate,account}' CONSTRAINT access_tokens_scopes_check
    CHECK (cardinality(scopes) > 0 AND scopes <@ '{read,write,moderate,account}'::text[]),
  ADD COLUMN last_used_at timestamptz,
  ADD COLUMN expires_at timestamptz`;
const KEYS = `
CREATE TABLE idempotency_keys (
  creator_id uuid NOT NULL CONSTRAINT idempotency_keys_creator REFERENCES creators (id) ON DELETE CASCADE,
  key_hash bytea NOT NULL CHECK (octet_length(key_hash) = 32),
  fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
  owner uuid NOT NULL,
  claimed_at timestamptz NOT NULL DEFAULT now(),
  created_at timestamptz NOT NULL DEFAULT now(),
  status smallint CHECK (status BETWEEN 200 AND 499),
  body text CHECK (length(body) <= 65536),
  headers jsonb,
  CONSTRAINT idempotency_keys_key PRIMARY KEY (creator_id, key_hash)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
`;

export class Credentials1764300000000 extends SteppedMigration {
  readonly name = 'Credentials1764300000000';
  readonly steps = [change(TOKENS), change(KEYS)];

  override async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE idempotency_keys');
    await runner.query(
      'ALTER TABLE access_tokens DROP COLUMN expires_at, DROP COLUMN last_used_at, DROP COLUMN scopes, DROP COLUMN name, DROP COLUMN id',
    );
  }
}
