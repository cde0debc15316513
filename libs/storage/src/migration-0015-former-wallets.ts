import type { MigrationInterface, QueryRunner } from 'typeorm';

/** An account's past outlives its wallets: what they have received goes with the account. */
const SCHEMA = `
CREATE TABLE former_wallets (
  creator_id uuid NOT NULL CONSTRAINT former_wallets_creator REFERENCES creators (id) ON DELETE CASCADE,
  address bytea NOT NULL CONSTRAINT former_wallets_address_check CHECK (octet_length(address) = 20),
  unlinked_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT former_wallets_pkey PRIMARY KEY (creator_id, address)
);
ALTER TABLE erased_wallets ADD COLUMN is_former boolean NOT NULL DEFAULT false;
`;

export class FormerWallets1765200000000 implements MigrationInterface {
  readonly name = 'FormerWallets1765200000000';
  readonly schema = SCHEMA;

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(SCHEMA);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE erased_wallets DROP COLUMN is_former');
    await runner.query('DROP TABLE former_wallets');
  }
}
