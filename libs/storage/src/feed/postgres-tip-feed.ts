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
import type { Database } from '../database.js';
import { AppendLanes } from './append-lanes.js';
import type { AskTimes } from './feed-asker.js';
import { FeedChannels } from './feed-channels.js';
import { FeedEar, type EarOptions } from './feed-ear.js';
import type { FeedStoreMetrics, ListeningGauge } from './feed-metrics.js';
import { readTidings } from './feed-statements.js';
import { FeedStore } from './feed-store.js';

const TIMES: AskTimes = { askEveryMs: 3000, askDeafEveryMs: 500 };

export interface PostgresFeedOptions extends EarOptions {
  readonly times?: AskTimes;
}

/**
 * A feed in the database that the events are in: how far it is, is a row of its own; its events are the ledger's. Whoever appends tells the
 * creator's id and the seq (NOTIFY), and whoever hears it reads on. What it is told by is never believed and may be lost: it costs seconds.
 */
export class PostgresTipFeed extends TipFeed {
  private readonly store: FeedStore;
  private readonly lanes: AppendLanes;
  private readonly channels: FeedChannels;
  private readonly ear: FeedEar;

  /** `database`: a pool of its own, so that what overlays ask is never in the way of a commit. It is closed with the feed. */
  constructor(
    private readonly database: Database,
    private readonly metrics: { readonly feed: FeedStoreMetrics; readonly gauge: ListeningGauge },
    { times = TIMES, ...options }: PostgresFeedOptions,
  ) {
    super();
    this.store = new FeedStore(database);
    this.lanes = new AppendLanes((creatorId, epoch, events) => this.appendRun(creatorId, epoch, events));
    this.ear = new FeedEar(options, database, metrics, {
      heard: (payload) => {
        const tidings = readTidings(payload);
        if (tidings !== undefined) this.channels.wake(tidings.creatorId, tidings.seq);
      },
      opened: () => void this.channels.ask(),
    });
    this.channels = new FeedChannels(this.store, metrics.feed, times, this.ear);
  }

  /** False: what others append is found by asking, up to some seconds late. */
  get isListening(): boolean {
    return this.ear.isOpen;
  }

  /** Throws `StartupFault` with a sentence where it can hear nothing. */
  async start(): Promise<void> {
    await this.ear.start();
    this.channels.start();
  }

  override append(creatorId: string, epoch: string, event: CreatorEvent): Promise<AppendOutcome> {
    return this.lanes.append(creatorId, epoch, event);
  }

  override async position(creatorId: string): Promise<FeedPosition | undefined> {
    const found = await this.store.position(creatorId);
    return found && { epoch: found.epoch, seq: found.seq };
  }

  override async after(creatorId: string, seq: number, limit: number): Promise<FeedPage | undefined> {
    const page = await this.store.page(creatorId, seq, limit);
    return page && { position: page.position, events: page.events, complete: page.complete };
  }

  override grant(creatorId: string, overlayId: string): Promise<OverlayGrant | 'unknown' | undefined> {
    return this.store.grant(creatorId, overlayId);
  }

  override async restore(creatorId: string, snapshot: FeedSnapshot): Promise<void> {
    this.metrics.feed.restored(await this.store.restore(creatorId, snapshot));
  }

  override async end(creatorId: string, position: FeedPosition): Promise<void> {
    await this.store.end(creatorId, position);
    this.metrics.feed.restored('restored');
  }

  override subscribe(creatorId: string, listener: (signal: FeedSignal) => void): Promise<FeedSubscription> {
    return this.channels.subscribe(creatorId, listener);
  }

  override ping(): Promise<void> {
    return this.store.ping();
  }

  override async close(): Promise<void> {
    await Promise.all([this.channels.close(), this.ear.close()]);
    await this.database.close();
  }

  private async appendRun(creatorId: string, epoch: string, events: readonly CreatorEvent[]): Promise<readonly AppendOutcome[]> {
    const outcomes = await this.store.append(creatorId, epoch, events);
    for (const { kind } of outcomes) this.metrics.feed.appended(kind);
    // Those who listen here need not wait for what they are told.
    const newest = events.filter((_, nth) => outcomes[nth]?.kind === 'appended').at(-1);
    if (newest !== undefined) this.channels.wake(creatorId, newest.seq);
    return outcomes;
  }
}
