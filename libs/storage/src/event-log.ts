import type { CreatorEvent, FeedPosition, FeedSnapshot } from '@droppio/tips';
import * as z from 'zod';
import type { Database } from './database.js';
import { withQueue } from './queue-statements.js';
import { StoredEvent, StoredGrant } from './stored-event.js';

const EVENTS_MAX = 1000;
const CREATORS_MAX = 10_000;

const Payload = z.object({ payload: StoredEvent }).transform(({ payload }) => payload);
const Position = z.object({ epoch: z.string(), head: z.coerce.number() }).transform(({ epoch, head }) => ({ epoch, seq: head }));
const Snapshot = z.object({ epoch: z.string(), head: z.coerce.number(), events: z.array(StoredEvent), grants: z.array(StoredGrant) });
const CreatorId = z.object({ creator_id: z.string() });
const Uuid = z.guid();

export const AFTER = 'SELECT payload FROM creator_events WHERE creator_id = $1 AND seq > $2 ORDER BY seq LIMIT $3';

/** One statement, so one snapshot of everything without a transaction around it. */
export const SNAPSHOT = `
SELECT s.epoch, s.head,
  (SELECT coalesce(jsonb_agg(e.payload ORDER BY e.seq), '[]') FROM (
    SELECT seq, payload FROM creator_events WHERE creator_id = s.creator_id ORDER BY seq DESC LIMIT $2) e) AS events,
  (SELECT coalesce(jsonb_agg(jsonb_build_object('overlayId', o.id, 'version', o.version, 'enabled', o.enabled, 'config', ${withQueue('o.config', 's')}) ORDER BY o.created_at, o.id), '[]')
    FROM overlays o WHERE o.creator_id = s.creator_id) AS grants
FROM creator_streams s WHERE s.creator_id = $1`;

/*
 * A commit may land while this waits for the row: \`head\` is then the new one, but its event is not in our snapshot. The time of asking
 * stands in for it, else the sweep would never hear of that event.
 */
export const MARK_PUBLISHED = `
UPDATE creator_streams SET published = $2::bigint, unpublished_since = CASE WHEN head > $2::bigint
  THEN coalesce((SELECT created_at FROM creator_events WHERE creator_id = $1 AND seq = $2::bigint + 1), now()) END
WHERE creator_id = $1 AND published < $2::bigint AND head >= $2::bigint`;

export const UNPUBLISHED = `
SELECT creator_id FROM creator_streams WHERE unpublished_since <= now() - $1::double precision * interval '1 millisecond'
ORDER BY unpublished_since LIMIT $2`;

/** The committed events of creators, as relays read them, and the note of what has been published. */
export class EventLog {
  constructor(private readonly database: Database) {}

  async after(creatorId: string, seq: number, limit: number): Promise<readonly CreatorEvent[]> {
    if (!isId(creatorId)) return [];
    return this.database.rows(Payload, AFTER, [creatorId, seq, Math.min(limit, EVENTS_MAX)]);
  }

  async position(creatorId: string): Promise<FeedPosition | undefined> {
    if (!isId(creatorId)) return undefined;
    const [position] = await this.database.rows(Position, 'SELECT epoch, head FROM creator_streams WHERE creator_id = $1', [creatorId]);
    return position;
  }

  async snapshot(creatorId: string, limit: number): Promise<FeedSnapshot | undefined> {
    if (!isId(creatorId)) return undefined;
    const [found] = await this.database.rows(Snapshot, SNAPSHOT, [creatorId, Math.min(limit, EVENTS_MAX)]);
    return found && { position: { epoch: found.epoch, seq: found.head }, events: found.events, grants: found.grants };
  }

  async markPublished(creatorId: string, seq: number): Promise<void> {
    if (isId(creatorId)) await this.database.run(MARK_PUBLISHED, [creatorId, seq]);
  }

  async unpublished(olderThanMs: number, limit: number): Promise<readonly string[]> {
    const rows = await this.database.rows(CreatorId, UNPUBLISHED, [olderThanMs, Math.min(limit, CREATORS_MAX)]);
    return rows.map(({ creator_id }) => creator_id);
  }
}

/** Ids come from tokens and URLs; what is no UUID is nobody, and would be a fault in Postgres. */
export function isId(text: string): boolean {
  return Uuid.safeParse(text).success;
}
