export interface RateLimitOptions {
  readonly startPerSecond: number;
  readonly floorPerSecond: number;
  readonly capPerSecond: number;
  /** Longest wait for a turn; beyond it the caller goes elsewhere. */
  readonly maxWaitMs: number;
}

const GROWTH = 1.05;
const FIRST_GROWTH = 2;
const SHRINK = 0.7;
/** Refusals that arrive together were caused together: they count once. */
const SHRINK_PAUSE_MS = 1000;

/**
 * Finds the rate that a provider bears: doubled for every second of successful full use until it first refuses, from then on up by a
 * twentieth and down by a third. Turns are handed out in order of asking.
 */
export class RateLimit {
  private rate: number;
  private nextTurnMs = 0;
  private pausedUntilMs = 0;
  private shrunkAtMs = -Infinity;
  private busySuccesses = 0;

  constructor(
    private readonly now: () => number,
    private readonly options: RateLimitOptions,
  ) {
    this.rate = options.startPerSecond;
  }

  get perSecond(): number {
    return this.rate;
  }

  /** How long to wait for the turn that was just taken; `undefined`: too long, none was taken. */
  take(): number | undefined {
    const now = this.now();
    // A tenth of a second's turns may be used at once: a block asks for several things together.
    const turn = Math.max(this.nextTurnMs, now - 100, this.pausedUntilMs);
    const wait = Math.max(0, turn - now);
    if (wait > this.options.maxWaitMs) return undefined;
    this.nextTurnMs = turn + 1000 / this.rate;
    return wait;
  }

  succeeded(): void {
    if (this.nextTurnMs <= this.now()) return;
    this.busySuccesses += 1;
    if (this.busySuccesses < this.rate) return;
    this.busySuccesses = 0;
    this.rate = Math.min(this.options.capPerSecond, this.rate * (this.shrunkAtMs === -Infinity ? FIRST_GROWTH : GROWTH));
  }

  refused(retryAfterMs: number): void {
    const now = this.now();
    this.pausedUntilMs = Math.max(this.pausedUntilMs, now + retryAfterMs);
    this.busySuccesses = 0;
    if (now - this.shrunkAtMs < SHRINK_PAUSE_MS) return;
    this.shrunkAtMs = now;
    this.rate = Math.max(this.options.floorPerSecond, this.rate * SHRINK);
  }
}
