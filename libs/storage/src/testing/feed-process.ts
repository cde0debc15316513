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
  type RateCounter,
} from '@droppio/tips';
import type { Database } from '../database.js';
import { isId } from '../event-log.js';
import { FeedStoreMetrics, ListeningGauge } from '../feed/feed-metrics.js';
import { PostgresOverlayVitals } from '../feed/postgres-overlay-vitals.js';
import { PostgresPresence } from '../feed/postgres-presence.js';
import { PostgresRateCounter } from '../feed/postgres-rate-counter.js';
import { PostgresTipFeed, type PostgresFeedOptions } from '../feed/postgres-tip-feed.js';
import { PresenceTable } from '../feed/presence-table.js';
import { openDatabase } from '../migrate.js';

/** What one process has of a feed on a database that others use, too. */
export interface FeedProcess {
  readonly feed: PostgresTipFeed;
  /** The same for tests that hand it events nobody has committed. */
  readonly committing: CommittingFeed;
  readonly database: Database;
  readonly metrics: FeedStoreMetrics;
  readonly gauge: ListeningGauge;
  presence(ttlMs?: number): PostgresPresence;
  vitals(ttlMs?: number): PostgresOverlayVitals;
  rates(alone: RateCounter): PostgresRateCounter;
  close(): Promise<void>;
}

export async function openFeedProcess(url: string, options: Partial<PostgresFeedOptions> = {}): Promise<FeedProcess> {
  const database = await openDatabase({ url, migrate: false, poolSize: 4, connectTimeoutMs: 1000 });
  const metrics = FeedStoreMetrics.unregistered();
  const gauge = ListeningGauge.unregistered();
  const feed = new PostgresTipFeed(database, { feed: metrics, gauge }, { url, ...options });
  await feed.start();
  const table = new PresenceTable(database);
  return {
    feed,
    committing: new CommittingFeed(feed, database),
    database,
    metrics,
    gauge,
    presence: (ttlMs) => new PostgresPresence(table, ttlMs),
    vitals: (ttlMs) => new PostgresOverlayVitals(database, table, ttlMs),
    rates: (alone) => new PostgresRateCounter(database, alone, metrics),
    close: () => feed.close(),
  };
}

const CREATOR = `INSERT INTO creators (id, handle, display_name) SELECT $1::uuid, 'c' || substr(md5($1::text), 1, 16), 'x' ON CONFLICT DO NOTHING`;
/* Without what a relay notes on it: nobody has published it yet. */
const COMMIT = `
INSERT INTO creator_events (creator_id, seq, type, payload)
SELECT $1::uuid, (e->>'seq')::bigint, e->>'type', e - 'trace' #- '{at,pub}' FROM jsonb_array_elements($2::jsonb) e
ON CONFLICT (creator_id, seq) DO UPDATE SET type = excluded.type, payload = excluded.payload`;

/** A feed in the ledger's own database is given only what the ledger has; tests of feeds make their events up. So here they are committed first. */
export class CommittingFeed extends TipFeed {
  constructor(
    private readonly inner: TipFeed,
    private readonly database: Database,
  ) {
    super();
  }

  override async append(creatorId: string, epoch: string, event: CreatorEvent): Promise<AppendOutcome> {
    await this.commit(creatorId, [event]);
    return this.inner.append(creatorId, epoch, event);
  }

  override async restore(creatorId: string, snapshot: FeedSnapshot): Promise<void> {
    await this.commit(creatorId, snapshot.events);
    await this.inner.restore(creatorId, snapshot);
  }

  override position(creatorId: string): Promise<FeedPosition | undefined> {
    return this.inner.position(creatorId);
  }

  override after(creatorId: string, seq: number, limit: number): Promise<FeedPage | undefined> {
    return this.inner.after(creatorId, seq, limit);
  }

  override grant(creatorId: string, overlayId: string): Promise<OverlayGrant | 'unknown' | undefined> {
    return this.inner.grant(creatorId, overlayId);
  }

  override end(creatorId: string, position: FeedPosition): Promise<void> {
    return this.inner.end(creatorId, position);
  }

  override subscribe(creatorId: string, listener: (signal: FeedSignal) => void): Promise<FeedSubscription> {
    return this.inner.subscribe(creatorId, listener);
  }

  override ping(): Promise<void> {
    return this.inner.ping();
  }

  override close(): Promise<void> {
    return this.inner.close();
  }

  async commit(creatorId: string, events: readonly CreatorEvent[]): Promise<void> {
    if (!isId(creatorId) || events.length === 0) return;
    await this.database.run(CREATOR, [creatorId]);
    await this.database.run(COMMIT, [creatorId, JSON.stringify(events)]);
  }
}
