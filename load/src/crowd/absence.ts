import type { Ledger } from './ledger.js';
import { exactNow } from './orders.js';

export interface Attempt {
  /** The gateway said `ready`. */
  ready(): void;
  /** It ended before that. */
  failed(): void;
}

/**
 * How long an overlay was without its link: from when it was due, or from when it lost the last one, to the gateway's `ready`, with every attempt that
 * failed in between and every pause that its client made. One that moves to another gateway has lost nothing and counts from its first attempt.
 */
export class Absence {
  private since: number | undefined;
  private isNew = true;
  private attempts = 0;

  constructor(
    private readonly ledger: Ledger,
    private readonly now: () => number = exactNow,
  ) {}

  /** Unix milliseconds. */
  due(ms: number): void {
    this.since = ms;
  }

  lost(): void {
    this.since ??= this.now();
  }

  attempt(): Attempt {
    this.attempts += 1;
    this.since ??= this.now();
    const isFirst = this.attempts === 1;
    return {
      ready: () => {
        this.over(isFirst);
      },
      failed: () => {
        if (isFirst) this.ledger.failed += 1;
      },
    };
  }

  private over(isFirst: boolean): void {
    const now = this.now();
    (this.isNew ? this.ledger.connects : this.ledger.reconnects).add(now - (this.since ?? now));
    if (isFirst) this.ledger.connected += 1;
    this.since = undefined;
    this.isNew = false;
  }
}
