import { Presence, PRESENCE_TTL_MS, type PresenceTotals } from '@droppio/tips';

interface Told {
  readonly sockets: ReadonlyMap<string, number>;
  readonly untilMs: number;
}

/** The presence of a single process. */
export class MemoryPresence extends Presence {
  private readonly told = new Map<string, Told>();

  constructor(private readonly ttlMs = PRESENCE_TTL_MS) {
    super();
  }

  override tell(source: string, sockets: ReadonlyMap<string, number>): Promise<void> {
    if (sockets.size === 0) this.told.delete(source);
    else this.told.set(source, { sockets: new Map(sockets), untilMs: Date.now() + this.ttlMs });
    return Promise.resolve();
  }

  override counts(creatorIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const fresh = this.fresh();
    const counts = creatorIds.map((id): [string, number] => [id, fresh.reduce((sum, { sockets }) => sum + (sockets.get(id) ?? 0), 0)]);
    return Promise.resolve(new Map(counts.filter(([, count]) => count > 0)));
  }

  override totals(): Promise<PresenceTotals> {
    const fresh = this.fresh();
    const sockets = fresh.flatMap((told) => [...told.sockets.values()]).reduce((sum, count) => sum + count, 0);
    return Promise.resolve({ sources: fresh.length, sockets });
  }

  override close(): Promise<void> {
    this.told.clear();
    return Promise.resolve();
  }

  private fresh(): readonly Told[] {
    for (const [source, { untilMs }] of this.told) if (untilMs <= Date.now()) this.told.delete(source);
    return [...this.told.values()];
  }
}
