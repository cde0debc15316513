import type { Clock } from '@droppio/tips';

/** What is shorter is no absence: a page that is loaded anew, a change of scenes and back, a source that OBS makes again. */
const ABSENCE_MS = 10_000;

/** Since when nobody can see this page, over its lives: each writes down when it was last seen. */
export class Sight {
  /** The page before was out of sight, or gone, for so long that what waited there was missed as well. */
  readonly wasAbsent: boolean;
  private lostAt: number | undefined;

  constructor(
    private readonly clock: Clock,
    lastSeenAt: number | undefined,
  ) {
    this.wasAbsent = lastSeenAt !== undefined && this.isAbsence(lastSeenAt);
  }

  get lastSeenAt(): number {
    return this.lostAt ?? this.clock.now();
  }

  lose(): void {
    this.lostAt = this.clock.now();
  }

  /** True: it was an absence. */
  regain(): boolean {
    const { lastSeenAt } = this;
    this.lostAt = undefined;
    return this.isAbsence(lastSeenAt);
  }

  private isAbsence(since: number): boolean {
    return this.clock.now() - since >= ABSENCE_MS;
  }
}
