import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import { backoffMs, type CreatorEvent, type FeedPage, type FeedPosition, type FeedSignal, type FeedSubscription } from '@droppio/tips';
import { FeedMissing } from './errors.js';
import { EventRing } from './event-ring.js';
import type { FeedAccess } from './feed-access.js';
import type { FeedMetrics } from './metrics.js';
import { TokenBucket } from './token-bucket.js';

const RING_SIZE = 64;
const PAGE = 256;
/** What a feed keeps, about. Not finding something younger than that means it lost its memory. */
const FEED_KEEPS = 256;
const AHEAD_MAX = 512;
/** Rebuilding costs the ledger a reading, and any client may claim to know of more than the feed. */
const CLAIMS = { perSecond: 0.1, burst: 8 };
const FRESH_MS = 10_000;
const HEAL_BACKOFF = { baseMs: 250, capMs: 10_000 };

/** What a follower says, always in the order of the stream. Must not throw. */
export interface FollowerListener {
  /** Contiguous: each batch begins right after the last one, or after a gap. */
  events(events: readonly CreatorEvent[]): void;
  /** These will never come: nobody has them any more. */
  gap(from: number, to: number): void;
  /** The stream was numbered anew; everything known before is void. */
  renumbered(position: FeedPosition): void;
  /** Signals may have been missed, so whatever was learnt from them is to be asked for again. */
  interrupted(): void;
}

/**
 * Follows one creator's feed: every event once, in seq order. Live signals may be lost, repeated or come early; a hole is healed by reading
 * the feed, a feed without memory by having it restored. Whatever cannot be healed is said aloud as a gap.
 */
export class FeedFollower {
  private readonly log = new Logger('delivery');
  readonly ring = new EventRing(RING_SIZE);
  /** Events that came before their turn. */
  private readonly ahead = new Map<number, CreatorEvent>();
  private readonly stop = new AbortController();
  private subscription: FeedSubscription | undefined;
  private at: FeedPosition | undefined;
  private healing: Promise<void> | undefined;
  private healAgain = false;
  private restoring: Promise<void> | undefined;
  private restored: (() => void) | undefined;
  private restoredAt = -Infinity;
  private readonly claims: TokenBucket;
  private failing = false;

  constructor(
    readonly creatorId: string,
    private readonly feed: FeedAccess,
    private readonly restoreTimeoutMs: number,
    private readonly metrics: FeedMetrics,
    private readonly listener: FollowerListener,
  ) {
    this.claims = new TokenBucket(CLAIMS.perSecond, CLAIMS.burst, feed.clock.now());
  }

  /** It was rebuilt a moment ago, so what it says of itself is what the ledger says. */
  get isFreshlyRestored(): boolean {
    return this.feed.clock.now() - this.restoredAt < FRESH_MS;
  }

  get position(): FeedPosition {
    return this.at ?? { epoch: '', seq: 0 };
  }

  /** The feed could not be read when it was last tried: there may be events that nobody here knows of. */
  get isBlind(): boolean {
    return this.failing;
  }

  /** Subscribes first and asks for the position second, so that nothing falls in between. Throws when the feed stays unknown. */
  async open(): Promise<void> {
    this.subscription = await this.feed.subscribe(this.creatorId, (signal) => {
      this.hear(signal);
    });
    let position = await this.feed.position(this.creatorId);
    if (position === undefined) {
      await this.restore();
      position = await this.feed.position(this.creatorId);
    }
    if (position === undefined) throw new FeedMissing('Nobody has rebuilt the feed yet.');
    this.at = position;
    // Whatever was signalled before the position was known is part of it, or found now.
    if (this.healAgain) void this.catchUp();
  }

  async close(): Promise<void> {
    this.stop.abort();
    this.restored?.();
    await this.subscription?.close();
  }

  /** Reads on until nothing is missing, single flight. Never rejects: what fails is tried again until the follower is closed. */
  catchUp(): Promise<void> {
    if (this.healing === undefined) this.healing = this.heal().finally(() => (this.healing = undefined));
    else this.healAgain = true;
    return this.healing;
  }

  /** Has the feed rebuilt, single flight; resolves when it says so or after a while. Throws `BrokerUnavailable`. */
  restore(): Promise<void> {
    return (this.restoring ??= this.requestRestore().finally(() => (this.restoring = undefined)));
  }

  /** The same because a client says that something is missing. Throws `FeedMissing` when that was said too often. */
  async restoreOnClaim(): Promise<void> {
    if (this.restoring === undefined && !this.claims.take(this.feed.clock.now()))
      throw new FeedMissing('The feed was rebuilt often enough.');
    await this.restore();
  }

  /**
   * Events after a seq, for a client that comes back. Also tells everybody else what it finds. `complete: false`: some are no longer kept,
   * and `events` is what is left of them, if anything.
   */
  async read(seq: number): Promise<{ events: readonly CreatorEvent[]; complete: boolean; restored: boolean }> {
    let page = await this.feed.after(this.creatorId, seq, PAGE);
    const restored = page === undefined || (!page.complete && page.position.seq - seq <= FEED_KEEPS);
    if (restored) {
      await this.restore();
      page = await this.feed.after(this.creatorId, seq, PAGE);
    }
    if (page?.position.epoch !== this.position.epoch) throw new FeedMissing('The feed is being rebuilt.');
    const complete = page.complete;
    if (!complete) page = (await this.feed.after(this.creatorId, Math.max(seq, page.position.seq - FEED_KEEPS), PAGE)) ?? page;
    this.takeAll(page.events);
    this.ring.prepend(page.events, this.position.seq);
    return { events: page.events, complete, restored };
  }

