import { uncovered, type BlockRange } from '@droppio/tips';
import * as z from 'zod';
import type { Database, Sql } from './database.js';

const height = z.coerce.number().nullable();
const Walk = z.object({
  epoch: z.coerce.number(),
  number: z.coerce.number(),
  finalized_number: height,
  walk_filter: z.string().nullable(),
  walk_from: height,
});
const Covered = z.object({ from_number: z.coerce.number(), to_number: z.coerce.number() });

/** Ranges that several processes cover side by side are merged one after the other. Always the last lock of a transaction, so nobody waits in a circle. */
const LOCK_COVERAGE = `SELECT pg_advisory_xact_lock(hashtextextended('chain-coverage-' || $1::bigint || '-' || $2::text, 0))`;

const COVER = `
WITH touching AS (
  DELETE FROM chain_coverage WHERE chain_id = $1 AND filter = $2 AND from_number <= $4::bigint + 1 AND to_number >= $3::bigint - 1
  RETURNING from_number, to_number
)
INSERT INTO chain_coverage (chain_id, filter, from_number, to_number)
SELECT $1::bigint, $2::text, least($3::bigint, min(from_number)), greatest($4::bigint, max(to_number)) FROM touching`;

export const COVERED = `
SELECT from_number, to_number FROM chain_coverage
WHERE chain_id = $1 AND filter = $2 AND from_number <= $4 AND to_number >= $3
UNION ALL
SELECT walk_from + 1, number FROM chain_cursors WHERE chain_id = $1 AND walk_filter = $2 AND number > walk_from`;

/** Which heights of a chain were searched for what. */
export class Coverage {
  constructor(private readonly database: Database) {}

  async holes(chainId: number, filter: string, range: BlockRange): Promise<readonly BlockRange[]> {
    if (range.from > range.to) return [];
    const rows = await this.database.rows(Covered, COVERED, [chainId, filter, range.from, range.to]);
    return uncovered(
      range,
      rows.map(({ from_number, to_number }) => ({ from: from_number, to: to_number })),
    );
  }

  /** What was walked with the filter before is written down, as far as it is final, and a new walk begins at the cursor. */
  async looksFor(chainId: number, fence: number, filter: string): Promise<void> {
    await this.database.transaction(async (sql) => {
      const [walk] = await sql.rows(
        Walk,
        'SELECT epoch, number, finalized_number, walk_filter, walk_from FROM chain_cursors WHERE chain_id = $1 FOR NO KEY UPDATE',
        [chainId],
      );
      if (walk?.epoch !== fence || walk.walk_filter === filter) return;
      const last = Math.min(walk.number, walk.finalized_number ?? -1);
      if (walk.walk_filter !== null) await cover(sql, chainId, walk.walk_filter, { from: (walk.walk_from ?? walk.number) + 1, to: last });
      await sql.run('UPDATE chain_cursors SET walk_filter = $2, walk_from = number WHERE chain_id = $1', [chainId, filter]);
    });
  }
}

/** Adds a range to what is covered; an empty one changes nothing. The last thing that a transaction does. */
export async function cover(sql: Sql, chainId: number, filter: string, { from, to }: BlockRange): Promise<void> {
  if (from > to) return;
  await sql.run(LOCK_COVERAGE, [chainId, filter]);
  await sql.run(COVER, [chainId, filter, from, to]);
}
