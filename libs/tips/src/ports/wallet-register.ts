import type { Hex } from '../hex.js';

/** A wallet of a creator. */
export interface RegisteredWallet {
  readonly address: Hex;
  /** Unix milliseconds, by the database's clock. */
  readonly registeredAtMs: number;
}

/**
 * The wallets of all creators, for whoever looks for payments to them: read whole now and then, and what is new every moment. A wallet may be
 * told again. Throws `StorageUnavailable`. Implementations: `PostgresWalletRegister`, `MemoryWalletRegister`.
 */
export abstract class WalletRegister {
  /** In order of their addresses, after `after`, at most `limit`. */
  abstract wallets(page: { readonly after?: Hex; readonly limit: number }): Promise<readonly RegisteredWallet[]>;
  /** Registered in the last `ageMs` by the database's clock, oldest first, at most `limit`. A registration counts from its beginning, so look back further than to the last look. */
  abstract walletsSince(ageMs: number, limit: number): Promise<readonly RegisteredWallet[]>;
}
