import { Presence, PRESENCE_TTL_MS, type PresenceTotals } from '@droppio/tips';
import type { PresenceTable } from './presence-table.js';

/** Which creators have overlays open, over all processes of a database. */
export class PostgresPresence extends Presence {
  constructor(
    private readonly table: PresenceTable,
    private readonly ttlMs = PRESENCE_TTL_MS,
  ) {
    super();
  }

  override tell(source: string, sockets: ReadonlyMap<string, number>): Promise<void> {
    return this.table.tell('creator', source, sockets, this.ttlMs);
  }

  override counts(creatorIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return this.table.counts('creator', creatorIds);
  }

  override totals(): Promise<PresenceTotals> {
    return this.table.totals('creator');
  }

  /** Its connections are the feed's. */
  override close(): Promise<void> {
    return Promise.resolve();
  }
}
