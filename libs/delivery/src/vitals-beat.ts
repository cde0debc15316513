import { randomUUID } from 'node:crypto';
import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { errorFields, Instance } from '@droppio/platform';
import { Clock, OverlayVitals, PRESENCE_TTL_MS, VITALS_BATCH, within } from '@droppio/tips';
import { SessionRoster } from './session-roster.js';

const EVERY_MS = 1000;
/** Several words may be lost before what is held fades. */
const HOLD_EVERY_MS = PRESENCE_TTL_MS / 6;
const GOODBYE_MS = 1000;

/** Tells how the overlays here are doing: what was seen every second, who is connected every five. */
@Injectable()
export class VitalsBeat implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger('delivery');
  private readonly stop = new AbortController();
  private readonly source: string;
  private beating = Promise.resolve();
  private held: ReadonlyMap<string, number> = new Map();
  private holdAt = 0;
  private isFailing = false;

  constructor(
    private readonly vitals: OverlayVitals,
    private readonly roster: SessionRoster,
    private readonly clock: Clock,
    instance: Instance,
  ) {
    // Two processes of one name must not take back what the other has told.
    this.source = `${instance.id}/${randomUUID().slice(0, 8)}`;
  }

  onApplicationBootstrap(): void {
    this.beating = this.beat();
  }

  /** After the drain: nobody is here any more. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stop.abort();
    const goodbye = this.beating.then(async () => {
      this.holdAt = 0;
      await this.tell(this.clock.now());
    });
    await within(GOODBYE_MS, 'the last word on overlays', goodbye).catch(() => undefined);
  }

  private async beat(): Promise<void> {
    const { signal } = this.stop;
    while (!signal.aborted) {
      await this.tell(this.clock.now());
      await this.clock.sleep(EVERY_MS * (0.9 + Math.random() * 0.2), signal);
    }
  }

  /** What cannot be told is left out: the next word says who is here all the same. */
  private async tell(now: number): Promise<void> {
    try {
      if (now >= this.holdAt) await this.hold(now);
      const moments = this.roster.moments.take(VITALS_BATCH);
      if (moments.size > 0) await this.vitals.note(moments);
      this.isFailing = false;
    } catch (error) {
      if (!this.isFailing) this.log.warn('vitals.not-told', errorFields(error));
      this.isFailing = true;
    }
  }

  private async hold(now: number): Promise<void> {
    this.holdAt = now + HOLD_EVERY_MS;
    const sockets = this.roster.socketsByOverlay();
    const { moments } = this.roster;
    for (const overlayId of sockets.keys()) if (!this.held.has(overlayId)) moments.seen(overlayId, now);
    for (const overlayId of this.held.keys()) if (!sockets.has(overlayId)) moments.seen(overlayId, now);
    // Nothing again is nothing new; the first time it is not even a connection.
    const isNews = sockets.size > 0 || this.held.size > 0;
    this.held = sockets;
    if (isNews) await this.vitals.hold(this.source, sockets);
  }
}
