import type { QueryRunner } from 'typeorm';
import { change, SteppedMigration, validate } from './migration-steps.js';

/*
 * A contract has one address on many chains and not one owner: each chain says for itself who may sign. So the one that was asked is kept. Wallets
 * of keys have none, and neither has whatever was here before.
 */
const COLUMN = `
ALTER TABLE creator_wallets
  ADD COLUMN proven_on bigint,
  ADD CONSTRAINT creator_wallets_proven_on_check CHECK (proven_on > 0) NOT VALID`;

export class ProvenWallets1765500000000 extends SteppedMigration {
  readonly name = 'ProvenWallets1765500000000';
  readonly steps = [change(COLUMN), validate('creator_wallets', 'creator_wallets_proven_on_check')];

  override async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE creator_wallets DROP COLUMN proven_on');
  }
}
