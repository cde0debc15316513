import { TELL } from './tip-statements.js';

/** No block of the chain's open end holds these. */
const SETTLED = `('finalized', 'lost', 'dropped')`;
/** `erased` keeps the message away from the tip for good: one that was lost or dropped may be sealed after all. */
const GONE = `erased = true, message = '', display = jsonb_set(t.display, '{message}', '""')`;
const UNSHOWN = `jsonb_set(t.shown, '{message}', '""')`;
const BLANKED = `${GONE}, shown = ${UNSHOWN}`;
const SAME_TIP = '(t.chain_id, t.tx_hash, t.ordinal) = (due.chain_id, due.tx_hash, due.ordinal)';

/** What was seen of the tips in `due`, on every branch. */
const SIGHTED = `
sighted AS (
  UPDATE tip_sightings s SET message = '' FROM due
  WHERE (s.chain_id, s.tx_hash) = (due.chain_id, due.tx_hash) AND s.ordinal = due.ordinal AND s.message <> ''
)`;

/** $1 age in ms, $2 limit. Who is being written to now is left for the next batch. */
export const ERASE_OLD = `
WITH due AS MATERIALIZED (
  SELECT chain_id, tx_hash, ordinal FROM tips
  WHERE message <> '' AND state IN ${SETTLED} AND block_time_ms < (extract(epoch FROM now()) * 1000 - $1::bigint)::bigint
  ORDER BY block_time_ms LIMIT $2 FOR UPDATE SKIP LOCKED
), erased AS (
  UPDATE tips t SET ${BLANKED} FROM due WHERE ${SAME_TIP}
), ${SIGHTED}
SELECT count(*)::int AS count FROM due`;

/*
 * $1 creator, $2 chain, $3 transaction, $4 ordinal, $5 now. No row: not a tip of this creator. Whoever was told of the tip, and not since
 * that it is gone, is told of its message's end. The chain's cursor is locked first, as by every writer that has a tip and then a stream.
 */
export const ERASE_ONE = `
WITH cur AS MATERIALIZED (
  SELECT chain_id FROM chain_cursors WHERE chain_id = $2::bigint FOR NO KEY UPDATE
), due AS MATERIALIZED (
  SELECT t.*, t.message <> '' AND t.told_to IS NOT NULL AND t.told AND t.state NOT IN ('orphaned', 'lost', 'dropped') AS tells
  FROM (SELECT count(*) FROM cur) AS chains CROSS JOIN tips t
  WHERE (t.chain_id, t.tx_hash, t.ordinal) = ($2::bigint, $3::bytea, $4::int)
    AND (t.told_to = $1 OR EXISTS (SELECT FROM creator_wallets w WHERE w.address = t.wallet AND w.creator_id = $1))
  FOR UPDATE OF t
), erased AS (
  UPDATE tips t SET ${BLANKED}, rev = t.rev + due.tells::int, updated_at = now() FROM due WHERE ${SAME_TIP} AND (t.message <> '' OR NOT t.erased)
  RETURNING t.*, due.tells
), ${SIGHTED}, again AS (
  INSERT INTO erased_messages (chain_id, tx_hash, ordinal) SELECT chain_id, tx_hash, ordinal FROM due WHERE state <> 'finalized'
  ON CONFLICT DO NOTHING
), news AS MATERIALIZED (
  SELECT told_to AS creator_id, 1 AS nth, 'tip.updated' AS type, state, rev, chain_id, tx_hash, ordinal, coalesce(shown, display) AS display, block_time_ms, false AS unasked,
    $5::bigint AS seen_at_ms
  FROM erased WHERE tells
), ${TELL}
SELECT told_to, (extract(epoch FROM created_at) * 1000)::bigint::text AS since_ms FROM due`;

/** $1 creator, $2 id of the tip, $3 below this seq, $4 limit: a page of a stream, from its head backwards. */
export const ERASE_EVENTS = `
WITH page AS MATERIALIZED (
  SELECT seq, created_at, $2 IN (payload->>'id', payload->'d'->>'replayOf') AND payload->'d'->>'message' <> '' AS is_due FROM creator_events
  WHERE creator_id = $1 AND seq < $3::bigint ORDER BY seq DESC LIMIT $4
), erased AS (
  UPDATE creator_events e SET payload = jsonb_set(e.payload, '{d,message}', '""') FROM page WHERE page.is_due AND e.creator_id = $1 AND e.seq = page.seq
)
SELECT min(seq)::text AS seq, (extract(epoch FROM min(created_at)) * 1000)::bigint::text AS at_ms FROM page`;

/*
 * $1 limit. No block brings an erased message back to its tip, but whoever does not know of `erased` may (an older version of this program), and a
 * backfill brings back what it saw. So a tip is looked at until it is final, or a week after it has left the chain. One that somebody has in hand
 * is left as it is, for the next time.
 */
