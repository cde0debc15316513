import type { Alert, TipAlert, TipInbox } from '@droppio/client';
import type { AlertLook, Clock } from '@droppio/tips';

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
  readonly draw: (alert: Alert, look: AlertLook) => Drawing;
  readonly clock: Clock;
  /** Asked before each alert, so that a new config never changes one that is running. */
  readonly look: (alert: Alert) => AlertLook;
  /** The alert is on the screen. */
  readonly shown: (alert: Alert, look: AlertLook) => void;
}

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
    const look = this.options.look(alert);
    const drawing = (this.drawing = draw(alert, look));
    const patience = (this.patience = new AbortController());
    shown(alert, look);
    await clock.sleep(look.durationMs - EXIT_MS, patience.signal);
    this.patience = undefined;
    drawing.leave();
    await clock.sleep(EXIT_MS);
    drawing.remove();
    this.drawing = undefined;
    await clock.sleep(look.gapMs);
  }
}
