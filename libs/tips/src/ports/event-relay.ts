/**
 * Whoever commits events calls `drain` right after the commit, in its own process: the fast path, no queue in between. Harmless to call
 * twice, at once or for nothing. Never rejects: what it could not publish the queue and the sweep will. A door between rooms that may
 * not know each other (chain and creators → relay), implemented by `CreatorRelay`.
 */
export abstract class EventRelay {
  abstract drain(creatorId: string): Promise<void>;
}
