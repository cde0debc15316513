import type { QueryRunner } from 'typeorm';
import { change, SteppedMigration } from './migration-steps.js';

const TABLES = `
CREATE TABLE spent_nonces (
  hash bytea NOT NULL CONSTRAINT spent_nonces_hash PRIMARY KEY CHECK (octet_length(hash) = 32),
  expires_at timestamptz NOT NULL
);
CREATE INDEX spent_nonces_expiry ON spent_nonces (expires_at);

CREATE TABLE sessions (
  id uuid PRIMARY KEY,
  secret_hash bytea NOT NULL CONSTRAINT sessions_secret UNIQUE CHECK (octet_length(secret_hash) = 32),
  creator_id uuid NOT NULL CONSTRAINT sessions_creator REFERENCES creators (id) ON DELETE CASCADE,
  agent text NOT NULL CHECK (length(agent) <= 200),
  idle_ms bigint NOT NULL CHECK (idle_ms > 0),
  created_at timestamptz NOT NULL DEFAULT now(),
  seen_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_of ON sessions (creator_id, created_at);
`;

export class SignIn1763900000000 extends SteppedMigration {
  readonly name = 'SignIn1763900000000';
  readonly steps = [change(TABLES)];

  override async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE sessions, spent_nonces');
  }
}
