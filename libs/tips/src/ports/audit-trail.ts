/** Who did it: a signed-in browser, a script with an access token, or the operator. */
export interface AuditActor {
  readonly kind: 'session' | 'token' | 'operator';
  /** Id of the session or token; it opens nothing. Absent for the operator. */
  readonly id?: string;
}

/** `refused`: for a reason that lies in the request. `failed`: for one that lies with us; whether anything was changed is then not known. */
export type AuditOutcome = 'done' | 'refused' | 'failed';

export interface NewAuditEntry {
  /** Absent: a call of the operator's. Of a creator that is gone by now, the entry becomes the operator's. */
  readonly creatorId?: string;
  readonly actor: AuditActor;
  /** The `operationId` of the route. */
  readonly operation: string;
  /** Ids from the path, and the id of what was made: never a text that somebody wrote. */
  readonly targets: Readonly<Record<string, string>>;
  readonly outcome: AuditOutcome;
  /** The `code` of the problem that was answered. */
  readonly code?: string;
  readonly requestId: string;
  /** Where it came from, to the /24 (IPv4) or /48 (IPv6). */
  readonly network?: string;
}

export interface AuditEntry extends Omit<NewAuditEntry, 'creatorId'> {
  /** UUID. */
  readonly id: string;
  /** To the millisecond. */
  readonly at: Date;
}

export interface AuditQuery {
  /** Absent: the operator's own. */
  readonly creatorId?: string;
  readonly limit: number;
  /** Opaque: the `next` of the page before. */
  readonly cursor?: string;
  readonly operation?: string;
  readonly from?: Date;
  /** Not included. */
  readonly to?: Date;
}

export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  readonly next?: string;
}

/**
 * What was done to an account and by whom: no bodies, no secrets. An entry is written by itself, after the change that it tells of: a change
 * stands also when its entry is lost, which the caller has to make heard. Time is the database's. Throws `InvalidCursor`,
 * `StorageUnavailable`. Implementation: `PostgresAuditTrail`.
 */
export abstract class AuditTrail {
  abstract note(entry: NewAuditEntry): Promise<void>;
  /** Newest first. */
  abstract entries(query: AuditQuery): Promise<AuditPage>;
}
