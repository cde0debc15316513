import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import type { FeedSignal, FeedSubscription } from '@droppio/tips';
import { FeedAsker, type AskTimes } from './feed-asker.js';
import type { FeedStoreMetrics } from './feed-metrics.js';
import type { FeedStore, FoundPosition } from './feed-store.js';
import { ReadTurns } from './read-turns.js';

/** Of the five connections that a feed usually has, one is left to whoever appends. */
const READ_AT_ONCE = 4;

interface Subscriber {
  readonly listener: (signal: FeedSignal) => void;
  isOpen: boolean;
}

interface Channel {
  readonly creatorId: string;
  readonly subscribers: Set<Subscriber>;
  /** Up to here everything was told; `undefined`: the feed was not there when it was last looked at. */
  known: { readonly generation: string; seq: number } | undefined;
  readonly opened: Promise<void>;
  isReading: boolean;
  readAgain: boolean;
}

/** What is told, where somebody is. */
export interface Ear {
  readonly isOpen: boolean;
  doubt(): void;
}

/**
 * Tells subscribers of a creator what its feed has beyond the last it told: whatever woke it, it reads on from there, so nothing is told twice or
 * out of order. A word that got lost is found by asking now and then.
 */
export class FeedChannels {
  private readonly log = new Logger('storage');
  private readonly channels = new Map<string, Channel>();
  private readonly turns = new ReadTurns(READ_AT_ONCE);
  private readonly asker: FeedAsker;
  private isClosed = false;

  constructor(
    private readonly store: Pick<FeedStore, 'position' | 'positions' | 'page' | 'use'>,
    private readonly metrics: Pick<FeedStoreMetrics, 'found'>,
    times: AskTimes,
    private readonly ear: Ear,
  ) {
    this.asker = new FeedAsker(store, {
      times,
      hears: () => ear.isOpen,
      creators: () => [...this.channels.keys()],
      answer: (creatorId, found) => {
        this.compare(creatorId, found);
      },
    });
  }

  start(): void {
    this.asker.start();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.channels.clear();
    await this.asker.close();
  }

  /** Asks for all that was not told. Never rejects. */
  ask(): Promise<void> {
    return this.asker.ask();
  }

  async subscribe(creatorId: string, listener: (signal: FeedSignal) => void): Promise<FeedSubscription> {
    const channel = this.channels.get(creatorId) ?? this.open(creatorId);
    const subscriber: Subscriber = { listener, isOpen: true };
    channel.subscribers.add(subscriber);
    const close = (): Promise<void> => {
      subscriber.isOpen = false;
      channel.subscribers.delete(subscriber);
      if (channel.subscribers.size === 0 && this.channels.get(creatorId) === channel) this.channels.delete(creatorId);
      return Promise.resolve();
    };
    try {
      await channel.opened;
    } catch (error) {
      await close();
      throw error;
    }
    return { close };
  }

  /** Somebody says that there are events up to `seq`; 0: that the feed is another one. */
  wake(creatorId: string, seq: number): void {
    const channel = this.channels.get(creatorId);
    if (channel === undefined || (seq > 0 && channel.known !== undefined && channel.known.seq >= seq)) return;
    this.read(channel);
  }

  private compare(creatorId: string, found: FoundPosition | undefined): void {
    const channel = this.channels.get(creatorId);
    if (channel === undefined || channel.isReading) return;
    if (channel.known?.generation === found?.generation && (channel.known?.seq ?? 0) >= (found?.seq ?? 0)) return;
    this.metrics.found();
    this.ear.doubt();
    this.read(channel);
  }

  private open(creatorId: string): Channel {
    // In the list before it is read: what is told meanwhile wakes it.
    const channel: Channel = {
      creatorId,
      subscribers: new Set(),
      known: undefined,
      opened: this.store.position(creatorId).then((found) => {
        channel.known = found && { generation: found.generation, seq: found.seq };
      }),
      isReading: true,
      readAgain: false,
    };
    channel.opened.then(
      () => {
        this.endReading(channel);
      },
      () => undefined,
    );
    this.channels.set(creatorId, channel);
    return channel;
  }

  private read(channel: Channel): void {
    if (channel.isReading) {
      channel.readAgain = true;
      return;
    }
    channel.isReading = true;
    this.turns
      .take(() => this.readOn(channel))
      .then(
        () => {
          this.endReading(channel);
        },
        (error: unknown) => {
          // Asked for again soon.
          channel.isReading = false;
          channel.readAgain = false;
          if (!this.isClosed) this.log.warn('feed.not-read', errorFields(error));
        },
      );
  }

  private endReading(channel: Channel): void {
    channel.isReading = false;
    if (!channel.readAgain) return;
    channel.readAgain = false;
    if (this.isOpen(channel)) this.read(channel);
  }

  private isOpen(channel: Channel): boolean {
    return this.channels.get(channel.creatorId) === channel;
  }

  private async readOn(channel: Channel): Promise<void> {
    // While it waited for its turn the last one may have left.
    if (!this.isOpen(channel)) return;
    const { known } = channel;
    const page = await this.store.page(channel.creatorId, known?.seq ?? 0);
    if (page === undefined) {
      channel.known = undefined;
      if (known !== undefined) this.tell(channel, { kind: 'reconnected' });
      return;
    }
    const { position } = page;
    if (known?.generation !== page.generation) {
      channel.known = { generation: page.generation, seq: position.seq };
      this.tell(channel, { kind: 'restored', position });
      return;
    }
    for (const event of page.events) {
      known.seq = event.seq;
      this.tell(channel, { kind: 'event', epoch: position.epoch, event });
    }
    if (known.seq >= position.seq) return;
    if (page.complete) channel.readAgain = true;
    else {
      known.seq = position.seq;
      this.tell(channel, { kind: 'reconnected' });
    }
  }

  private tell({ subscribers }: Channel, signal: FeedSignal): void {
    for (const subscriber of [...subscribers]) {
      if (!subscriber.isOpen) continue;
      try {
        subscriber.listener(signal);
      } catch (error) {
        // Listeners must not throw; one that does may not cost the others their signal.
        this.log.error('feed.listener-failed', errorFields(error));
      }
    }
  }
}
