import { TIP_STATES, type CreatorEvent } from '@droppio/tips';
import * as z from 'zod';
import { StoredEvent } from '../stored-event.js';

/** One channel for all creators: whoever listens looks up by the creator's id whether it concerns him. */
export const FEED_CHANNEL = 'droppio_feed';
/** A feed gives about so many of a creator's newest events; the ledger keeps the others to itself. */
export const FEED_KEEPS = 256;

/** What is told: a creator's id and the seq up to which there are events, 0 where the feed was rewritten. Never the event. */
export const tidings = (creatorId: string, seq: string): string => `pg_notify('${FEED_CHANNEL}', ${creatorId} || ' ' || ${seq})`;
const Tidings = z.tuple([z.guid(), z.coerce.number().pipe(z.int().nonnegative())]);
/** `undefined`: not one of ours. */
export function readTidings(payload: string): { readonly creatorId: string; readonly seq: number } | undefined {
  const parsed = Tidings.safeParse(payload.split(' '));
  return parsed.success ? { creatorId: parsed.data[0], seq: parsed.data[1] } : undefined;
}

/** Of so many of a feed's newest events it is known when each was published and which trace it belongs to. */
const MARKS = 64;
/* The last mark is the newest append's. Where it is not, a version without marks has appended since, and they are of other events. */
const areOfHead = 'published_ms IS NOT DISTINCT FROM pubs[cardinality(pubs)]';
const marked = (column: 'pubs' | 'traces', given: string): string => {
  const kept = `CASE WHEN ${areOfHead} THEN ${column} ELSE '{}' END`;
  return `${column} = (${kept} || ${given})[greatest(1, cardinality(${kept}) + cardinality(${given}) - ${String(MARKS - 1)}):]`;
};

/*
 * $1 creator, $2 epoch, $3 first seq, $4 last seq, $5 times of publishing, $6 traces, both in the order of the events, $7 grants of the config
 * events among them. Compare-and-set on the head: the row lock makes two appenders one after the other, and the second finds nothing to change.
 * Then `head` is as the statement found it when it began, so `head = first - 1` with nothing moved means that somebody was quicker, and to ask
 * again.
 */
const append = (told: string): string => `
WITH moved AS (
  UPDATE feed_streams SET head = $4::bigint, published_ms = ($5::bigint[])[cardinality($5::bigint[])], used_at = now(),
    ${marked('pubs', '$5::bigint[]')},
    ${marked('traces', '$6::text[]')}
  WHERE creator_id = $1::uuid AND epoch = $2 AND head = $3::bigint - 1 RETURNING creator_id
), granted AS (
  INSERT INTO feed_grants (creator_id, overlay_id, payload)
  SELECT m.creator_id, (g->>'overlayId')::uuid, g FROM moved m, jsonb_array_elements($7::jsonb) g
  ON CONFLICT (creator_id, overlay_id) DO UPDATE SET payload = excluded.payload
), told AS (
  SELECT ${told} FROM moved
)
SELECT (SELECT count(*) FROM told)::int AS moved, s.epoch, s.head
FROM (VALUES (1)) one LEFT JOIN feed_streams s ON s.creator_id = $1::uuid`;
export const APPEND = append(tidings('creator_id', '$4::bigint'));
/** The same without a word: whoever asks finds it. */
export const APPEND_UNTOLD = append('1');
export const Appended = z.object({
  moved: z.number(),
  epoch: z.string().nullable(),
  head: z.coerce.number().nullable(),
});

/** $1 creator. */
export const POSITION = 'SELECT epoch, head, generation FROM feed_streams WHERE creator_id = $1::uuid';
/** $1 creators. What rests is looked at, but has not been noted as used for a day. */
export const POSITIONS = `
SELECT creator_id, epoch, head, generation, used_at < now() - interval '1 day' AS rests FROM feed_streams WHERE creator_id = ANY ($1::uuid[])`;
/** $1 creators. Whoever finds one locked leaves it to whoever has it: two processes may look at the same ones in another order. */
export const USE = `
UPDATE feed_streams SET used_at = now() WHERE creator_id IN (
  SELECT creator_id FROM feed_streams WHERE creator_id = ANY ($1::uuid[]) FOR UPDATE SKIP LOCKED)`;
export const Position = z.object({ epoch: z.string(), head: z.coerce.number(), generation: z.string() });
export const CreatorPosition = Position.extend({ creator_id: z.string(), rests: z.boolean() });

/** $1 creator, $2 after this seq, $3 most. The events are the ledger's own rows; one statement, so one moment. */
export const PAGE = `
SELECT s.epoch, s.head, s.generation, greatest(s.tail, s.head - ${String(FEED_KEEPS)}) AS tail,
  (SELECT coalesce(jsonb_agg(e.payload ORDER BY e.seq), '[]') FROM (
    SELECT seq, payload FROM creator_events
    WHERE creator_id = $1::uuid AND seq > greatest($2::bigint, s.tail, s.head - ${String(FEED_KEEPS)}) AND seq <= s.head ORDER BY seq LIMIT $3) e) AS events,
  CASE WHEN ${areOfHead} THEN s.pubs ELSE '{}' END AS pubs, CASE WHEN ${areOfHead} THEN s.traces ELSE '{}' END AS traces
FROM feed_streams s WHERE s.creator_id = $1::uuid`;

