export interface Backoff {
  readonly baseMs: number;
  readonly capMs: number;
}

/** Full-jitter exponential back-off: uniform in [0, min(cap, base × 2^attempt)), so that many clients that failed together come back apart. */
export function backoffMs(attempt: number, { baseMs, capMs }: Backoff, random: () => number = Math.random): number {
  return random() * Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30));
}
