/** A request that names itself, so that its caller may send it again. */
export interface KeyedRequest {
  readonly creatorId: string;
  /** SHA-256 of the key. Keys of two creators never meet. */
  readonly keyHash: Uint8Array;
  /** SHA-256 of what is asked. */
  readonly fingerprint: Uint8Array;
}

/** What is repeated to whoever asks again. */
export interface KeptAnswer {
  readonly status: number;
  /** Absent: the answer had none. */
  readonly body?: string;
  readonly headers: Readonly<Record<string, string>>;
}

export type KeyClaim =
  /** Nobody has done it: the caller does, and then calls `complete` or `free` with this name of theirs. */
  | { readonly kind: 'ours'; readonly owner: string }
  | { readonly kind: 'answered'; readonly answer: KeptAnswer }
  /** It was done, and its answer is not kept. */
  | { readonly kind: 'done' }
  | { readonly kind: 'running' }
  /** The key was used for another request. */
  | { readonly kind: 'other' };

export const IDEMPOTENCY_KEY_TTL_MS = 86_400_000;
/** After this long without an answer whoever held a key is taken for dead. No request runs that long. */
export const IDEMPOTENCY_TAKEOVER_MS = 60_000;

/**
 * Requests that were done once and are not done again. Of many who claim one key at a time, one gets it. Kept `IDEMPOTENCY_KEY_TTL_MS`; time
 * is the database's. A process that dies between its work and `complete` leaves the key to be taken over, and the work to be done twice.
 * Throws `StorageUnavailable`. Implementation: `PostgresIdempotencyKeys`.
 */
export abstract class IdempotencyKeys {
  abstract claim(request: KeyedRequest): Promise<KeyClaim>;
  /** Without an answer: done, but what was answered is not kept. Does nothing when another has taken the key over. */
  abstract complete(request: KeyedRequest, owner: string, answer?: KeptAnswer): Promise<void>;
  /** It was not done: the key is as if never used. Does nothing when another has taken the key over. */
  abstract free(request: KeyedRequest, owner: string): Promise<void>;
}
