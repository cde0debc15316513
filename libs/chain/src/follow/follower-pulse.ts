import type { Clock } from '@droppio/tips';

/** Heads keep coming and no step has ended for this long: only a restart helps. */
const STUCK_MS = 30_000;
/** What fails for so long is no stumble. */
const FAILING_MS = 15_000;

/** What a follower's steps say of its health. */
export class FollowerPulse {
  /** When a step last ended or moved the cursor, and to what height. */
  private lastStepAtMs: number;
  private heightThen: number | undefined;
  private failing: { readonly sinceMs: number; why: string } | undefined;

  constructor(private readonly clock: Clock) {
    this.lastStepAtMs = clock.now();
  }

  stepped(height: number | undefined): void {
    this.lastStepAtMs = this.clock.now();
    this.heightThen = height;
  }

  succeeded(): void {
    this.failing = undefined;
  }

  failed(error: unknown): void {
    const why = error instanceof Error ? error.message.replace(/\.$/, '') : 'something unknown failed';
    this.failing ??= { sinceMs: this.clock.now(), why };
    this.failing.why = why;
  }

  /** Why every step of late failed, as a sentence; `undefined` when none did, or not for long. */
  get fault(): string | undefined {
    const { failing } = this;
    const forMs = this.clock.now() - (failing?.sinceMs ?? Infinity);
    return failing === undefined || forMs < FAILING_MS
      ? undefined
      : `no step has succeeded for ${String(Math.round(forMs / 1000))} s: ${failing.why}`;
  }

  /** Did a head arrive long after anything was last done? */
  isStuck(height: number | undefined, lastHeadAtMs: number | undefined): boolean {
    // Within one step, too: after an outage it may take hours.
    if (height !== this.heightThen) this.stepped(height);
    return lastHeadAtMs !== undefined && lastHeadAtMs > this.lastStepAtMs + STUCK_MS;
  }
}
