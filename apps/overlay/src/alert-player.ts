import type { Alert, TipAlert, TipInbox } from '@droppio/client';
import type { Clock } from '@droppio/tips';
import type { Style } from './look.js';

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
  readonly draw: (alert: Alert, style: Style) => Drawing;
  readonly clock: Clock;
  /** Asked before each alert, so that a new theme never changes one that is running. */
  readonly style: (alert: Alert) => Style;
  /** The alert is on the screen. */
  readonly shown: (alert: Alert, style: Style) => void;
}

const GAP_MS = 250;
export const EXIT_MS = 300;

/**
 * Plays one alert after the other. Time is the wall clock's: OBS stops animations and frames of hidden sources, and an alert must end all
 * the same.
 */
export class AlertPlayer {
  private playing = false;
  private drawing: Drawing | undefined;
  private patience: AbortController | undefined;

  constructor(private readonly options: PlayerOptions) {}

  /** There may be something to play. */
  wake(): void {
    if (this.playing) return;
    this.playing = true;
    void this.playAll();
  }

  /** Ends what is on the screen now, with its exit. */
  skip(): void {
    this.patience?.abort();
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
    const { draw, clock, shown } = this.options;
    const style = this.options.style(alert);
    const drawing = (this.drawing = draw(alert, style));
    const patience = (this.patience = new AbortController());
    shown(alert, style);
    await clock.sleep(style.durationMs - EXIT_MS, patience.signal);
    this.patience = undefined;
    drawing.leave();
    await clock.sleep(EXIT_MS);
    drawing.remove();
    this.drawing = undefined;
    await clock.sleep(GAP_MS);
  }
}
