import { Injectable, Logger } from '@nestjs/common';
import {
  Clock,
  RelayQueue,
  TipFeed,
  within,
  type FeedPage,
  type FeedPosition,
  type FeedSignal,
  type FeedSubscription,
} from '@droppio/tips';
import type { OverlayGrant } from '@droppio/tips';
import { Circuit } from './circuit.js';
import { FeedAway } from './errors.js';
import { RedisMetrics } from './node-metrics.js';
import { Turnstile } from './turnstile.js';

const PLACES = 64;
const ANSWER_MS = 5000;

/** The feed and the queue as channels use them: every question has a deadline, only so many are asked at a time, and none while it is away. */
@Injectable()
export class FeedAccess {
  private readonly log = new Logger('delivery');
  private readonly turnstile = new Turnstile(PLACES);
  private readonly circuit: Circuit;

  constructor(
    private readonly feed: TipFeed,
    private readonly queue: RelayQueue,
    readonly clock: Clock,
    private readonly metrics: RedisMetrics,
  ) {
    this.circuit = new Circuit(clock, (isOpen) => {
      this.log.warn(isOpen ? 'feed.circuit-opened' : 'feed.circuit-closed');
    });
  }

  /** The feed answers again: nobody waits for a trial. */
  returned(): void {
    this.circuit.close();
  }

  async subscribe(creatorId: string, listener: (signal: FeedSignal) => void): Promise<FeedSubscription> {
    const coming: Promise<FeedSubscription>[] = [];
    const hear = (signal: FeedSignal): void => {
      this.note(signal);
      listener(signal);
    };
    try {
      return await this.ask('subscribe', () => {
        const subscription = this.feed.subscribe(creatorId, hear);
        coming.push(subscription);
        return subscription;
      });
    } catch (error) {
      // One that comes after its deadline has nobody left to close it.
      for (const late of coming) late.then((subscription) => subscription.close()).catch(() => undefined);
      throw error;
    }
  }

  position(creatorId: string): Promise<FeedPosition | undefined> {
    return this.ask('position', () => this.feed.position(creatorId));
  }

  after(creatorId: string, seq: number, limit: number): Promise<FeedPage | undefined> {
    return this.ask('after', () => this.feed.after(creatorId, seq, limit));
  }

  grant(creatorId: string, overlayId: string): Promise<OverlayGrant | 'unknown' | undefined> {
    return this.ask('grant', () => this.feed.grant(creatorId, overlayId));
  }

  /** Asks whoever holds the ledger to rebuild a creator's feed; that it happened comes as a signal. */
  requestRestore(creatorId: string): Promise<void> {
    // A queue that is full says nothing about the feed.
    return this.measured('nudge', () => this.inTime('nudge', () => this.queue.nudge({ creatorId, task: 'restore' }, { live: true })));
  }

  private note(signal: FeedSignal): void {
    this.metrics.messages.inc({ kind: signal.kind });
    const pub = signal.kind === 'event' ? signal.event.at.pub : undefined;
    if (pub !== undefined) this.metrics.pubsubLag.observe(Math.max(0, this.clock.now() - pub) / 1000);
  }

  private ask<T>(command: string, question: () => Promise<T>): Promise<T> {
    return this.measured(command, () => this.circuit.run(() => this.inTime(command, question)));
  }

  private inTime<T>(command: string, question: () => Promise<T>): Promise<T> {
    return within(ANSWER_MS, `asking the feed (${command})`, question());
  }

  private async measured<T>(command: string, work: () => Promise<T>): Promise<T> {
    const stop = this.metrics.commands.startTimer({ command });
    try {
      const answer = await this.turnstile.pass(work);
      stop({ outcome: 'ok' });
      return answer;
    } catch (error) {
      const isRefused = error instanceof FeedAway;
      stop({ outcome: isRefused ? 'refused' : 'error' });
      if (!isRefused) this.metrics.errors.inc({ command });
      throw error;
    }
  }
}
