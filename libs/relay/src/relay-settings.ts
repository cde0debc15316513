export interface RelaySettings {
  /** Time between two sweeps, milliseconds; each is spread by a fifth. */
  readonly sweepEveryMs: number;
  /** Events are the fast path's for this long, then the sweep's. */
  readonly sweepAfterMs: number;
  /** Creators drained at once by a sweep. */
  readonly sweepConcurrency: number;
  /** Not ready when a committed event has waited this long for its feed. */
  readonly maxLagMs: number;
}

export const RELAY_DEFAULTS: RelaySettings = { sweepEveryMs: 2000, sweepAfterMs: 1000, sweepConcurrency: 8, maxLagMs: 5000 };

/** Injection token of the settings. */
export const RELAY_SETTINGS = Symbol('relay settings');