const Hex = z.templateLiteral(['0x', z.string()]);
const at = z.looseObject({ block: z.number().exactOptional(), seen: z.number(), pub: z.number().exactOptional() });
const [tip, test, config, control] = StoredEvent.options;
/** As the ledger reads it, but with whatever a newer version has added: it travels on. */
export const FeedEvent: z.ZodType<CreatorEvent> = z.discriminatedUnion('type', [
  tip.extend({ at, state: z.enum(TIP_STATES), d: z.looseObject({ ...tip.shape.d.shape, from: Hex }) }).loose(),
  test.extend({ at, d: test.shape.d.loose() }).loose(),
  config.extend({ at, d: config.shape.d.loose() }).loose(),
  control.extend({ at, d: control.shape.d.loose() }).loose(),
]);
export const Page = Position.extend({
  tail: z.coerce.number(),
  events: z.array(FeedEvent),
  /** The last is the head's. */
  pubs: z.array(z.coerce.number().nullable()),
  traces: z.array(z.string().nullable()),
});
export type Page = z.output<typeof Page>;

/** $1 creator, $2 overlay. No row: nothing is known of the creator. */
export const GRANT = `
SELECT g.payload FROM feed_streams s LEFT JOIN feed_grants g ON g.creator_id = s.creator_id AND g.overlay_id = $2::uuid
WHERE s.creator_id = $1::uuid`;

/** $1 creator, $2 epoch, $3 head, $4 tail. No row: somebody has appended meanwhile, or the epoch is over. */
export const RESTORE = `
INSERT INTO feed_streams AS s (creator_id, epoch, head, tail, generation) VALUES ($1::uuid, $2, $3::bigint, $4::bigint, gen_random_uuid())
ON CONFLICT (creator_id) DO UPDATE SET epoch = excluded.epoch, head = excluded.head, tail = excluded.tail, generation = excluded.generation,
  published_ms = NULL, pubs = '{}', traces = '{}', used_at = now()
WHERE s.ended IS DISTINCT FROM excluded.epoch AND NOT (s.epoch = excluded.epoch AND s.head > excluded.head)
RETURNING creator_id`;
/** $1 creator, $2 epoch, $3 head: nothing but the place is left. */
export const END = `
INSERT INTO feed_streams AS s (creator_id, epoch, head, tail, generation, ended) VALUES ($1::uuid, $2, $3::bigint, $3::bigint, gen_random_uuid(), $2)
ON CONFLICT (creator_id) DO UPDATE SET epoch = excluded.epoch, head = excluded.head, tail = excluded.tail, generation = excluded.generation,
  published_ms = NULL, pubs = '{}', traces = '{}', ended = excluded.ended, used_at = now()
RETURNING creator_id`;
export const Rewritten = z.object({ creator_id: z.string() });
/** $1 creator. */
export const FORGET_GRANTS = 'DELETE FROM feed_grants WHERE creator_id = $1::uuid';
/** $1 creator, $2 grants. */
export const GIVE_GRANTS = `
INSERT INTO feed_grants (creator_id, overlay_id, payload)
SELECT $1::uuid, (g->>'overlayId')::uuid, g FROM jsonb_array_elements($2::jsonb) g
ON CONFLICT (creator_id, overlay_id) DO UPDATE SET payload = excluded.payload`;
/** $1 creator, as text. */
export const TELL_REWRITTEN = `SELECT ${tidings('$1::text', "'0'")}`;

/** Neither added to nor looked at for longer than $1 milliseconds, $2 at most. */
export const FORGET_FEEDS = `
WITH idle AS (
  DELETE FROM feed_streams WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM feed_streams WHERE used_at < now() - $1::double precision * interval '1 millisecond' LIMIT $2 FOR UPDATE SKIP LOCKED))
  RETURNING creator_id
), grants AS (
  DELETE FROM feed_grants g USING idle WHERE g.creator_id = idle.creator_id
)
SELECT count(*)::int AS gone FROM idle`;
/** $1 milliseconds since the last word, $2 at most. */
export const FORGET_VITALS = `
WITH old AS (
  DELETE FROM overlay_vitals WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM overlay_vitals WHERE noted_at < now() - $1::double precision * interval '1 millisecond' LIMIT $2 FOR UPDATE SKIP LOCKED))
  RETURNING 1
)
SELECT count(*)::int AS gone FROM old`;
/** $1 grace in milliseconds, $2 at most. */
export const FORGET_WINDOWS = `
WITH old AS (
  DELETE FROM rate_windows WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM rate_windows WHERE ends_at < now() - $1::double precision * interval '1 millisecond' LIMIT $2 FOR UPDATE SKIP LOCKED))
  RETURNING 1
)
SELECT count(*)::int AS gone FROM old`;
export const FORGET_PRESENCE = `
WITH old AS (
  DELETE FROM feed_presence WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM feed_presence WHERE fades_at < now() - $1::double precision * interval '1 millisecond' LIMIT $2 FOR UPDATE SKIP LOCKED))
  RETURNING 1
)
SELECT count(*)::int AS gone FROM old`;
export const Gone = z.object({ gone: z.number() });
