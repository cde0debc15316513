/**
 * One export at a time for each creator, whichever process it runs in. A turn ends by itself when its holder does not renew it. Throws
 * `StorageUnavailable`. Implementation: `PostgresExportTurns`.
 */
export abstract class ExportTurns {
  /** Takes or renews the turn. `false`: somebody else has it. Expiry is by the database's clock. */
  abstract take(creatorId: string, holder: string, ttlMs: number): Promise<boolean>;
  /** Gives it back; nobody else's. */
  abstract end(creatorId: string, holder: string): Promise<void>;
}
