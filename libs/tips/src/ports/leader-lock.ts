/**
 * Tells a standby at once that a leader's process is gone: one lock per chain that lives and dies with the process's connection. A matter
 * of speed only. Holding it proves nothing about who may commit; that is the fence of the lease (`TipLedger.acquire`). Calls never reject,
 * answer within a few seconds whatever happens, and may be repeated. Implementations: `PostgresLeaderLock`, `MemoryLeaderLock`.
 */
export abstract class LeaderLock {
  /**
   * Takes a chain's lock, or makes sure that it is still held. True: no other process holds it, so whoever led is gone or no longer has it.
   * False: another process has it, or nobody can tell.
   */
  abstract take(chainId: number): Promise<boolean>;
  /** Lets it fall; of no effect when it is not held. */
  abstract give(chainId: number): Promise<void>;
  /** Lets all of them fall, and the connection go. From then on nothing can be taken. */
  abstract close(): Promise<void>;
}
