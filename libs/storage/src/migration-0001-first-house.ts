import type { QueryRunner } from 'typeorm';
import { change, SteppedMigration } from './migration-steps.js';

/*
 * Checks guard what no code path may ever break: lengths of hashes, positive seqs, states that exist, a stream that is never ahead of itself.
 * Rows that change with every block or event get free room on their page, so that updates stay in place and touch no index.
 */
const TABLES = `
CREATE TABLE chain_cursors (
  chain_id bigint PRIMARY KEY CHECK (chain_id > 0),
  number bigint NOT NULL CHECK (number >= 0),
  hash bytea NOT NULL CHECK (octet_length(hash) = 32),
  epoch bigint NOT NULL CHECK (epoch >= 0),
  safe_number bigint,
  finalized_number bigint,
  updated_at timestamptz NOT NULL DEFAULT now(),
  CHECK (safe_number <= number AND finalized_number <= number)
) WITH (fillfactor = 50);

CREATE TABLE chain_blocks (
  chain_id bigint NOT NULL,
  hash bytea NOT NULL CHECK (octet_length(hash) = 32),
  number bigint NOT NULL CHECK (number >= 0),
  parent_hash bytea NOT NULL CHECK (octet_length(parent_hash) = 32),
  time_ms bigint NOT NULL,
  seen_at_ms bigint NOT NULL,
  canonical boolean NOT NULL,
  PRIMARY KEY (chain_id, hash)
);
CREATE UNIQUE INDEX chain_blocks_canonical ON chain_blocks (chain_id, number) WHERE canonical;
CREATE INDEX chain_blocks_height ON chain_blocks (chain_id, number);

CREATE TABLE chain_leases (
  chain_id bigint PRIMARY KEY,
  holder text NOT NULL,
  epoch bigint NOT NULL CHECK (epoch > 0),
  expires_at timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE quarantined_logs (
  chain_id bigint NOT NULL,
  block_hash bytea NOT NULL,
  log_index integer NOT NULL,
  block_number bigint NOT NULL,
  code text NOT NULL,
  raw bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (chain_id, block_hash, log_index)
);

CREATE TABLE tip_sightings (
  chain_id bigint NOT NULL,
  block_hash bytea NOT NULL CHECK (octet_length(block_hash) = 32),
  log_index integer NOT NULL CHECK (log_index >= 0),
  block_number bigint NOT NULL,
  tx_hash bytea NOT NULL CHECK (octet_length(tx_hash) = 32),
  ordinal integer NOT NULL CHECK (ordinal >= 0),
  wallet bytea NOT NULL CHECK (octet_length(wallet) = 20),
  sender bytea NOT NULL CHECK (octet_length(sender) = 20),
  token bytea NOT NULL CHECK (octet_length(token) = 20),
  amount numeric(78,0) NOT NULL CHECK (amount >= 0),
  message text NOT NULL,
  ref bytea NOT NULL CHECK (octet_length(ref) = 32),
  seen_at_ms bigint NOT NULL,
  PRIMARY KEY (chain_id, block_hash, log_index)
);

CREATE TABLE tips (
  chain_id bigint NOT NULL,
  tx_hash bytea NOT NULL CHECK (octet_length(tx_hash) = 32),
  ordinal integer NOT NULL CHECK (ordinal >= 0),
  wallet bytea NOT NULL CHECK (octet_length(wallet) = 20),
  sender bytea NOT NULL CHECK (octet_length(sender) = 20),
  token bytea NOT NULL CHECK (octet_length(token) = 20),
  amount numeric(78,0) NOT NULL CHECK (amount >= 0),
  message text NOT NULL,
  ref bytea NOT NULL CHECK (octet_length(ref) = 32),
  display jsonb,
  told_to uuid,
  state text NOT NULL CHECK (state IN ('seen', 'confirmed', 'safe', 'finalized', 'orphaned', 'lost', 'dropped')),
  rev integer NOT NULL CHECK (rev > 0),
  block_number bigint NOT NULL CHECK (block_number >= 0),
  block_hash bytea NOT NULL CHECK (octet_length(block_hash) = 32),
  block_time_ms bigint NOT NULL,
  log_index integer NOT NULL CHECK (log_index >= 0),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (chain_id, tx_hash, ordinal),
  CHECK (told_to IS NULL OR display IS NOT NULL)
);
CREATE INDEX tips_history ON tips (wallet, block_time_ms, chain_id, block_number, log_index, tx_hash);
CREATE INDEX tips_open ON tips (chain_id, block_number) WHERE state = ANY (ARRAY['confirmed'::text, 'safe'::text, 'orphaned'::text]);

CREATE TABLE creators (
  id uuid PRIMARY KEY,
  handle text NOT NULL CONSTRAINT creators_handle UNIQUE CHECK (handle ~ '^[a-z0-9_-]{3,32}$'),
  display_name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE creator_wallets (
  address bytea NOT NULL CONSTRAINT creator_wallets_address PRIMARY KEY CHECK (octet_length(address) = 20),
  creator_id uuid NOT NULL CONSTRAINT creator_wallets_creator REFERENCES creators (id) ON DELETE CASCADE,
  position integer NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX creator_wallets_of ON creator_wallets (creator_id, position);

CREATE TABLE creator_streams (
  creator_id uuid PRIMARY KEY CONSTRAINT creator_streams_creator REFERENCES creators (id) ON DELETE CASCADE,
  epoch text NOT NULL CHECK (epoch ~ '^[A-Za-z0-9_-]{8,12}$'),
  head bigint NOT NULL DEFAULT 0 CHECK (head >= 0),
  published bigint NOT NULL DEFAULT 0 CHECK (published >= 0),
  unpublished_since timestamptz,
  CHECK (published <= head),
  CHECK ((unpublished_since IS NULL) = (published = head))
) WITH (fillfactor = 50);
CREATE INDEX creator_streams_unpublished ON creator_streams (unpublished_since) WHERE unpublished_since IS NOT NULL;

CREATE TABLE creator_events (
  creator_id uuid NOT NULL CONSTRAINT creator_events_creator REFERENCES creators (id) ON DELETE CASCADE,
  seq bigint NOT NULL CHECK (seq > 0),
  type text NOT NULL CHECK (type IN ('tip', 'tip.updated', 'tip.retracted', 'test', 'config', 'control')),
  payload jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (creator_id, seq),
  CHECK ((payload->>'seq')::bigint = seq AND payload->>'type' = type)
);

CREATE TABLE overlays (
  id uuid PRIMARY KEY,
  creator_id uuid NOT NULL CONSTRAINT overlays_creator REFERENCES creators (id) ON DELETE CASCADE,
  name text NOT NULL,
  enabled boolean NOT NULL DEFAULT true,
  version integer NOT NULL DEFAULT 1 CHECK (version > 0),
  config jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX overlays_of ON overlays (creator_id, created_at);

CREATE TABLE access_tokens (
  hash bytea NOT NULL CONSTRAINT access_tokens_hash PRIMARY KEY CHECK (octet_length(hash) = 32),
  creator_id uuid NOT NULL CONSTRAINT access_tokens_creator REFERENCES creators (id) ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX access_tokens_of ON access_tokens (creator_id);
`;

const NAMES = [
  'access_tokens',
  'overlays',
  'creator_events',
  'creator_streams',
  'creator_wallets',
  'creators',
  'tips',
  'tip_sightings',
  'quarantined_logs',
  'chain_leases',
  'chain_blocks',
  'chain_cursors',
];

export class FirstHouse1763800000000 extends SteppedMigration {
  readonly name = 'FirstHouse1763800000000';
  readonly steps = [change(TABLES)];

  override async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE ${NAMES.join(', ')}`);
  }
}
