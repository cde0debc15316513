/**
 * What credentials allow: `read` looks, `write` changes settings, `moderate` decides about messages, `account` moves money or power
 * (wallets, the handle, tokens, sessions, deletion, addresses of overlays, where webhooks go). A moderator is a token with `read` and `moderate`.
 */
export const SCOPES = ['read', 'write', 'moderate', 'account'] as const;
export type Scope = (typeof SCOPES)[number];

/** A script's way in. Its secret is kept as a hash only. */
export interface AccessToken {
  /** UUID; names the token in lists, opens nothing. */
  readonly id: string;
  readonly creatorId: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly createdAt: Date;
  /** To the minute. Absent: never used. */
  readonly lastUsedAt?: Date;
  /** Absent: it works until it is deleted. */
  readonly expiresAt?: Date;
}

export interface NewAccessToken {
  readonly creatorId: string;
  /** SHA-256 of the secret. */
  readonly hash: Uint8Array;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly expiresAt?: Date;
}

/** The access tokens of creators. Time is the database's. Throws `StorageUnavailable`. Implementation: `PostgresAccessTokens`. */
export abstract class AccessTokens {
  /** `undefined`: unknown, deleted or expired. Notes that it was used. */
  abstract use(hash: Uint8Array): Promise<AccessToken | undefined>;
  /** `undefined`: the creator has `most` that work already; also when many ask at once. Throws `NotFound` for a creator who is not there. */
  abstract create(token: NewAccessToken, most: number): Promise<AccessToken | undefined>;
  /** Those that work, newest first. */
  abstract list(creatorId: string): Promise<readonly AccessToken[]>;
  /** Its next request is refused. False: there is none with this id, or it is another creator's. */
  abstract remove(creatorId: string, tokenId: string): Promise<boolean>;
}
