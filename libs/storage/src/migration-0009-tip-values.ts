import type { QueryRunner } from 'typeorm';
import { change, index, SteppedMigration } from './migration-steps.js';

/*
 * A tip whose `valued_block` is not its block waits for a price: that is every new one and every one that a reorganisation moved, without a
 * word from those who store tips. The index holds only these, newest last for each token. A note of failure may ask for another look.
 */
const UNVALUED = `tips (chain_id, token, block_number)
  WHERE valued_block IS DISTINCT FROM block_hash AND state = ANY (ARRAY['confirmed'::text, 'safe'::text, 'finalized'::text])`;
const TABLE = `
CREATE TABLE tip_values (
  chain_id bigint NOT NULL,
  tx_hash bytea NOT NULL,
  ordinal integer NOT NULL,
  block_hash bytea NOT NULL CONSTRAINT tip_values_block_check CHECK (octet_length(block_hash) = 32),
  usd numeric(38,8) CONSTRAINT tip_values_usd_check CHECK (usd >= 0),
  price numeric CONSTRAINT tip_values_price_check CHECK (price > 0),
  source text,
  round_id numeric(25,0),
  priced_at timestamptz,
  unavailable text CONSTRAINT tip_values_reason_check CHECK (length(unavailable) BETWEEN 1 AND 40),
  failures integer NOT NULL DEFAULT 0 CONSTRAINT tip_values_failures_check CHECK (failures >= 0),
  retry_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (chain_id, tx_hash, ordinal),
  CONSTRAINT tip_values_tip FOREIGN KEY (chain_id, tx_hash, ordinal) REFERENCES tips (chain_id, tx_hash, ordinal) ON DELETE CASCADE,
  CONSTRAINT tip_values_whole_check CHECK (num_nulls(usd, price, source, priced_at) = CASE WHEN unavailable IS NULL THEN 0 ELSE 4 END),
  CONSTRAINT tip_values_retry_check CHECK (retry_at IS NULL OR unavailable IS NOT NULL)
);
CREATE INDEX tip_values_retry ON tip_values (chain_id, retry_at) WHERE retry_at IS NOT NULL;
`;

export class TipValues1764600000000 extends SteppedMigration {
  readonly name = 'TipValues1764600000000';
  readonly steps = [change('ALTER TABLE tips ADD COLUMN valued_block bytea'), index('tips_unvalued', UNVALUED), change(TABLE)];

  override async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE tip_values');
    await runner.query('ALTER TABLE tips DROP COLUMN valued_block');
  }
}
