import { backoffMs } from '@droppio/tips';

const BASE_MS = 200;
const CAP_MS = 10_000;

/** Keeps questions away from an endpoint that just failed: longer with every failure in a row, over with the first success. */
export class Circuit {
  private failures = 0;
  private openUntilMs = 0;

  constructor(private readonly now: () => number) {}

  get isOpen(): boolean {
    return this.now() < this.openUntilMs;
  }

  /** When it may be tried again; the past when it is closed. */
  get retryAtMs(): number {
    return this.openUntilMs;
  }

  succeeded(): void {
    this.failures = 0;
    this.openUntilMs = 0;
  }

  failed(): void {
    // At least half of the step: full jitter alone could mean no pause at all.
    const step = { baseMs: BASE_MS / 2, capMs: CAP_MS / 2 };
    this.openUntilMs = this.now() + Math.min(step.capMs, step.baseMs * 2 ** this.failures) + backoffMs(this.failures, step);
    this.failures = Math.min(this.failures + 1, 20);
  }
}
