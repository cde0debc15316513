/** Time as the rooms see it. Implementations: `SystemClock` (platform), `ManualClock` (testing). */
export abstract class Clock {
  /** Unix milliseconds. */
  abstract now(): number;
  /** Resolves after `ms`, or at once when `signal` aborts; never rejects. */
  abstract sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
