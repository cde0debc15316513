import type { QueryRunner } from 'typeorm';
import { change, SteppedMigration } from './migration-steps.js';

/** Whoever looks for payments asks every second which wallets are new. */
const INDEX = 'CREATE INDEX creator_wallets_created ON creator_wallets (created_at);';

export class WalletAge1764200000000 extends SteppedMigration {
  readonly name = 'WalletAge1764200000000';
  readonly steps = [change(INDEX)];

  override async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX creator_wallets_created');
  }
}
