import type { Alert, TipAlert, TipInbox } from '@droppio/client';
import type { Clock } from '@droppio/tips';

export interface Look {
  readonly durationMs: number;
}

/** What is drawn of an alert. Implementation: `Card`. */
export interface Drawing {
  patch(alert: TipAlert): void;
  /** Begins the exit, which takes `EXIT_MS`. */
  leave(): void;
  remove(): void;
}

export interface PlayerOptions {
  readonly inbox: Pick<TipInbox, 'take'>;
  /** Puts an alert on the screen. */
  readonly draw: (alert: Alert) => Drawing;
  readonly clock: Clock;
  /** Asked before each alert, so that a new look never changes one that is running. */
  readonly look: () => Look;
  /** The alert is on the screen. */
  readonly shown: (alert: Alert) => void;
}

const GAP_MS = 250;
export const EXIT_MS = 300;
const DURATION_RANGE_MS = [2000, 30_000] as const;

/**
 * Plays one alert after the other. Time is the wall clock's: OBS stops animations and frames of hidden sources, and an alert must end all
 * the same.
 */
export class AlertPlayer {
  private playing = false;
  private drawing: Drawing | undefined;

  constructor(private readonly options: PlayerOptions) {}

  /** There may be something to play. */
  wake(): void {
    if (this.playing) return;
    this.playing = true;
    void this.playAll();
  }

  patch(alert: TipAlert): void {
    this.drawing?.patch(alert);
  }

  private async playAll(): Promise<void> {
    try {
      for (let alert = this.options.inbox.take(); alert !== undefined; alert = this.options.inbox.take()) await this.play(alert);
    } finally {
      this.playing = false;
    }
  }

  private async play(alert: Alert): Promise<void> {
    const { draw, clock, look, shown } = this.options;
    const [least, most] = DURATION_RANGE_MS;
    const durationMs = Math.min(most, Math.max(least, look().durationMs));
    const drawing = (this.drawing = draw(alert));
    shown(alert);
    await clock.sleep(durationMs - EXIT_MS);
    drawing.leave();
    await clock.sleep(EXIT_MS);
    drawing.remove();
    this.drawing = undefined;
    await clock.sleep(GAP_MS);
  }
}
