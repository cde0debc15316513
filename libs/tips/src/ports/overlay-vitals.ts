/** What a gateway has seen of one overlay since its last word. Times are Unix milliseconds. */
export interface OverlayMoments {
  /** When a page was last connected to it. */
  readonly seenAtMs?: number;
  /** When a page last said that an alert is on the screen. */
  readonly shownAtMs?: number;
  /** From the block to the screen, one for each such alert, oldest first. */
  readonly latenciesMs: readonly number[];
}

export interface OverlayPulse extends OverlayMoments {
  /** Pages that are connected now, over all gateways. */
  readonly instances: number;
}

/**
 * How overlays are doing, over all gateways: an estimate for their creators, nothing to decide by. Which pages are connected fades like `Presence`;
 * what was seen is kept for `VITALS_KEPT_MS` after the last word about it. Throws `BrokerUnavailable`. Implementations: `MemoryOverlayVitals`, `PostgresOverlayVitals`,
 * `RedisOverlayVitals`.
 */
export abstract class OverlayVitals {
  /** Sockets of each overlay at `source` now, in place of all it told before. An empty map is a goodbye. One call at a time per source. */
  abstract hold(source: string, sockets: ReadonlyMap<string, number>): Promise<void>;
  /** What was seen, by overlay; at most `VITALS_BATCH` of them. Words may come late or twice: the latest time counts. */
  abstract note(moments: ReadonlyMap<string, OverlayMoments>): Promise<void>;
  /** The newest `VITALS_LATENCIES` latencies. Nothing is known: no instances, no times. */
  abstract of(overlayId: string): Promise<OverlayPulse>;
  /** Lets go of its connection. */
  abstract close(): Promise<void>;
}

export const VITALS_BATCH = 500;
export const VITALS_LATENCIES = 100;
export const VITALS_KEPT_MS = 30 * 86_400_000;
