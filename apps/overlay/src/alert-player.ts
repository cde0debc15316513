import type { Alert, Showing, TipAlert, TipInbox } from '@droppio/client';
import type { AlertLook, Clock } from '@droppio/tips';

/** What is drawn of an alert. Implementation: `Card`. */
export interface Drawing {
  patch(alert: TipAlert): void;
  /** Begins the exit, which takes `EXIT_MS`. */
  leave(): void;
  remove(): void;
}

export interface PlayerOptions {
  readonly inbox: Pick<TipInbox, 'take' | 'putBack' | 'settled'> & {
    readonly screen: Pick<TipInbox['screen'], 'painted' | 'halfSeen' | 'done'>;
  };
  /** Puts an alert on the screen. `resumed`: it was there before, so it is simply there again. */
  readonly draw: (alert: Alert, look: AlertLook, resumed: boolean) => Drawing;
  readonly clock: Clock;
  /** Asked before each alert, so that a new config never changes one that is running. */
  readonly look: (alert: Alert) => AlertLook;
  /** The alert is on the screen, for the first time. */
  readonly shown: (alert: Alert, look: AlertLook) => void;
  /** Resolves with the next frame that the browser draws; false when none came in time, so that nobody can see this page. */
  readonly frame: () => Promise<boolean>;
  /** How long this page has been seen, all in all. */
  readonly seenMs: () => number;
  /** An alert could not be drawn, or not to its end. It is over; the next one plays. */
  readonly failed: (error: unknown) => void;
}

export const EXIT_MS = 300;
/** A disk that takes longer keeps an alert safe from a crash of the page, if not from one of the whole browser. */
const SETTLE_MS = 1000;

/**
 * Plays one alert after the other. Time is the wall clock's: OBS stops animations and frames of hidden sources, and an alert must end all
 * the same. One that was out of sight for more than half of its time goes back into the line.
 */
export class AlertPlayer {
  private playing = false;
  private drawing: Drawing | undefined;
  private patience = new AbortController();
  /** Came between the taking of an alert and its drawing. */
  private change: TipAlert | undefined;

  constructor(private readonly options: PlayerOptions) {}

  /** There may be something to play. */
  wake(): void {
    if (this.playing) return;
    this.playing = true;
    void this.playAll();
  }

  /** Ends what is on the screen now, with its exit. */
  skip(): void {
    this.patience.abort();
  }

  patch(alert: TipAlert): void {
    if (this.drawing === undefined) this.change = alert;
    else this.safely(() => this.drawing?.patch(alert));
  }

  private async playAll(): Promise<void> {
    try {
      for (let next = this.options.inbox.take(); next !== undefined; next = this.options.inbox.take()) await this.play(next);
    } finally {
      this.playing = false;
    }
  }

  private async play(showing: Showing): Promise<void> {
    let restMs = 0;
    try {
      restMs = await this.perform(showing);
    } catch (error) {
      this.options.inbox.screen.done();
      this.options.failed(error);
    } finally {
      // Whatever happened: nothing of it stays on a stream.
      this.drawing?.remove();
      this.drawing = this.change = undefined;
    }
    if (restMs > 0) await this.options.clock.sleep(restMs);
  }

  /** From its entrance to its exit, or until it goes back into the line. Gives the time until the next one. */
  private async perform(showing: Showing): Promise<number> {
    const { inbox, clock, draw } = this.options;
    const look = this.options.look(showing.alert);
    this.patience = new AbortController();
    await this.settled();
    const drawing = (this.drawing = draw(showing.alert, look, showing.resumed));
    if (!(await this.show(showing, look))) {
      inbox.putBack();
      return 0;
    }
    inbox.screen.done();
    drawing.leave();
    await clock.sleep(EXIT_MS);
    return look.gapMs;
  }

  /** Until it has to leave. False: hardly anybody can have seen it. */
  private async show(showing: Showing, look: AlertLook): Promise<boolean> {
    const { inbox, clock, frame, shown, seenMs } = this.options;
    const { signal } = this.patience;
    const isSkipped = (): boolean => signal.aborted;
    // Skipped before it was there: it is over, and unheard.
    if (!(await frame()) || isSkipped()) return isSkipped();
    // Its time begins with what can be seen of it, however long the disk or the first frame took.
    const [startedAt, seenBefore] = [clock.now(), seenMs()];
    inbox.screen.painted(look.durationMs);
    if (!showing.resumed)
      this.safely(() => {
        shown(showing.alert, look);
      });
    if (this.change !== undefined) this.drawing?.patch(this.change);
    const restMs = showing.leftMs ?? look.durationMs;
    const halfMs = showing.halfSeen ? 0 : restMs / 2;
    await this.waitUntil(startedAt + Math.min(halfMs, restMs - EXIT_MS), signal);
    if (seenMs() - seenBefore >= halfMs) inbox.screen.halfSeen();
    await this.waitUntil(startedAt + restMs - EXIT_MS, signal);
    const spentMs = clock.now() - startedAt;
    return isSkipped() || showing.halfSeen || seenMs() - seenBefore >= spentMs / 2;
  }

  /** What goes wrong beside an alert does not end it. */
  private safely(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.options.failed(error);
    }
  }

  private async waitUntil(time: number, signal: AbortSignal): Promise<void> {
    const ms = time - this.options.clock.now();
    if (ms > 0) await this.options.clock.sleep(ms, signal);
  }

  private async settled(): Promise<void> {
    const late = new AbortController();
    await Promise.race([this.options.inbox.settled(), this.options.clock.sleep(SETTLE_MS, late.signal)]);
    late.abort();
  }
}
