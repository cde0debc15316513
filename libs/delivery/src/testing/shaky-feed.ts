import { MemoryTipFeed, unregisteredMetrics } from '@droppio/broker';
import {
  BrokerUnavailable,
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

/** The memory feed behind a bad line: it can be away, lose live signals, and have each reading wait. */
export class ShakyFeed extends TipFeed {
  readonly inner = new MemoryTipFeed(unregisteredMetrics().feed);
  isAway = false;
  /** Which live signals get lost. */
  loses: (signal: FeedSignal) => boolean = () => false;
  /** Live signals come twice. */
  stutters = false;
  /** Runs after each reading and before its answer is heard: the place for a race. */
  beforeReading: () => Promise<void> = () => Promise.resolve();
  /** Holds up each subscription. */
  beforeSubscribing: () => Promise<void> = () => Promise.resolve();
  /** How many were made. */
  subscribed = 0;
  readings = 0;
  grantReadings = 0;
  private readonly listeners = new Set<(signal: FeedSignal) => void>();

  override append(creatorId: string, epoch: string, event: CreatorEvent): Promise<AppendOutcome> {
    return this.inner.append(creatorId, epoch, event);
  }

  override async position(creatorId: string): Promise<FeedPosition | undefined> {
    this.check();
    const position = await this.inner.position(creatorId);
    await this.beforeReading();
    return position;
  }

  override async after(creatorId: string, seq: number, limit: number): Promise<FeedPage | undefined> {
    this.check();
    this.readings += 1;
    const page = await this.inner.after(creatorId, seq, limit);
    await this.beforeReading();
    return page;
  }

  override async grant(creatorId: string, overlayId: string): Promise<OverlayGrant | 'unknown' | undefined> {
    this.check();
    this.grantReadings += 1;
    return this.inner.grant(creatorId, overlayId);
  }

  override restore(creatorId: string, snapshot: FeedSnapshot): Promise<void> {
    return this.inner.restore(creatorId, snapshot);
  }

  override end(creatorId: string, position: FeedPosition): Promise<void> {
    return this.inner.end(creatorId, position);
  }

  override async subscribe(creatorId: string, listener: (signal: FeedSignal) => void): Promise<FeedSubscription> {
    this.check();
    await this.beforeSubscribing();
    const subscription = await this.inner.subscribe(creatorId, (signal) => {
      if (this.isAway || this.loses(signal)) return;
      listener(signal);
      if (this.stutters) listener(signal);
    });
    this.listeners.add(listener);
    this.subscribed += 1;
    return {
      close: () => {
        this.listeners.delete(listener);
        return subscription.close();
      },
    };
  }

  /** As after a broken connection: whatever came meanwhile is unknown. */
  reconnect(): void {
    this.isAway = false;
    for (const listener of this.listeners) listener({ kind: 'reconnected' });
  }

  get subscribers(): number {
    return this.listeners.size;
  }

  override async ping(): Promise<void> {
    this.check();
    await this.inner.ping();
  }

  override close(): Promise<void> {
    return this.inner.close();
  }

  private check(): void {
    if (this.isAway) throw new BrokerUnavailable('The feed is away.');
  }
}