export const ERASE_AGAIN = `
WITH asked AS MATERIALIZED (
  SELECT chain_id, tx_hash, ordinal, erased_at FROM erased_messages WHERE due_at <= now() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
), due AS MATERIALIZED (
  SELECT t.chain_id, t.tx_hash, t.ordinal, t.told_to, t.state IN ('lost', 'dropped') AS is_gone,
    t.state = 'finalized' OR (t.state IN ('lost', 'dropped') AND asked.erased_at < now() - interval '7 days') AS is_over,
    coalesce('' < ANY (ARRAY[t.message, t.display->>'message', t.shown->>'message']), false) AS is_back
  FROM asked JOIN tips t USING (chain_id, tx_hash, ordinal) FOR UPDATE OF t SKIP LOCKED
), erased AS (
  UPDATE tips t SET ${BLANKED} FROM due WHERE due.is_back AND ${SAME_TIP}
), ${SIGHTED}, later AS (
  UPDATE erased_messages m SET due_at = now() + CASE WHEN due.is_gone THEN interval '1 hour' ELSE interval '1 minute' END FROM due
  WHERE (m.chain_id, m.tx_hash, m.ordinal) = (due.chain_id, due.tx_hash, due.ordinal) AND NOT due.is_over
), done AS (
  DELETE FROM erased_messages m USING due
  WHERE (m.chain_id, m.tx_hash, m.ordinal) = (due.chain_id, due.tx_hash, due.ordinal) AND due.is_over
)
SELECT chain_id::text, tx_hash, ordinal, told_to, is_back FROM due`;

const placeOf = (row: string): string => `${row}.block_time_ms, ${row}.chain_id, ${row}.block_number, ${row}.log_index, ${row}.tx_hash`;

/*
 * $1 limit. One wallet of an account that is gone, a batch further along its tips, and once more after a day. A tip from after the account's end is
 * nobody's business here. Nor is, in a wallet that had left the account before, a tip that somebody else was told of. A tip that somebody has in
 * hand is never waited for, and the walk goes on from before it a little later.
 */
export const ERASE_OF_GONE = `
WITH wallet AS MATERIALIZED (
  SELECT address, erased_at, is_former, erased_at > now() - interval '12 hours' AS is_first, coalesce((place->>'time')::bigint, -1) AS time, coalesce((place->>'chain')::bigint, 0) AS chain,
    coalesce((place->>'block')::bigint, 0) AS block, coalesce((place->>'log')::int, 0) AS log, decode(coalesce(place->>'tx', ''), 'hex') AS tx
  FROM erased_wallets WHERE due_at <= now() ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
), page AS MATERIALIZED (
  SELECT t.* FROM wallet CROSS JOIN LATERAL (
    SELECT ${placeOf('tips')}, ordinal, created_at <= wallet.erased_at AND (message <> '' OR told_to IS NOT NULL)
        AND NOT (wallet.is_former AND EXISTS (SELECT FROM creators c WHERE c.id = told_to)) AS is_due
    FROM tips WHERE tips.wallet = wallet.address AND (${placeOf('tips')}) > (wallet.time, wallet.chain, wallet.block, wallet.log, wallet.tx)
    ORDER BY ${placeOf('tips')} LIMIT $1) t
), due AS MATERIALIZED (
  SELECT t.chain_id, t.tx_hash, t.ordinal, EXISTS (SELECT FROM creators c WHERE c.id = t.told_to) AS is_told_on
  FROM page JOIN tips t USING (chain_id, tx_hash, ordinal) WHERE page.is_due FOR UPDATE OF t SKIP LOCKED
), erased AS (
  UPDATE tips t SET ${GONE}, told_to = CASE WHEN due.is_told_on THEN t.told_to END, told = t.told OR NOT due.is_told_on,
    due_number = CASE WHEN due.is_told_on THEN t.due_number END, screening = CASE WHEN due.is_told_on THEN t.screening END,
    shown = CASE WHEN due.is_told_on THEN ${UNSHOWN} END
  FROM due WHERE ${SAME_TIP}
), ${SIGHTED}, missed AS MATERIALIZED (
  SELECT ${placeOf('page')} FROM page WHERE is_due
    AND NOT EXISTS (SELECT FROM due WHERE (due.chain_id, due.tx_hash, due.ordinal) = (page.chain_id, page.tx_hash, page.ordinal))
  ORDER BY ${placeOf('page')} LIMIT 1
), last AS (
  SELECT jsonb_build_object('time', block_time_ms, 'chain', chain_id, 'block', block_number, 'log', log_index, 'tx', encode(tx_hash, 'hex')) AS place
  FROM page WHERE NOT EXISTS (SELECT FROM missed WHERE (${placeOf('missed')}) <= (${placeOf('page')}))
  ORDER BY block_time_ms DESC, chain_id DESC, block_number DESC, log_index DESC, tx_hash DESC LIMIT 1
), whole AS (
  SELECT address FROM wallet WHERE (SELECT count(*) FROM page) < $1 AND NOT EXISTS (SELECT FROM missed)
), done AS (
  DELETE FROM erased_wallets e USING wallet WHERE e.address = wallet.address AND NOT wallet.is_first AND e.address IN (SELECT address FROM whole)
), on_ AS (
  UPDATE erased_wallets e SET
    place = CASE WHEN e.address NOT IN (SELECT address FROM whole) THEN coalesce((SELECT place FROM last), e.place) END,
    due_at = CASE WHEN e.address IN (SELECT address FROM whole) THEN wallet.erased_at + interval '1 day'
      WHEN EXISTS (SELECT FROM missed) THEN now() + interval '10 seconds' ELSE e.due_at END
  FROM wallet WHERE e.address = wallet.address AND (wallet.is_first OR e.address NOT IN (SELECT address FROM whole))
)
SELECT (SELECT count(*)::int FROM page) AS count, (SELECT count(*)::int FROM wallet) AS wallets`;

