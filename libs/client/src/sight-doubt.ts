import type { Clock } from '@droppio/tips';

export interface SightSurroundings {
  readonly clock: Clock;
  /** `document.hidden`. */
  readonly isHidden: () => boolean;
  /** False when no frame came in time. */
  readonly frame: () => Promise<boolean>;
  /** What was said of this page's sight is not believed any more. */
  readonly doubted: () => void;
}

const LOOK_MS = 10_000;
/** A browser that never says that it is hidden may be one that cannot, and one that draws in the dark as well. */
const PATIENCE_MS = 30 * 60_000;

/**
 * OBS may say that a source went out of sight, and its word that it is back may be lost: a page that believed it for ever would stay dark. So its
 * word is doubted after a time in which the browser drew frames whenever it was asked, and did not say that it is hidden: after ten seconds
 * where this browser has said so before, after half an hour where not. To doubt shows no tip twice; at worst some play that nobody sees.
 */
export class SightDoubt {
  private hasToldHidden = false;
  private since = 0;
  private patience = new AbortController();

  constructor(private readonly around: SightSurroundings) {}

  /** What OBS says. */
  heard(isVisible: boolean): void {
    this.patience.abort();
    if (isVisible) return;
    this.patience = new AbortController();
    this.since = this.around.clock.now();
    void this.watch(this.patience.signal);
  }

  /** What the browser says has changed. */
  look(): void {
    this.hasToldHidden ||= this.around.isHidden();
    this.since = this.around.clock.now();
  }

  private async watch(signal: AbortSignal): Promise<void> {
    const { clock, isHidden, frame, doubted } = this.around;
    for (;;) {
      await clock.sleep(LOOK_MS, signal);
      const isDrawn = !signal.aborted && !isHidden() && (await frame());
      if (signal.aborted) return;
      if (!isDrawn) this.since = clock.now();
      if (clock.now() - this.since < (this.hasToldHidden ? LOOK_MS : PATIENCE_MS)) continue;
      doubted();
      return;
    }
  }
}
