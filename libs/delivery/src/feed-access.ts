import { Injectable } from '@nestjs/common';
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
import { Turnstile } from './turnstile.js';

const PLACES = 64;
const ANSWER_MS = 5000;

/** The feed and the queue as the channels use them: every question has a deadline, and only so many are asked at a time. */
@Injectable()
export class FeedAccess {
  private readonly turnstile = new Turnstile(PLACES);

  constructor(
    private readonly feed: TipFeed,
    private readonly queue: RelayQueue,
    readonly clock: Clock,
  ) {}

  subscribe(creatorId: string, listener: (signal: FeedSignal) => void): Promise<FeedSubscription> {
    return this.ask('subscribing', () => this.feed.subscribe(creatorId, listener));
  }

  position(creatorId: string): Promise<FeedPosition | undefined> {
    return this.ask('the position', () => this.feed.position(creatorId));
  }

  after(creatorId: string, seq: number, limit: number): Promise<FeedPage | undefined> {
    return this.ask('the events', () => this.feed.after(creatorId, seq, limit));
  }

  grant(creatorId: string, overlayId: string): Promise<OverlayGrant | 'unknown' | undefined> {
    return this.ask('the grant', () => this.feed.grant(creatorId, overlayId));
  }

  /** Asks whoever holds the ledger to rebuild a creator's feed; that it happened comes as a signal. */
  requestRestore(creatorId: string): Promise<void> {
    return this.ask('the queue', () => this.queue.nudge({ creatorId, task: 'restore' }, { live: true }));
  }

  private ask<T>(what: string, question: () => Promise<T>): Promise<T> {
    return this.turnstile.pass(() => within(ANSWER_MS, what, question()));
  }
}
