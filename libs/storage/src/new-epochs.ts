import * as z from 'zod';
import type { Database } from './database.js';
import { openDatabase } from './migrate.js';
import type { StorageOptions } from './storage-env.js';

const A_BATCH = 1000;
const Renewed = z.object({ creator_id: z.string() });

/*
 * Nothing counts as published any more, so that the sweep rebuilds every feed, also those of creators to whom nothing happens for days.
 * Six of a UUID's first bytes are random through and through.
 */
const RENEW = `
WITH page AS (SELECT creator_id FROM creator_streams WHERE creator_id > $1::uuid ORDER BY creator_id LIMIT $2 FOR UPDATE),
renewed AS (
  UPDATE creator_streams s SET epoch = translate(encode(substring(uuid_send(gen_random_uuid()) FOR 6), 'base64'), '+/', '-_'),
    published = 0, unpublished_since = CASE WHEN s.head > 0 THEN now() END
  FROM page WHERE s.creator_id = page.creator_id RETURNING s.creator_id)
SELECT creator_id FROM renewed ORDER BY creator_id`;

/**
 * After a backup was put back: events that were told since it was made are gone, and their numbers will be given out again. Under a new epoch
 * nobody takes the new ones for the old: feeds are rebuilt from what the database says, and overlays hear that continuity is over. Returns how
 * many creators there are. Safe to repeat, also while apps run.
 */
export async function beginNewEpochs(options: StorageOptions): Promise<number> {
  const database = await openDatabase({ ...options, migrate: false });
  try {
    return await renewAll(database);
  } finally {
    await database.close();
  }
}

async function renewAll(database: Database): Promise<number> {
  let last = '00000000-0000-0000-0000-000000000000';
  for (let renewed = 0; ;) {
    const rows = await database.rows(Renewed, RENEW, [last, A_BATCH]);
    renewed += rows.length;
    const newest = rows.at(-1);
    if (newest === undefined) return renewed;
    last = newest.creator_id;
  }
}
