import type { PresenceTotals } from '@droppio/tips';
import * as z from 'zod';
import type { Database } from '../database.js';
import { inTime } from './in-time.js';

/** A row a process and kind: a process has tens of thousands of sockets and one word on them every few seconds. $1 kind, $2 source. */
export const TELL_PRESENCE = `
INSERT INTO feed_presence (kind, source, sockets, total, fades_at)
VALUES ($1, $2, $3::jsonb, $4, now() + $5::double precision * interval '1 millisecond')
ON CONFLICT (kind, source) DO UPDATE SET sockets = excluded.sockets, total = excluded.total, fades_at = excluded.fades_at`;
const LEAVE = 'DELETE FROM feed_presence WHERE kind = $1 AND source = $2';
/** $1 kind, $2 ids. */
export const PRESENCE_COUNTS = `
SELECT id, sum((p.sockets->>id)::int)::int AS sockets FROM feed_presence p CROSS JOIN unnest($2::text[]) id
WHERE p.kind = $1 AND p.fades_at > now() AND p.sockets ? id GROUP BY id`;
const TOTALS = `
SELECT count(*)::int AS sources, coalesce(sum(total), 0)::int AS sockets FROM feed_presence WHERE kind = $1 AND fades_at > now()`;

const Counted = z.object({ id: z.string(), sockets: z.number() });
const Totals = z.object({ sources: z.number(), sockets: z.number() });

/** What processes hold, by creator or by overlay; it fades with the process. */
export class PresenceTable {
  constructor(private readonly database: Database) {}

  async tell(kind: 'creator' | 'overlay', source: string, sockets: ReadonlyMap<string, number>, ttlMs: number): Promise<void> {
    if (sockets.size === 0) {
      await inTime('a goodbye', this.database.run(LEAVE, [kind, source]));
      return;
    }
    const total = [...sockets.values()].reduce((sum, count) => sum + count, 0);
    const values = [kind, source, JSON.stringify(Object.fromEntries(sockets)), total, ttlMs];
    await inTime('presence', this.database.run(TELL_PRESENCE, values));
  }

  async counts(kind: 'creator' | 'overlay', ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
    if (ids.length === 0) return new Map();
    const rows = await inTime('counts', this.database.rows(Counted, PRESENCE_COUNTS, [kind, ids]));
    return new Map(rows.map(({ id, sockets }) => [id, sockets]));
  }

  async totals(kind: 'creator' | 'overlay'): Promise<PresenceTotals> {
    const [totals] = await inTime('totals', this.database.rows(Totals, TOTALS, [kind]));
    return totals ?? { sources: 0, sockets: 0 };
  }
}
