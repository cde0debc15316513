import type { ReadyFrame } from '@droppio/protocol';
import type { Clock, FeedPosition } from '@droppio/tips';
import type { CursorStore } from './cursor-store.js';
import { isToBeJudged, type Entry } from './entry.js';
import type { Sight } from './sight.js';

/** How far a page is in its creator's stream: what has come, and from where a reload would have to ask again. */
export class StreamPlace {
  private received: FeedPosition | undefined;
  private catchingUpTo: number | undefined;
  /** How much later it is here than at the server. */
  private clockAheadMs = 0;
  /** The server's time at which this page first came here; `undefined`: it was here before. */
  private beganAtMs: number | undefined;

  constructor(
    private readonly store: CursorStore,
    private readonly clock: Clock,
    /** What waits for the screen. */
    private readonly waiting: () => readonly Entry[],
    begin: FeedPosition | undefined,
    private readonly sight: Sight,
  ) {
    this.received = begin;
  }

  get aheadMs(): number {
    return this.clockAheadMs;
  }

  /** Not all that was missed has come, so nothing can be said about it as a whole. */
  get isCatchingUp(): boolean {
    return this.catchingUpTo !== undefined;
  }

  /** Everything up to here is shown or needs no showing: what to resume from. */
  get cursor(): FeedPosition | undefined {
    const { received } = this;
    if (received === undefined) return undefined;
    // What comes back was taken once: it is written down by itself.
    const waiting = this.waiting().filter((entry) => entry.epoch === received.epoch && entry.appearances === 0);
    return { epoch: received.epoch, seq: Math.min(received.seq, ...waiting.map((entry) => entry.from - 1)) };
  }

  /** What was missed follows, up to `head`. */
  resume({ head, now }: Pick<ReadyFrame, 'head' | 'now'>): void {
    if (now !== undefined) this.clockAheadMs = this.clock.now() - now;
    if (this.received === undefined) this.beganAtMs = this.clock.now() - this.clockAheadMs;
    this.catchingUpTo = head;
  }

  /** Would this page have heard of a tip in a block of that time, had it stood since then? */
  wasHere(blockMs: number | undefined): boolean {
    return this.beganAtMs === undefined || blockMs === undefined || blockMs >= this.beganAtMs;
  }

  /** True: with this all that was missed has come. */
  advance(position: FeedPosition): boolean {
    this.received = position;
    const isThere = this.catchingUpTo !== undefined && position.seq >= this.catchingUpTo;
    if (isThere) this.catchingUpTo = undefined;
    this.save();
    return isThere;
  }

  /** The rest may not come. */
  interrupt(): void {
    this.catchingUpTo = undefined;
  }

  /** What is still to be judged by the catch-up rule did not come to this page's line: a reload has missed it as well. */
  save(): void {
    const { cursor, received } = this;
    if (cursor === undefined || received === undefined) return;
    const waiting = this.waiting().filter((entry) => entry.epoch === received.epoch && entry.appearances === 0);
    const unjudged = waiting.filter(isToBeJudged).map((entry) => entry.from - 1);
    // Whoever comes after this page has to know whether what waits here was missed meanwhile.
    this.store.save({
      cursor,
      received: Math.min(received.seq, ...unjudged),
      ...(waiting.length > 0 && { seenAt: this.sight.lastSeenAt }),
    });
  }
}
