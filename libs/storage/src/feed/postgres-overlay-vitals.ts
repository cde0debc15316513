import { OverlayVitals, PRESENCE_TTL_MS, VITALS_BATCH, VITALS_LATENCIES, type OverlayMoments, type OverlayPulse } from '@droppio/tips';
import * as z from 'zod';
import type { Database } from '../database.js';
import { isId } from '../event-log.js';
import { inTime } from './in-time.js';
import type { PresenceTable } from './presence-table.js';

/** $1 moments. In the order of ids, so that two processes wait for each other and not in a circle. */
export const NOTE_VITALS = `
INSERT INTO overlay_vitals AS v (overlay_id, seen_at_ms, shown_at_ms, latencies_ms)
SELECT m.id, m.seen, m.shown, m.latencies FROM jsonb_to_recordset($1::jsonb) AS m(id uuid, seen bigint, shown bigint, latencies double precision[])
ORDER BY m.id
ON CONFLICT (overlay_id) DO UPDATE SET
  seen_at_ms = greatest(v.seen_at_ms, excluded.seen_at_ms), shown_at_ms = greatest(v.shown_at_ms, excluded.shown_at_ms), noted_at = now(),
  latencies_ms = (v.latencies_ms || excluded.latencies_ms)[greatest(1, cardinality(v.latencies_ms) + cardinality(excluded.latencies_ms) - ${String(VITALS_LATENCIES - 1)}):]`;
const VITALS = 'SELECT seen_at_ms, shown_at_ms, latencies_ms FROM overlay_vitals WHERE overlay_id = $1::uuid';
const ms = z.coerce
  .number()
  .nullable()
  .transform((value) => value ?? undefined);
const Vitals = z.object({ seen_at_ms: ms, shown_at_ms: ms, latencies_ms: z.array(z.number()) });

/** How overlays are doing, over all processes of a database. */
export class PostgresOverlayVitals extends OverlayVitals {
  constructor(
    private readonly database: Database,
    private readonly table: PresenceTable,
    private readonly ttlMs = PRESENCE_TTL_MS,
  ) {
    super();
  }

  override hold(source: string, sockets: ReadonlyMap<string, number>): Promise<void> {
    return this.table.tell('overlay', source, sockets, this.ttlMs);
  }

  override async note(moments: ReadonlyMap<string, OverlayMoments>): Promise<void> {
    const notes = [...moments].filter(([id]) => isId(id)).slice(0, VITALS_BATCH);
    if (notes.length === 0) return;
    const rows = notes.map(([id, { seenAtMs, shownAtMs, latenciesMs }]) => ({
      id,
      seen: whole(seenAtMs),
      shown: whole(shownAtMs),
      latencies: latenciesMs.slice(-VITALS_LATENCIES),
    }));
    await inTime('vitals', this.database.run(NOTE_VITALS, [JSON.stringify(rows)]));
  }

  override async of(overlayId: string): Promise<OverlayPulse> {
    if (!isId(overlayId)) return { instances: 0, latenciesMs: [] };
    const [counts, [vitals]] = await Promise.all([
      this.table.counts('overlay', [overlayId]),
      inTime('a pulse', this.database.rows(Vitals, VITALS, [overlayId])),
    ]);
    return {
      instances: counts.get(overlayId) ?? 0,
      ...(vitals?.seen_at_ms !== undefined && { seenAtMs: vitals.seen_at_ms }),
      ...(vitals?.shown_at_ms !== undefined && { shownAtMs: vitals.shown_at_ms }),
      latenciesMs: vitals?.latencies_ms ?? [],
    };
  }

  /** Its connections are the feed's. */
  override close(): Promise<void> {
    return Promise.resolve();
  }
}

const whole = (value: number | undefined): number | null => (value === undefined ? null : Math.round(value));
