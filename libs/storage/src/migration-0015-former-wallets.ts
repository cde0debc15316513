import type { QueryRunner } from 'typeorm';
import { batches, change, quietly, SteppedMigration } from './migration-steps.js';

/** An account's past outlives its wallets: what they have received goes with the account. */
const TABLE = `
CREATE TABLE former_wallets (
  creator_id uuid NOT NULL CONSTRAINT former_wallets_creator REFERENCES creators (id) ON DELETE CASCADE,
  address bytea NOT NULL CONSTRAINT former_wallets_address_check CHECK (octet_length(address) = 20),
  unlinked_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT former_wallets_pkey PRIMARY KEY (creator_id, address)
)`;
const ERASED = 'ALTER TABLE erased_wallets ADD COLUMN is_former boolean NOT NULL DEFAULT false';

/** Who was told of tips to a wallet that is not his now had it once; when it left him nobody knows. */
const PAGE = 2000;
const PAST = `
WITH page AS MATERIALIZED (
  SELECT chain_id, tx_hash, ordinal, wallet, told_to FROM tips WHERE (chain_id, tx_hash, ordinal)
    > (coalesce(($1::jsonb->>'chain')::bigint, 0), decode(coalesce($1::jsonb->>'tx', ''), 'hex'), coalesce(($1::jsonb->>'ordinal')::int, -1))
  ORDER BY chain_id, tx_hash, ordinal LIMIT ${String(PAGE)}
), owners AS MATERIALIZED (
  SELECT id FROM creators WHERE id IN (SELECT told_to FROM page) FOR KEY SHARE
), noted AS (
  INSERT INTO former_wallets (creator_id, address)
  SELECT DISTINCT owners.id, page.wallet FROM page JOIN owners ON owners.id = page.told_to
  WHERE NOT EXISTS (SELECT FROM creator_wallets w WHERE w.address = page.wallet AND w.creator_id = page.told_to)
  ON CONFLICT DO NOTHING
)
SELECT count(*) = ${String(PAGE)} AS more, (SELECT jsonb_build_object('chain', chain_id, 'tx', encode(tx_hash, 'hex'), 'ordinal', ordinal)
  FROM page ORDER BY chain_id DESC, tx_hash DESC, ordinal DESC LIMIT 1) AS place
FROM page`;

/** Messages of tips were kept here, too: of no use to anybody, and out of reach of their erasure. */
const ANSWERS = `UPDATE idempotency_keys SET body = NULL, headers = NULL WHERE body LIKE '%"original":{%'`;
const LOGS = `
WITH page AS MATERIALIZED (
  SELECT chain_id, block_hash, log_index FROM quarantined_logs WHERE (chain_id, block_hash, log_index)
    > (coalesce(($1::jsonb->>'chain')::bigint, 0), decode(coalesce($1::jsonb->>'block', ''), 'hex'), coalesce(($1::jsonb->>'log')::int, -2147483648))
  ORDER BY chain_id, block_hash, log_index LIMIT ${String(PAGE)}
), emptied AS (
  UPDATE quarantined_logs q SET raw = '' FROM page
  WHERE (q.chain_id, q.block_hash, q.log_index) = (page.chain_id, page.block_hash, page.log_index)
)
SELECT count(*) = ${String(PAGE)} AS more, (SELECT jsonb_build_object('chain', chain_id, 'block', encode(block_hash, 'hex'), 'log', log_index)
  FROM page ORDER BY chain_id DESC, block_hash DESC, log_index DESC LIMIT 1) AS place
FROM page`;

export class FormerWallets1765200000000 extends SteppedMigration {
  readonly name = 'FormerWallets1765200000000';
  readonly steps = [change(TABLE), change(ERASED), batches({ sql: PAST }), quietly(ANSWERS), batches({ sql: LOGS })];

  override async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE erased_wallets DROP COLUMN is_former');
    await runner.query('DROP TABLE former_wallets');
  }
}