  private hear(signal: FeedSignal): void {
    if (this.stop.signal.aborted) return;
    if (signal.kind === 'restored') {
      this.restoredAt = this.feed.clock.now();
      // The feed may say less than before: messages can be erased.
      this.ring.clear();
      this.restored?.();
    }
    if (this.at === undefined) this.healAgain = true;
    else if (signal.kind === 'event' && signal.epoch === this.at.epoch) this.takeAll([signal.event]);
    else {
      void this.catchUp();
      if (signal.kind !== 'event') this.listener.interrupted();
    }
  }

  /** Takes what is next, keeps what is early, drops what is known. */
  private takeAll(events: readonly CreatorEvent[]): void {
    const { epoch } = this.position;
    let { seq } = this.position;
    const next: CreatorEvent[] = [];
    const take = (event: CreatorEvent): void => {
      seq = event.seq;
      next.push(event);
      this.ring.push(event);
    };
    for (const event of events) {
      if (event.seq === seq + 1) take(event);
      else if (event.seq > seq && this.ahead.size < AHEAD_MAX) this.ahead.set(event.seq, event);
    }
    for (let early = this.ahead.get(seq + 1); early !== undefined; early = this.ahead.get(seq + 1)) take(early);
    if (next.length > 0) {
      this.at = { epoch, seq };
      this.listener.events(next);
    }
    for (const known of this.ahead.keys()) if (known <= seq) this.ahead.delete(known);
    if (events.some((event) => event.seq > seq)) void this.catchUp();
  }

  private async heal(): Promise<void> {
    for (let attempt = 0; !this.stop.signal.aborted;) {
      this.healAgain = false;
      try {
        const isDone = await this.healOnce();
        this.failing = false;
        attempt = 0;
        if (isDone && !this.isAskedAgain()) return;
      } catch (error) {
        if (!this.failing) this.log.warn('channel.heal-failed', { creatorId: this.creatorId, ...errorFields(error) });
        this.failing = true;
        await this.feed.clock.sleep(backoffMs(attempt, HEAL_BACKOFF) + HEAL_BACKOFF.baseMs, this.stop.signal);
        attempt += 1;
      }
    }
  }

  private isAskedAgain(): boolean {
    return this.healAgain;
  }

  /** One look at the feed. True when there is nothing more to read. */
  private async healOnce(): Promise<boolean> {
    let page = await this.feed.after(this.creatorId, this.position.seq, PAGE);
    let source = 'feed';
    if (page === undefined || this.hasForgotten(page)) {
      source = 'restored';
      await this.restore();
      page = await this.feed.after(this.creatorId, this.position.seq, PAGE);
      if (page === undefined) throw new FeedMissing('Nobody has rebuilt the feed yet.');
    }
    if (page.position.epoch !== this.position.epoch) {
      this.renumber(page.position);
      return true;
    }
    if (!page.complete) return this.lose(page.position);
    const before = this.position.seq;
    this.takeAll(page.events);
    const healed = this.position.seq - before;
    if (healed > 0) this.metrics.healed.inc({ source }, healed);
    else if (page.position.seq > before) throw new FeedMissing('The feed announces events that it does not have.');
    return this.position.seq >= page.position.seq;
  }

  /** A feed behind us lost writes in a failover; one that lacks what it must have kept lost its stream. */
  private hasForgotten(page: FeedPage): boolean {
    const { epoch, seq } = this.position;
    if (page.position.epoch !== epoch) return false;
    return page.position.seq < seq || (!page.complete && page.position.seq - seq <= FEED_KEEPS);
  }

  private async lose(newest: FeedPosition): Promise<boolean> {
    const tail = await this.feed.after(this.creatorId, Math.max(this.position.seq, newest.seq - FEED_KEEPS), PAGE);
    const from = this.position.seq + 1;
    const to = (tail?.events[0]?.seq ?? newest.seq + 1) - 1;
    if (to >= from) {
      this.log.error('channel.gap', { creatorId: this.creatorId, from, to });
      this.metrics.unhealed.inc(to - from + 1);
      this.at = { epoch: newest.epoch, seq: to };
      this.ring.clear();
      this.listener.gap(from, to);
    }
    this.takeAll(tail?.events ?? []);
    return false;
  }

  private renumber(position: FeedPosition): void {
    this.log.warn('channel.renumbered', { creatorId: this.creatorId, seq: position.seq });
    this.at = position;
    this.ring.clear();
    this.ahead.clear();
    this.listener.renumbered(position);
  }

  private async requestRestore(): Promise<void> {
    const done = new Promise<void>((resolve) => (this.restored = resolve));
    await this.feed.requestRestore(this.creatorId);
    const patience = new AbortController();
    await Promise.race([done, this.feed.clock.sleep(this.restoreTimeoutMs, patience.signal)]);
    patience.abort();
    this.restored = undefined;
  }
}
