import { Injectable } from '@nestjs/common';
import { WalletRegister, type Hex, type RegisteredWallet } from '@droppio/tips';
import * as z from 'zod';
import { bytesToHex, hexToBytes } from './columns.js';
import { Database } from './database.js';

const Wallet = z
  .object({ address: z.instanceof(Buffer), created_at: z.date() })
  .transform((row): RegisteredWallet => ({ address: bytesToHex(row.address), registeredAtMs: row.created_at.getTime() }));

/** $1 address after which the page begins, $2 limit. */
export const WALLETS = 'SELECT address, created_at FROM creator_wallets WHERE address > $1 ORDER BY address LIMIT $2';

/** $1 age in milliseconds, $2 limit. The age is told, not the time: only the database's clock counts here. */
export const WALLETS_SINCE = `
SELECT address, created_at FROM creator_wallets WHERE created_at >= now() - $1::bigint * interval '1 millisecond' ORDER BY created_at LIMIT $2`;

/** The wallets of all creators on Postgres, in pages of an index each. */
@Injectable()
export class PostgresWalletRegister extends WalletRegister {
  constructor(private readonly database: Database) {
    super();
  }

  override wallets({ after, limit }: { readonly after?: Hex; readonly limit: number }): Promise<readonly RegisteredWallet[]> {
    return this.database.rows(Wallet, WALLETS, [after === undefined ? Buffer.alloc(0) : hexToBytes(after), limit]);
  }

  override walletsSince(ageMs: number, limit: number): Promise<readonly RegisteredWallet[]> {
    return this.database.rows(Wallet, WALLETS_SINCE, [Math.ceil(ageMs), limit]);
  }
}
