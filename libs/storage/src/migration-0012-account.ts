import type { QueryRunner } from 'typeorm';
import { change, index, SteppedMigration } from './migration-steps.js';

/*
 * What happens to an account, and how its traces go: the audit log, who does which chore now, and what is still to be erased. Times of entries
 * are kept to the millisecond, since a page's cursor carries them through JavaScript. `erased_*` hold no account's data, so they outlive it.
 */
const TABLES = `
CREATE TABLE audit_entries (
  id uuid PRIMARY KEY,
  creator_id uuid CONSTRAINT audit_entries_creator REFERENCES creators (id) ON DELETE CASCADE,
  at timestamptz(3) NOT NULL DEFAULT now(),
  actor text NOT NULL CONSTRAINT audit_entries_actor_check CHECK (actor IN ('session', 'token', 'operator')),
  actor_id text CONSTRAINT audit_entries_actor_id_check CHECK (length(actor_id) <= 64),
  operation text NOT NULL CONSTRAINT audit_entries_operation_check CHECK (operation ~ '^[A-Za-z0-9_.]{1,64}$'),
  targets jsonb NOT NULL CONSTRAINT audit_entries_targets_check CHECK (jsonb_typeof(targets) = 'object' AND pg_column_size(targets) <= 2048),
  outcome text NOT NULL CONSTRAINT audit_entries_outcome_check CHECK (outcome IN ('done', 'refused', 'failed')),
  code text CONSTRAINT audit_entries_code_check CHECK (length(code) <= 64),
  request_id text NOT NULL CONSTRAINT audit_entries_request_check CHECK (length(request_id) <= 64),
  network text CONSTRAINT audit_entries_network_check CHECK (length(network) <= 64)
);
CREATE INDEX audit_entries_of ON audit_entries (creator_id, at, id);
CREATE INDEX audit_entries_by_operation ON audit_entries (creator_id, operation, at, id);
CREATE INDEX audit_entries_age ON audit_entries (at);

CREATE TABLE chores (
  name text CONSTRAINT chores_name PRIMARY KEY,
  taken_until timestamptz NOT NULL
);

CREATE TABLE erased_accounts (
  creator_id uuid CONSTRAINT erased_accounts_creator PRIMARY KEY,
  epoch text NOT NULL,
  head bigint NOT NULL,
  erased_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE erased_wallets (
  address bytea CONSTRAINT erased_wallets_address PRIMARY KEY CONSTRAINT erased_wallets_address_check CHECK (octet_length(address) = 20),
  erased_at timestamptz NOT NULL DEFAULT now(),
  due_at timestamptz NOT NULL DEFAULT now(),
  place jsonb
);
CREATE INDEX erased_wallets_due ON erased_wallets (due_at);
CREATE TABLE erased_messages (
  chain_id bigint NOT NULL,
  tx_hash bytea NOT NULL CONSTRAINT erased_messages_tx_hash_check CHECK (octet_length(tx_hash) = 32),
  ordinal integer NOT NULL,
  erased_at timestamptz NOT NULL DEFAULT now(),
  due_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (chain_id, tx_hash, ordinal)
);
CREATE INDEX erased_messages_due ON erased_messages (due_at);
`;
const MESSAGES = `tips (block_time_ms) WHERE message <> '' AND state = ANY (ARRAY['finalized'::text, 'lost'::text, 'dropped'::text])`;

export class Account1764900000000 extends SteppedMigration {
  readonly name = 'Account1764900000000';
  readonly steps = [change(TABLES), index('tips_messages', MESSAGES), index('tip_sightings_tx', 'tip_sightings (chain_id, tx_hash)')];

  override async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX tip_sightings_tx, tips_messages');
    await runner.query('DROP TABLE erased_messages, erased_wallets, erased_accounts, chores, audit_entries');
  }
}
