import type { Clock } from '@droppio/tips';

/** What speaks for or against this page being seen. Hints all of them; what is not known counts for it. */
export interface AirHints {
  /** `document.hidden`: in some OBS versions always false. */
  readonly isHidden: boolean;
  /** What OBS said last: in some scene, in one that is streamed or recorded. May come late. */
  readonly isVisible: boolean;
  readonly isActive: boolean;
  /** The browser draws frames: the one hint that cannot be wrong, and only had by trying. */
  readonly hasFrames: boolean;
  readonly isLive: boolean;
  readonly isPrimary: boolean;
}

export interface AirRules {
  readonly onlyWhileLive: boolean;
  readonly onlyPrimary: boolean;
}

/** Whether an alert that is shown now would be seen, and for how long one was. */
export class OnAir {
  private hints: AirHints = { isHidden: false, isVisible: true, isActive: true, hasFrames: true, isLive: true, isPrimary: true };
  private rules: AirRules = { onlyWhileLive: false, onlyPrimary: false };
  private wasOnAir = true;
  private since: number;
  private countedMs = 0;

  constructor(
    private readonly clock: Clock,
    private readonly changed: (isOnAir: boolean) => void,
    /** Whether this page should be the primary one, at first and whenever it changes. */
    private readonly preferred: (isPreferred: boolean) => void,
  ) {
    this.since = clock.now();
  }

  /** Somebody may see this page; nothing is said about whether it should show anything. */
  get isSeen(): boolean {
    const { isHidden, isVisible, hasFrames } = this.hints;
    return !isHidden && isVisible && hasFrames;
  }

  private get isPreferred(): boolean {
    return this.isSeen && this.hints.isActive;
  }

  get isOnAir(): boolean {
    const { isLive, isPrimary } = this.hints;
    return this.isSeen && (isLive || !this.rules.onlyWhileLive) && (isPrimary || !this.rules.onlyPrimary);
  }

  /** Time on the air since the beginning: only differences mean something. */
  get totalMs(): number {
    return this.countedMs + (this.wasOnAir ? this.clock.now() - this.since : 0);
  }

  hint(hints: Partial<AirHints>): void {
    this.hints = { ...this.hints, ...hints };
    this.look();
  }

  configure(rules: AirRules): void {
    this.rules = rules;
    this.look();
  }

  private look(): void {
    this.preferred(this.isPreferred);
    const { isOnAir } = this;
    if (isOnAir === this.wasOnAir) return;
    const now = this.clock.now();
    if (this.wasOnAir) this.countedMs += now - this.since;
    this.since = now;
    this.wasOnAir = isOnAir;
    this.changed(isOnAir);
  }
}
