import type { Hex } from '../hex.js';

/** A browser that is signed in. Its secret is kept as a hash only. */
export interface Session {
  /** UUID; names the session in lists, opens nothing. */
  readonly id: string;
  readonly creatorId: string;
  readonly createdAt: Date;
  /** To the minute. */
  readonly seenAt: Date;
  /** The latest end; it ends sooner when it is not used. */
  readonly expiresAt: Date;
  /** What the browser said it is, cut short. */
  readonly agent: string;
  /** The wallet signed at most `FRESH_SIGN_IN_MS` ago. */
  readonly isFresh: boolean;
}

/** How long after signing in a browser may do what moves money or power. */
export const FRESH_SIGN_IN_MS = 600_000;

export interface NewSession {
  readonly creatorId: string;
  /** Which of the creator's wallets has signed. */
  readonly wallet: Hex;
  /** A contract has said so, on this chain. Absent: the wallet's own key, which is the same on all of them. */
  readonly provenOn?: number;
  /** SHA-256 of the secret. */
  readonly secretHash: Uint8Array;
  readonly agent: string;
  /** Ends after this long without use. */
  readonly idleMs: number;
  /** Ends after this long in any case. */
  readonly maxMs: number;
}

/**
 * What sign-in with a wallet must remember: nonces that were used, and sessions. Time is the database's. Throws `StorageUnavailable`.
 * Implementation: `PostgresSignInStore`.
 */
export abstract class SignInStore {
  /** True for the first who spends this nonce, false ever after, also when two try at the same moment. Remembered until it expires. */
  abstract spendNonce(hash: Uint8Array, expiresAt: Date): Promise<boolean>;
  /**
   * A creator keeps the newest 20. `NotFound`: the wallet is not the creator's, or was removed in this moment. `Unauthorized`: a contract says
   * that it is, but on another chain than the one that the creator has proven the wallet on.
   */
  abstract openSession(session: NewSession): Promise<Session>;
  /** `undefined`: unknown, ended or expired. Notes that it was used. */
  abstract session(secretHash: Uint8Array): Promise<Session | undefined>;
  /** Those that still work, newest first. */
  abstract sessions(creatorId: string): Promise<readonly Session[]>;
  /** Ends it at once. False: there is none with this id, or it is another creator's. */
  abstract endSession(creatorId: string, sessionId: string): Promise<boolean>;
}
