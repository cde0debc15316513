export interface PresenceTotals {
  /** Gateways that have overlays. */
  readonly sources: number;
  readonly sockets: number;
}

/**
 * Which creators have overlays open, over all gateways: an estimate for priorities and statistics, nothing to decide by. Each gateway tells
 * its own counts again and again; what it told fades `PRESENCE_TTL_MS` after its last word, so one that died without a goodbye is soon counted
 * no more. Throws `BrokerUnavailable`. Implementations: `MemoryPresence`, `PostgresPresence`, `RedisPresence`.
 */
export abstract class Presence {
  /** What `source` holds now, in place of all it told before. An empty map is a goodbye. One call at a time per source. */
  abstract tell(source: string, sockets: ReadonlyMap<string, number>): Promise<void>;
  /** Sockets of each of these creators; one that has none is not in the answer. */
  abstract counts(creatorIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
  abstract totals(): Promise<PresenceTotals>;
  /** Lets go of its connection. What was told stays until it fades. */
  abstract close(): Promise<void>;
}

export const PRESENCE_TTL_MS = 30_000;
