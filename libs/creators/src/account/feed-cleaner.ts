import { Injectable } from '@nestjs/common';
import { BrokerUnavailable, Retention, TipFeed, TipLedger, type CreatorEvent, type FeedSnapshot, type GoneAccount } from '@droppio/tips';

/** As many events as a feed keeps. */
const KEPT = 256;
const ATTEMPTS = 5;

/** Takes out of the live feed what the ledger no longer says. Throws `BrokerUnavailable`, `StorageUnavailable`; every call may be repeated. */
@Injectable()
export class FeedCleaner {
  constructor(
    private readonly feed: TipFeed,
    private readonly ledger: TipLedger,
    private readonly retention: Retention,
  ) {}

  /**
   * Leaves of a feed the place where it ended, without events and overlays: gateways hear it at once, close what is open, and turn away who comes
   * with an old address. Nor does a relay bring it back that read the stream before its end. What is left names nobody, and is forgotten like
   * every feed that nobody uses.
   */
  async empty({ creatorId, position }: GoneAccount): Promise<void> {
    await this.feed.end(creatorId, position);
    await this.retention.forgotten(creatorId);
  }

  /** Writes a feed anew from the ledger, if there is one. */
  async rewrite(creatorId: string): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      if ((await this.feed.position(creatorId)) === undefined) return;
      const snapshot = await this.ledger.snapshot(creatorId, KEPT);
      if (snapshot === undefined) return;
      await this.feed.restore(creatorId, snapshot);
      // A feed that was ahead of what we read has changed nothing.
      if (await this.says(creatorId, snapshot)) return;
    }
    throw new BrokerUnavailable('The feed moves faster than it can be written anew.');
  }

  private async says(creatorId: string, { events }: FeedSnapshot): Promise<boolean> {
    const [oldest] = events;
    if (oldest === undefined) return true;
    const page = await this.feed.after(creatorId, oldest.seq - 1, KEPT);
    if (page === undefined) return true;
    const texts = new Map(events.map((event) => [event.seq, messageOf(event)]));
    return page.complete && page.events.every((event) => !texts.has(event.seq) || texts.get(event.seq) === messageOf(event));
  }
}

function messageOf(event: CreatorEvent): string | undefined {
  return event.type === 'config' || event.type === 'control' ? undefined : event.d.message;
}
