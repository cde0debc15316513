import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import {
  TipFeed,
  type AppendOutcome,
  type CreatorEvent,
  type FeedPage,
  type FeedPosition,
  type FeedSignal,
  type FeedSnapshot,
  type FeedSubscription,
  type OverlayGrant,
} from '@droppio/tips';
import type { FeedMetrics } from './metrics.js';
import { FEED_KEEPS_EVENTS } from './redis-tip-feed.js';

/** A creator's events are about 1 KB each, so this bounds the feed at some 500 MB; the longest idle creator goes first. */
const MAX_CREATORS = 2000;

interface Feed {
  readonly epoch: string;
  head: number;
  /** Oldest first, contiguous, ending at `head` (or empty). */
  events: CreatorEvent[];
  readonly grants: Map<string, OverlayGrant>;
  /** The epoch that is over, whatever came after it. */
  readonly ended: string | undefined;
}

interface Subscriber {
  readonly listener: (signal: FeedSignal) => void;
  open: boolean;
}

/** The feed of a single process: everything that `RedisTipFeed` promises, lost with the process and restored from the ledger. */
export class MemoryTipFeed extends TipFeed {
  private readonly log = new Logger('broker');
  /** In order of use, longest idle first. */
  private readonly feeds = new Map<string, Feed>();
  private readonly subscribers = new Map<string, Set<Subscriber>>();
  private outbox: { to: Subscriber; signal: FeedSignal }[] = [];

  constructor(
    private readonly metrics: FeedMetrics,
    private readonly maxCreators = MAX_CREATORS,
  ) {
    super();
  }

  override append(creatorId: string, epoch: string, event: CreatorEvent): Promise<AppendOutcome> {
    const outcome = this.appendNow(creatorId, epoch, event);
    this.metrics.appended(outcome.kind);
    return Promise.resolve(outcome);
  }

  override position(creatorId: string): Promise<FeedPosition | undefined> {
    const feed = this.feeds.get(creatorId);
    return Promise.resolve(feed && { epoch: feed.epoch, seq: feed.head });
  }

  override after(creatorId: string, seq: number, limit: number): Promise<FeedPage | undefined> {
    const feed = this.feeds.get(creatorId);
    if (feed === undefined) return Promise.resolve(undefined);
    const position = { epoch: feed.epoch, seq: feed.head };
    if (seq >= feed.head) return Promise.resolve({ position, events: [], complete: true });
    const from = feed.events.findIndex((event) => event.seq === seq + 1);
    if (from === -1) return Promise.resolve({ position, events: [], complete: false });
    return Promise.resolve({ position, events: feed.events.slice(from, from + limit), complete: true });
  }

  override grant(creatorId: string, overlayId: string): Promise<OverlayGrant | 'unknown' | undefined> {
    const feed = this.feeds.get(creatorId);
    return Promise.resolve(feed === undefined ? 'unknown' : feed.grants.get(overlayId));
  }

  override restore(creatorId: string, snapshot: FeedSnapshot): Promise<void> {
    const { position } = snapshot;
    const feed = this.feeds.get(creatorId);
    if (feed?.ended === position.epoch) this.metrics.restored('ended');
    else if (feed?.epoch === position.epoch && feed.head > position.seq) this.metrics.restored('behind');
    else this.rewrite(creatorId, snapshot, feed?.ended);
    return Promise.resolve();
  }

  override end(creatorId: string, position: FeedPosition): Promise<void> {
    this.rewrite(creatorId, { position, events: [], grants: [] }, position.epoch);
    return Promise.resolve();
  }

  override subscribe(creatorId: string, listener: (signal: FeedSignal) => void): Promise<FeedSubscription> {
    const subscriber: Subscriber = { listener, open: true };
    const all = this.subscribers.get(creatorId) ?? new Set();
    this.subscribers.set(creatorId, all.add(subscriber));
    return Promise.resolve({
      close: () => {
        subscriber.open = false;
        all.delete(subscriber);
        if (all.size === 0 && this.subscribers.get(creatorId) === all) this.subscribers.delete(creatorId);
        return Promise.resolve();
      },
    });
  }

  override ping(): Promise<void> {
    return Promise.resolve();
  }

  override close(): Promise<void> {
    this.subscribers.clear();
    this.outbox = [];
    return Promise.resolve();
  }

  private rewrite(creatorId: string, { position, events, grants }: FeedSnapshot, ended: string | undefined): void {
    this.use(creatorId, {
      epoch: position.epoch,
      head: position.seq,
      events: [...events],
      grants: new Map(grants.map((grant) => [grant.overlayId, grant])),
      ended,
    });
    this.metrics.restored('restored');
    this.signal(creatorId, { kind: 'restored', position });
  }

  private appendNow(creatorId: string, epoch: string, event: CreatorEvent): AppendOutcome {
    const feed = this.feeds.get(creatorId);
    if (feed?.epoch !== epoch) return { kind: 'missing' };
    if (event.seq <= feed.head) return { kind: 'duplicate', head: feed.head };
    if (event.seq > feed.head + 1) return { kind: 'gap', head: feed.head };
    feed.head = event.seq;
    feed.events.push(event);
    // Cut in strides: moving the whole array for every event would cost more than the slack.
    if (feed.events.length > FEED_KEEPS_EVENTS * 1.25) feed.events = feed.events.slice(-FEED_KEEPS_EVENTS);
    if (event.type === 'config') feed.grants.set(event.d.overlayId, event.d);
    this.use(creatorId, feed);
    this.signal(creatorId, { kind: 'event', epoch, event });
    return { kind: 'appended' };
  }

  private use(creatorId: string, feed: Feed): void {
    this.feeds.delete(creatorId);
    this.feeds.set(creatorId, feed);
    if (this.feeds.size <= this.maxCreators) return;
    const [longestIdle] = this.feeds.keys();
    if (longestIdle !== undefined) this.feeds.delete(longestIdle);
  }

  /** To whoever listens now, but not in the publisher's call: as over a network, in one order for everybody. */
  private signal(creatorId: string, signal: FeedSignal): void {
    const subscribers = this.subscribers.get(creatorId);
    if (subscribers === undefined) return;
    if (this.outbox.length === 0) {
      queueMicrotask(() => {
        this.flush();
      });
    }
    for (const to of subscribers) this.outbox.push({ to, signal });
  }

  private flush(): void {
    const batch = this.outbox;
    this.outbox = [];
    for (const { to, signal } of batch) {
      if (!to.open) continue;
      try {
        to.listener(signal);
      } catch (error) {
        // Listeners must not throw; one that does may not cost the others their signal.
        this.log.error('feed.listener-failed', errorFields(error));
      }
    }
  }
}