/** $1 after this creator, $2 how many; those whose oldest event is older than $3 ms. */
const STREAMS = `
page AS MATERIALIZED (
  SELECT creator_id, published, head FROM creator_streams WHERE creator_id > $1::uuid ORDER BY creator_id LIMIT $2
), old AS MATERIALIZED (
  SELECT page.* FROM page CROSS JOIN LATERAL (
    SELECT created_at FROM creator_events e WHERE e.creator_id = page.creator_id ORDER BY seq LIMIT 1) first
  WHERE first.created_at < now() - $3::bigint * interval '1 millisecond'
)`;
const WALKED = '(SELECT creator_id::text FROM page ORDER BY creator_id DESC LIMIT 1) AS last, (SELECT count(*)::int FROM page) AS walked';

/** $4 events of a creator at once, $5 how many of the newest stay. A webhook that is to hear of an event keeps it, a disabled one does not. */
export const PRUNE_EVENTS = `
WITH ${STREAMS}, due AS MATERIALIZED (
  SELECT e.creator_id, e.seq FROM old CROSS JOIN LATERAL (
    SELECT creator_id, seq, created_at FROM creator_events WHERE creator_id = old.creator_id ORDER BY seq LIMIT $4) e
  WHERE e.seq <= least(old.published, old.head - $5::bigint,
      (SELECT min(w.cursor) FROM webhooks w WHERE w.creator_id = old.creator_id AND w.disabled_reason IS NULL))
    AND e.created_at < now() - $3::bigint * interval '1 millisecond'
), gone AS (
  DELETE FROM creator_events e USING due WHERE (e.creator_id, e.seq) = (due.creator_id, due.seq)
)
SELECT ${WALKED}, (SELECT count(*)::int FROM due) AS count, '{}'::text[] AS creators`;

/** $4 events of a creator at once: more than are kept of the old ones. */
export const ERASE_OLD_EVENTS = `
WITH ${STREAMS}, due AS MATERIALIZED (
  SELECT e.creator_id, e.seq FROM old CROSS JOIN LATERAL (
    SELECT creator_id, seq, created_at, payload FROM creator_events WHERE creator_id = old.creator_id ORDER BY seq LIMIT $4) e
  WHERE e.created_at < now() - $3::bigint * interval '1 millisecond' AND e.payload->'d'->>'message' <> ''
), erased AS (
  UPDATE creator_events e SET payload = jsonb_set(e.payload, '{d,message}', '""') FROM due WHERE (e.creator_id, e.seq) = (due.creator_id, due.seq)
)
SELECT ${WALKED}, (SELECT count(*)::int FROM due) AS count, ARRAY(SELECT DISTINCT creator_id::text FROM due) AS creators`;

/** $1 age in ms, $2 limit. */
export const PRUNE_AUDIT = `
WITH due AS MATERIALIZED (
  SELECT id FROM audit_entries WHERE at < now() - $1::bigint * interval '1 millisecond' ORDER BY at LIMIT $2
), gone AS (DELETE FROM audit_entries a USING due WHERE a.id = due.id)
SELECT count(*)::int AS count FROM due`;

/** $1 chore, $2 for so many ms. */
export const CLAIM = `
INSERT INTO chores (name, taken_until) VALUES ($1, now() + $2::bigint * interval '1 millisecond')
ON CONFLICT (name) DO UPDATE SET taken_until = excluded.taken_until WHERE chores.taken_until <= now()
RETURNING name`;
