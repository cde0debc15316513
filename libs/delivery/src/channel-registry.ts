import { Injectable } from '@nestjs/common';
import { CreatorChannel } from './creator-channel.js';
import { DeliverySettings } from './delivery-settings.js';
import { FeedAccess } from './feed-access.js';
import { FlushPacer } from './flush-pacer.js';
import { ChannelMetrics } from './metrics.js';
import { TimingWheel, type WheelEntry } from './timing-wheel.js';

const LOOK_MS = 5000;

/** A channel in use: by the sockets in it and by those on their way in. */
class HeldChannel implements WheelEntry {
  slot: Set<WheelEntry> | undefined;
  guests = 0;
  readonly opened: Promise<void>;
  private emptySince: number | undefined;
  private checkAt: number;

  constructor(
    readonly channel: CreatorChannel,
    private readonly settings: DeliverySettings,
    private readonly now: () => number,
    private readonly letGo: (held: HeldChannel) => void,
  ) {
    this.opened = channel.follower.open();
    this.checkAt = this.nextCheck();
  }

  onDue(): number | undefined {
    const now = this.now();
    this.emptySince = this.guests + this.channel.size > 0 ? undefined : (this.emptySince ?? now);
    if (this.emptySince !== undefined && now - this.emptySince >= this.settings.lingerMs) {
      this.letGo(this);
      return undefined;
    }
    if (now >= this.checkAt) {
      this.checkAt = this.nextCheck();
      void this.channel.follower.catchUp();
    }
    return this.lookMs;
  }

  get lookMs(): number {
    return Math.min(LOOK_MS, this.settings.lingerMs, this.settings.positionCheckMs);
  }

  /** Spread, so that channels opened together do not ask together. */
  private nextCheck(): number {
    return this.now() + this.settings.positionCheckMs * (0.75 + Math.random() / 2);
  }
}

/** One channel per creator with sockets here; it stays for a while after the last one, since overlays come back. */
@Injectable()
export class ChannelRegistry {
  private readonly held = new Map<string, HeldChannel>();

  constructor(
    private readonly settings: DeliverySettings,
    private readonly feed: FeedAccess,
    private readonly wheel: TimingWheel,
    private readonly pacer: FlushPacer,
    private readonly metrics: ChannelMetrics,
  ) {}

  get size(): number {
    return this.held.size;
  }

  /** Opens the creator's channel, or joins in waiting for it, and keeps it while `visit` runs. Rejects when it cannot be opened. */
  async visit(creatorId: string, visit: (channel: CreatorChannel) => Promise<void>): Promise<void> {
    const held = this.held.get(creatorId) ?? this.open(creatorId);
    held.guests += 1;
    try {
      await held.opened;
      await visit(held.channel);
    } finally {
      held.guests -= 1;
    }
  }

  /** Sockets of each creator that has any here. */
  sockets(): ReadonlyMap<string, number> {
    return new Map([...this.held].map(([creatorId, { channel }]) => [creatorId, channel.size] as const).filter(([, size]) => size > 0));
  }

  /** The feed is back, and something may have been missed everywhere. */
  checkAll(): void {
    this.feed.returned();
    // Those with the most overlays first: only so many are read at a time.
    const channels = [...this.held.values()].map(({ channel }) => channel).sort((a, b) => b.size - a.size);
    for (const { follower } of channels) void follower.catchUp();
  }

  async close(): Promise<void> {
    await Promise.all([...this.held.values()].map((held) => this.letGo(held)));
  }

  private open(creatorId: string): HeldChannel {
    const channel = new CreatorChannel(creatorId, this.feed, this.settings.restoreTimeoutMs, this.pacer, this.metrics);
    const held = new HeldChannel(
      channel,
      this.settings,
      () => this.feed.clock.now(),
      (idle) => void this.letGo(idle),
    );
    this.held.set(creatorId, held);
    this.metrics.feed.channels.set(this.held.size);
    held.opened.then(
      () => {
        if (this.held.get(creatorId) === held) this.wheel.schedule(held, held.lookMs);
      },
      // Whoever waited is told by the promise itself; the next one starts afresh.
      () => this.letGo(held),
    );
    return held;
  }

  private async letGo(held: HeldChannel): Promise<void> {
    this.wheel.cancel(held);
    if (this.held.get(held.channel.creatorId) === held) this.held.delete(held.channel.creatorId);
    this.metrics.feed.channels.set(this.held.size);
    // A subscription that will not close is the feed's to clean up; nothing here waits for it.
    await held.channel.follower.close().catch(() => undefined);
  }
}
