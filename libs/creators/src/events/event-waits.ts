import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import { Clock, TipFeed, type FeedPosition, type FeedSubscription } from '@droppio/tips';
import { Overloaded } from '../errors.js';
import { EventReader, type Reading } from './event-reader.js';

/** A waiting request costs some kilobytes and a socket. */
const WAITERS_MAX = 2000;
/** One overlay has one page; a few more for those who try. */
const WAITERS_OF_OVERLAY_MAX = 4;
/** So that nobody alone takes all places from the others. */
const WAITERS_OF_CREATOR_MAX = 50;
const COME_BACK_S = 5;
/** Signals are hints: one that was lost is made up for by then; without any, this is how late an event may be. */
const LOOK_AGAIN_MS = 10_000;
const LOOK_AGAIN_DEAF_MS = 2000;
/** Looks without signals go to Postgres, just when all pages come here: at most a hundred a second, the more creators wait the rarer each. */
const DEAF_LOOK_COSTS_MS = 10;

export interface Asked {
  readonly creatorId: string;
  readonly overlayId: string;
  readonly place: FeedPosition;
  readonly waitMs: number;
  /** Aborted when the caller has gone. */
  readonly gone: AbortSignal;
}

/** Holds requests until there is something to tell, a bounded number of them and each for a bounded time. */
@Injectable()
export class EventWaits implements BeforeApplicationShutdown {
  private readonly logger = new Logger('creators');
  private readonly closing = new AbortController();
  private readonly overlays = new Tally();
  private readonly creators = new Tally();
  private total = 0;

  constructor(
    private readonly reader: EventReader,
    private readonly feed: TipFeed,
    private readonly clock: Clock,
  ) {}

  /** What comes after the place: at once if there is something, else as soon as there is, else nothing. Throws `Overloaded`. */
  async next(asked: Asked): Promise<Reading> {
    const reading = await this.reader.read(asked.creatorId, asked.place);
    if (says(reading) || asked.waitMs === 0) return reading;
    this.enter(asked);
    try {
      return await this.wait(asked);
    } finally {
      this.leave(asked);
    }
  }

  /** Everybody is answered at once, with nothing: they come back, to another process. */
  beforeApplicationShutdown(): void {
    this.closing.abort();
  }

  private async wait({ creatorId, place, waitMs, gone }: Asked): Promise<Reading> {
    const until = performance.now() + waitMs;
    const bell = new Bell();
    const subscription = await this.subscribe(creatorId, bell);
    try {
      for (;;) {
        bell.hush();
        if (bell.isRestored) await this.reader.head(creatorId);
        const reading = await this.reader.read(creatorId, place);
        const leftMs = until - performance.now();
        if (says(reading) || leftMs <= 0 || gone.aborted || this.closing.signal.aborted) return reading;
        const patienceMs = Math.min(leftMs, this.untilNextLook(creatorId, subscription === undefined));
        const quiet = new AbortController();
        await Promise.race([bell.rung(), this.clock.sleep(patienceMs, AbortSignal.any([gone, this.closing.signal, quiet.signal]))]);
        quiet.abort();
      }
    } finally {
      await subscription?.close();
    }
  }

  private async subscribe(creatorId: string, bell: Bell): Promise<FeedSubscription | undefined> {
    try {
      return await this.feed.subscribe(creatorId, ({ kind }) => {
        bell.ring(kind === 'restored');
      });
    } catch (error) {
      this.logger.warn('events.deaf', errorFields(error));
      return undefined;
    }
  }

  /** All who wait for one creator look at the same moment, and so share the look; creators each at their own. */
  private untilNextLook(creatorId: string, isDeaf: boolean): number {
    const everyMs = isDeaf ? Math.max(LOOK_AGAIN_DEAF_MS, this.creators.size * DEAF_LOOK_COSTS_MS) : LOOK_AGAIN_MS;
    return everyMs - ((this.clock.now() + Number.parseInt(creatorId.slice(0, 8), 16)) % everyMs);
  }

  private enter({ creatorId, overlayId }: Asked): void {
    if (this.overlays.of(overlayId) >= WAITERS_OF_OVERLAY_MAX) {
      throw new Overloaded('This overlay waits for events often enough already.', COME_BACK_S);
    }
    if (this.creators.of(creatorId) >= WAITERS_OF_CREATOR_MAX) {
      throw new Overloaded('The overlays of this creator wait for events often enough already.', COME_BACK_S);
    }
    if (this.total >= WAITERS_MAX) throw new Overloaded('Too many wait for events here.', COME_BACK_S);
    this.overlays.add(overlayId, 1);
    this.creators.add(creatorId, 1);
    this.total += 1;
  }

  private leave({ creatorId, overlayId }: Asked): void {
    this.overlays.add(overlayId, -1);
    this.creators.add(creatorId, -1);
    this.total -= 1;
  }
}

/** How many of each; whoever has none is forgotten. */
class Tally {
  private readonly counts = new Map<string, number>();

  get size(): number {
    return this.counts.size;
  }

  of(key: string): number {
    return this.counts.get(key) ?? 0;
  }

  add(key: string, count: number): void {
    const now = this.of(key) + count;
    if (now === 0) this.counts.delete(key);
    else this.counts.set(key, now);
  }
}

/** Rung before somebody listens, or while a look that began before is under way, it is heard all the same. */
class Bell {
  isRestored = false;
  private isRung = false;
  private wake: (() => void) | undefined;

  ring(isRestored: boolean): void {
    this.isRung = true;
    this.isRestored ||= isRestored;
    this.wake?.();
  }

  /** To be called before each look: only what rings after its beginning is news. */
  hush(): void {
    this.isRung = false;
  }

  /** May be given up and asked for again: nobody who has gone takes a ring away. */
  rung(): Promise<void> {
    return this.isRung ? Promise.resolve() : new Promise((resolve) => (this.wake = resolve));
  }
}

function says({ events, gap, isLost }: Reading): boolean {
  return events.length > 0 || gap !== undefined || isLost === true;
}
