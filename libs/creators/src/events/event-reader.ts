import { Injectable, Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import { SharedLooks } from './shared-looks.js';
import { BrokerUnavailable, TipFeed, TipLedger, Unauthorized, type CreatorEvent, type FeedPosition } from '@droppio/tips';

const AT_ONCE = 256;

export interface Reading {
  /** Contiguous, but for `gap` before the first. */
  readonly events: readonly CreatorEvent[];
  /** Where to go on. */
  readonly position: FeedPosition;
  readonly gap?: { readonly from: number; readonly to: number };
  /** The asked-for place is of another numbering, or one that was never given out: nothing can be said about what lies between. */
  readonly isLost?: true;
}

/**
 * Events after a place: from the live feed, and from the ledger where the feed is away, empty, or behind. Pages of one creator are at one place as a
 * rule, so they share a look.
 */
@Injectable()
export class EventReader {
  private readonly logger = new Logger('creators');
  private readonly looks = new SharedLooks<Reading>();

  constructor(
    private readonly feed: TipFeed,
    private readonly ledger: TipLedger,
  ) {}

  read(creatorId: string, place: FeedPosition): Promise<Reading> {
    return this.looks.run(`${creatorId} ${place.epoch}.${String(place.seq)}`, () => this.look(creatorId, place));
  }

  private async look(creatorId: string, place: FeedPosition): Promise<Reading> {
    const page = await this.feed.after(creatorId, place.seq, AT_ONCE).catch((error: unknown) => {
      if (!(error instanceof BrokerUnavailable)) throw error;
      this.logger.warn('events.feed-away', errorFields(error));
      return undefined;
    });
    if (page?.complete !== true || page.position.epoch !== place.epoch || page.position.seq < place.seq)
      return this.fromLedger(creatorId, place);
    return { events: page.events, position: { epoch: place.epoch, seq: page.events.at(-1)?.seq ?? place.seq } };
  }

  /** Throws `Unauthorized` when there is no such creator any more. */
  async head(creatorId: string): Promise<FeedPosition> {
    const position = await this.ledger.position(creatorId);
    if (position === undefined) throw new Unauthorized('The account of this overlay is gone.');
    return position;
  }

  private async fromLedger(creatorId: string, place: FeedPosition): Promise<Reading> {
    const position = await this.head(creatorId);
    if (position.epoch !== place.epoch || place.seq > position.seq) return { events: [], position, isLost: true };
    if (position.seq === place.seq) return { events: [], position };
    const events = await this.ledger.eventsAfter(creatorId, place.seq, AT_ONCE);
    const [first] = events;
    const last = events.at(-1);
    // What is pruned is pruned from the oldest on: without any left, all up to the head is gone.
    if (first === undefined || last === undefined) return { events, position, gap: { from: place.seq + 1, to: position.seq } };
    const reading = { events, position: { epoch: place.epoch, seq: last.seq } };
    return first.seq === place.seq + 1 ? reading : { ...reading, gap: { from: place.seq + 1, to: first.seq - 1 } };
  }
}
