import type { Clock } from '@droppio/tips';
import type { DrainMetrics } from './node-metrics.js';

/** Often enough that every scrape finds what is true. */
const LOOK_MS = 250;
/** Whoever is still here when this share of its grace is over does not follow: a healthy one is gone within a second. */
const LATE_SHARE = 0.25;

/**
 * Tells the operators of a drain while it goes on, because afterwards there is nobody to ask: how long it has taken, who does not follow, and how
 * far it is over its time. So a process that is going to be killed at the end of its grace period is seen before it is.
 */
export class DrainWatch<Session extends object> {
  private readonly dueAt = new WeakMap<Session, number>();
  private readonly startedAt: number;
  private endsAt = Infinity;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly roster: { readonly clock: Clock; all(): Iterable<Session> },
    private readonly metrics: DrainMetrics,
  ) {
    this.startedAt = roster.clock.now();
  }

  get tookMs(): number {
    return this.roster.clock.now() - this.startedAt;
  }

  /** `mayTakeMs`: from now on, at most. */
  start(mayTakeMs: number): void {
    this.endsAt = this.roster.clock.now() + mayTakeMs;
    this.timer = setInterval(() => {
      this.look();
    }, LOOK_MS).unref();
  }

  stop(): void {
    clearInterval(this.timer);
    this.look();
  }

  /** This one was told to go in `afterMs`, and that its old socket may stay for `graceMs` then. */
  expect(session: Session, afterMs: number, graceMs: number): void {
    this.dueAt.set(session, this.roster.clock.now() + afterMs + graceMs * LATE_SHARE);
  }

  look(): void {
    const now = this.roster.clock.now();
    let overdue = 0;
    for (const session of this.roster.all()) if (now > (this.dueAt.get(session) ?? Infinity)) overdue += 1;
    this.metrics.overdue.set(overdue);
    this.metrics.seconds.set(this.tookMs / 1000);
    this.metrics.overrun.set(Math.max(0, now - this.endsAt) / 1000);
  }
}
