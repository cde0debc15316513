import type { CreatorEvent } from '@droppio/tips';
import type { Database } from '../database.js';

/** $1 creator, $2 events in order; their seqs are given here. */
const TELL = `
WITH stream AS (
  UPDATE creator_streams SET head = head + jsonb_array_length($2::jsonb), unpublished_since = coalesce(unpublished_since, now())
  WHERE creator_id = $1 RETURNING creator_id, head - jsonb_array_length($2::jsonb) AS base
)
INSERT INTO creator_events (creator_id, seq, type, payload)
SELECT creator_id, base + e.nth, e.event->>'type', e.event || jsonb_build_object('seq', base + e.nth)
FROM stream, jsonb_array_elements($2::jsonb) WITH ORDINALITY AS e(event, nth)`;

/** Commits events to a creator's stream as the ledger would, with neither a chain nor blocks. */
export function tellEvents(database: Database, creatorId: string, events: readonly CreatorEvent[]): Promise<void> {
  return database.run(TELL, [creatorId, JSON.stringify(events)]);
}
