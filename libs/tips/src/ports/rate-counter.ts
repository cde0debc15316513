/** What a window has seen, the hit just counted included. */
export interface RateWindow {
  readonly hits: number;
  /** Until the window ends; the next hit after that begins a new one. */
  readonly resetMs: number;
}

/**
 * Counts what may happen only so often, over all processes of an installation. Windows are fixed and begin with the first hit of a key, so
 * within any stretch of a window's length there are at most twice the hits that one window allows. Never throws: where the shared store is
 * away, each process counts for itself. Implementations: `MemoryRateCounter`, `PostgresRateCounter`, `RedisRateCounter`.
 */
export abstract class RateCounter {
  /** Counts one, and says how many there are. */
  abstract hit(key: string, windowMs: number): Promise<RateWindow>;
  abstract close(): Promise<void>;
}
