import { randomUUID } from 'node:crypto';
import {
  DEFAULT_OVERLAY_CONFIG,
  type CreatorEvent,
  type FeedSnapshot,
  type OverlayGrant,
  type RelayQueue,
  type TipEvent,
  type TipFeed,
} from '@droppio/tips';
import { aDisplay, aTipEvent } from '@droppio/tips/testing';

type Draft = CreatorEvent extends infer E ? (E extends CreatorEvent ? Omit<E, 'seq'> : never) : never;

/** Keeps a creator's events as a ledger does and brings them to the feed as a relay does: in order, after the feed's head, restoring what is missing. */
export class Truth {
  readonly creatorId = randomUUID();
  readonly epoch = randomUUID().slice(0, 8);
  readonly events: CreatorEvent[] = [];
  readonly grants = new Map<string, OverlayGrant>();

  constructor(readonly feed: TipFeed) {}

  get head(): number {
    return this.events.length;
  }

  /** Committed; on its way only when `drain` is called. */
  commit(draft: Draft): CreatorEvent {
    const event: CreatorEvent = { ...draft, seq: this.head + 1 };
    this.events.push(event);
    if (event.type === 'config') this.grants.set(event.d.overlayId, event.d);
    return event;
  }

  tip(fields: Partial<TipEvent> = {}): Draft {
    return aTipEvent(fields);
  }

  async overlay(fields: Partial<OverlayGrant> = {}): Promise<OverlayGrant> {
    const grant = { overlayId: randomUUID(), version: 1, enabled: true, config: DEFAULT_OVERLAY_CONFIG, ...fields };
    this.commit({ type: 'config', id: grant.overlayId, at: { seen: Date.now() }, ttlMs: 600_000, d: grant });
    await this.drain();
    return grant;
  }

  async send(draft: Draft = this.tip()): Promise<CreatorEvent> {
    const event = this.commit(draft);
    await this.drain();
    return event;
  }

  test(overlayId: string): Draft {
    const d = { ...aDisplay(), overlayId };
    return { type: 'test', id: randomUUID(), at: { seen: Date.now() }, ttlMs: 600_000, d };
  }

  async drain(): Promise<void> {
    const position = await this.feed.position(this.creatorId);
    if (position?.epoch !== this.epoch) return this.restore();
    for (const event of this.events.slice(position.seq)) {
      const outcome = await this.feed.append(this.creatorId, this.epoch, event);
      if (outcome.kind === 'missing') return this.restore();
    }
  }

  restore(keep = 256): Promise<void> {
    return this.feed.restore(this.creatorId, this.snapshot(keep));
  }

  snapshot(keep: number): FeedSnapshot {
    return {
      position: { epoch: this.epoch, seq: this.head },
      events: this.events.slice(-keep),
      grants: [...this.grants.values()],
    };
  }
}

/** Does the listener's part of the queue for these creators; counts the restores it was asked for. */
export class RelayWorkerDouble {
  restores = 0;

  constructor(private readonly truths: readonly Truth[]) {}

  async start(queue: RelayQueue): Promise<this> {
    await queue.work(async ({ creatorId, task }) => {
      const truth = this.truths.find((candidate) => candidate.creatorId === creatorId);
      if (task === 'restore') this.restores += 1;
      await (task === 'restore' ? truth?.restore() : truth?.drain());
    });
    return this;
  }
}
