import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Whoever looks for payments asks every second which wallets are new. */
const INDEX = 'CREATE INDEX creator_wallets_created ON creator_wallets (created_at);';

export class WalletAge1764200000000 implements MigrationInterface {
  readonly name = 'WalletAge1764200000000';
  readonly schema = INDEX;

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(INDEX);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX creator_wallets_created');
  }
}
