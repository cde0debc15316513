import { Global, Module, type DynamicModule } from '@nestjs/common';
import { OverlayVitals, Presence, RateCounter, TipFeed } from '@droppio/tips';
import { Database } from '../database.js';
import { openDatabase } from '../migrate.js';
import type { StorageOptions } from '../storage-env.js';
import { FeedKeeper } from './feed-keeper.js';
import { feedStoreMetrics, FeedStoreMetrics, ListeningGauge } from './feed-metrics.js';
import { PostgresOverlayVitals } from './postgres-overlay-vitals.js';
import { PostgresPresence } from './postgres-presence.js';
import { PostgresRateCounter } from './postgres-rate-counter.js';
import { PostgresTipFeed } from './postgres-tip-feed.js';
import { PresenceTable } from './presence-table.js';

export interface PostgresFeedModuleOptions {
  /** As for `StorageModule`; the pool is another one, of `poolSize` connections. */
  readonly storage: StorageOptions;
  readonly poolSize: number;
  /** A direct connection to the same database. Default: the storage's. */
  readonly listenUrl?: string | undefined;
  /** Counts rates while the database does not answer. */
  readonly ratesAlone: () => RateCounter;
}

/**
 * What a broker shares over several processes, in the Postgres that they have in common: the feed, who is there, how overlays do, rates. Global.
 * Queues are no part of it: whatever they ask for is noted in the ledger, and every process can do it. Whoever takes this module closes the
 * feed last.
 */
@Global()
@Module({})
export class PostgresFeedModule {
  static for({ storage, poolSize, listenUrl = storage.url, ratesAlone }: PostgresFeedModuleOptions): DynamicModule {
    const feedDatabase = Symbol('feed database');
    return {
      module: PostgresFeedModule,
      providers: [
        ...feedStoreMetrics,
        { provide: feedDatabase, useFactory: () => openDatabase({ ...storage, poolSize }) },
        {
          provide: TipFeed,
          useFactory: (database: Database, feed: FeedStoreMetrics, gauge: ListeningGauge) => openFeed(database, { feed, gauge }, listenUrl),
          inject: [feedDatabase, FeedStoreMetrics, ListeningGauge],
        },
        { provide: PresenceTable, useFactory: (database: Database) => new PresenceTable(database), inject: [feedDatabase] },
        { provide: Presence, useFactory: (table: PresenceTable) => new PostgresPresence(table), inject: [PresenceTable] },
        {
          provide: OverlayVitals,
          useFactory: (database: Database, table: PresenceTable) => new PostgresOverlayVitals(database, table),
          inject: [feedDatabase, PresenceTable],
        },
        {
          provide: RateCounter,
          useFactory: (database: Database, metrics: FeedStoreMetrics) => new PostgresRateCounter(database, ratesAlone(), metrics),
          inject: [feedDatabase, FeedStoreMetrics],
        },
        { provide: FeedKeeper, useFactory: (database: Database) => new FeedKeeper(database), inject: [feedDatabase] },
      ],
      exports: [TipFeed, Presence, OverlayVitals, RateCounter],
    };
  }
}

async function openFeed(
  database: Database,
  metrics: { readonly feed: FeedStoreMetrics; readonly gauge: ListeningGauge },
  url: string,
): Promise<TipFeed> {
  const feed = new PostgresTipFeed(database, metrics, { url });
  try {
    await feed.start();
    return feed;
  } catch (error) {
    await feed.close();
    throw error;
  }
}
