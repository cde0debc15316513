import * as z from 'zod';
import type { Database } from '../database.js';

const Found = z.object({ found: z.string() });

/** Tables in which a text is, wherever in their rows. */
export async function placesOf(database: Database, text: string): Promise<string[]> {
  const tables = await database.rows(Found, `SELECT tablename AS found FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`);
  const hits = await Promise.all(
    tables.map(({ found }) =>
      database.rows(Found, `SELECT '' AS found FROM ${found} t WHERE t::text LIKE '%' || $1 || '%' LIMIT 1`, [text]),
    ),
  );
  return tables.flatMap(({ found }, nth) => (hits[nth]?.length === 0 ? [] : [found]));
}

/** How many wait for a lock of this database. */
export async function waiters(database: Database): Promise<number> {
  const statement = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  return (await database.rows(z.object({}), statement)).length;
}
