import {
  type Clock,
  StorageUnavailable,
  TipLedger,
  type CreatorEvent,
  type FeedPosition,
  type FeedSnapshot,
  type OverlayGrant,
} from '@droppio/tips';

interface Stream {
  epoch: string;
  events: { readonly event: CreatorEvent; readonly committedAtMs: number }[];
  /** Seq of the newest event; more than the events' own when old ones were pruned. */
  head: number;
  published: number;
  grants: OverlayGrant[];
}

/** The outbox half of a ledger, in memory: commits on demand, counts its reads, and is away when told. The chain half is not there. */
export class ScriptLedger extends TipLedger {
  readonly streams = new Map<string, Stream>();
  readonly calls: string[] = [];
  away = false;

  constructor(private readonly clock: Clock) {
    super();
  }

  addCreator(creatorId: string, epoch = 'epoch-1'): void {
    this.streams.set(creatorId, { epoch, events: [], head: 0, published: 0, grants: [] });
  }

  /** Commits them at the clock's now. */
  commitEvents(creatorId: string, ...events: readonly CreatorEvent[]): void {
    const stream = this.stream(creatorId);
    for (const event of events) {
      stream.events.push({ event, committedAtMs: this.clock.now() });
      stream.head = event.seq;
    }
  }

  publishedOf(creatorId: string): number {
    return this.stream(creatorId).published;
  }

  stream(creatorId: string): Stream {
    const stream = this.streams.get(creatorId);
    if (stream === undefined) throw new Error(`no creator ${creatorId}`);
    return stream;
  }

  override eventsAfter(creatorId: string, seq: number, limit: number): Promise<readonly CreatorEvent[]> {
    return this.answer('eventsAfter', () => {
      const events = this.streams.get(creatorId)?.events ?? [];
      return events
        .map(({ event }) => event)
        .filter((event) => event.seq > seq)
        .slice(0, limit);
    });
  }

  override position(creatorId: string): Promise<FeedPosition | undefined> {
    return this.answer('position', () => {
      const stream = this.streams.get(creatorId);
      return stream && { epoch: stream.epoch, seq: stream.head };
    });
  }

  override snapshot(creatorId: string, limit: number): Promise<FeedSnapshot | undefined> {
    return this.answer('snapshot', () => {
      const stream = this.streams.get(creatorId);
      if (stream === undefined) return undefined;
      const events = stream.events.slice(-limit).map(({ event }) => event);
      return { position: { epoch: stream.epoch, seq: stream.head }, events, grants: stream.grants };
    });
  }

  override markPublished(creatorId: string, seq: number): Promise<void> {
    return this.answer('markPublished', () => {
      const stream = this.stream(creatorId);
      if (seq <= stream.head) stream.published = Math.max(stream.published, seq);
    });
  }

  override unpublished(olderThanMs: number, limit: number): Promise<readonly string[]> {
    return this.answer('unpublished', () => {
      const before = this.clock.now() - olderThanMs;
      const oldest = [...this.streams].map(([id, { events, published }]) => ({
        id,
        first: events.find(({ event }) => event.seq > published),
      }));
      return oldest
        .filter(({ first }) => first !== undefined && first.committedAtMs <= before)
        .sort((a, b) => (a.first?.committedAtMs ?? 0) - (b.first?.committedAtMs ?? 0))
        .slice(0, limit)
        .map(({ id }) => id);
    });
  }

  /** Creators whose tips wait, by how many events their screening tells. */
  readonly waiting = new Map<string, readonly CreatorEvent[]>();

  override screen(creatorId: string): Promise<boolean> {
    return this.answer('screen', () => {
      const told = this.waiting.get(creatorId) ?? [];
      this.waiting.delete(creatorId);
      this.commitEvents(creatorId, ...told);
      return told.length > 0;
    });
  }

  override unscreened(_olderThanMs: number, limit: number): Promise<readonly string[]> {
    return this.answer('unscreened', () => [...this.waiting.keys()].slice(0, limit));
  }

  override acquire = notHere;
  override release = notHere;
  override cursor = notHere;
  override begin = notHere;
  override window = notHere;
  override commit = notHere;
  override reorganise = notHere;
  override finalize = notHere;
  override finalizedHeight = notHere;
  override sightings = notHere;
  override sight = notHere;
  override drop = notHere;
  override tellDue = notHere;
  override looksFor = notHere;
  override backfill = notHere;
  override settled = notHere;
  override holes = notHere;

  private async answer<T>(call: string, read: () => T): Promise<T> {
    this.calls.push(call);
    await Promise.resolve();
    if (this.away) throw new StorageUnavailable('away on purpose');
    return read();
  }
}

function notHere(): Promise<never> {
  return Promise.reject(new Error('this ledger has no chain'));
}
