import type { Hex } from '../hex.js';

/** Also the most that anybody may register with. */
export const WALLETS_MAX = 20;

export interface CreatorWallet {
  readonly address: Hex;
  readonly addedAt: Date;
  /** The chain whose contract has signed for it, and the only one on which it signs in. Absent: a key, or nobody, has signed. */
  readonly provenOn?: number;
}

/**
 * The wallets of one creator, as he manages them. Whoever calls `add` has seen the wallet's own proof. Throws `NotFound` for a creator that does
 * not exist, and `StorageUnavailable`. Implementation: `PostgresCreatorWallets`.
 */
export abstract class CreatorWallets {
  /** Oldest first; at most `WALLETS_MAX`. */
  abstract of(creatorId: string): Promise<readonly CreatorWallet[]>;
  /**
   * One that he has already keeps its place; a contract that signs again, on `provenOn`, signs in there from then on. `Conflict`: it belongs to another creator. `WalletLimit`:
   * he has `WALLETS_MAX`.
   */
  abstract add(creatorId: string, wallet: Hex, provenOn?: number): Promise<CreatorWallet>;
  /**
   * Its tips leave the creator's history and totals with it, though his account's end takes their messages along; and all sessions but the named one end in the same step: whoever holds the wallet's
   * key may have signed in with it. `NotFound`: it is not his. `WalletLimit`: it is his last one.
   */
  abstract remove(creatorId: string, wallet: Hex, keptSessionId?: string): Promise<void>;
}
