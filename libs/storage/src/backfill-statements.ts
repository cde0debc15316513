import { CREATORS, screensOf, TELL, unscreenedIn } from './tip-statements.js';

/*
 * $1 chain, $2 blocks, $3 tips. Tips that exist are left as they are, whatever their state: what the walk stored it also keeps up to date.
 * A tip that is told has its creator at once, as with a live block; one that is not told stays nobody's, so nothing of it is told later.
 */
const INPUT = `
blocks AS (
  SELECT b.nth, b.number, decode(b.hash, 'hex') AS hash, b.time_ms, b.seen_at_ms, b.state, b.tell
  FROM jsonb_to_recordset($2::jsonb) AS b(nth int, number bigint, hash text, time_ms bigint, seen_at_ms bigint, state text, tell boolean)
), input AS MATERIALIZED (
  SELECT b.number, b.hash, b.time_ms, b.seen_at_ms, b.state, b.tell, decode(i.tx_hash, 'hex') AS tx_hash, i.ordinal, i.log_index,
    decode(i.wallet, 'hex') AS wallet, decode(i.sender, 'hex') AS sender, decode(i.token, 'hex') AS token, i.amount, i.message,
    decode(i.ref, 'hex') AS ref, i.display
  FROM jsonb_to_recordset($3::jsonb) AS i(block int, tx_hash text, ordinal int, log_index int, wallet text, sender text, token text,
    amount numeric, message text, ref text, display jsonb)
  JOIN blocks b ON b.nth = i.block
), sighted AS (
  INSERT INTO tip_sightings (chain_id, block_hash, log_index, block_number, tx_hash, ordinal, wallet, sender, token, amount, message, ref, seen_at_ms)
  SELECT $1::bigint, hash, log_index, number, tx_hash, ordinal, wallet, sender, token, amount, message, ref, seen_at_ms FROM input
  ON CONFLICT DO NOTHING
)`;

const stored = (from: string, [toldTo, told, due, screening]: readonly [string, string, string, string], returning: string): string => `
stored AS (
  INSERT INTO tips (chain_id, tx_hash, ordinal, wallet, sender, token, amount, message, ref, display, told_to, told, due_number, screening, state, rev,
    block_number, block_hash, block_time_ms, log_index)
  SELECT $1::bigint, tx_hash, ordinal, wallet, sender, token, amount, message, ref, display, ${toldTo}, ${told}, ${due}, ${screening}, state, 1,
    number, hash, time_ms, log_index
  FROM ${from}
  ON CONFLICT DO NOTHING
  RETURNING ${returning}
)`;

const COUNT = '(SELECT count(*)::int FROM stored) AS stored';

export const BACKFILL = `WITH ${INPUT}, ${stored('input', ['NULL::uuid', 'true', 'NULL::bigint', 'NULL::text'], '1')}
SELECT '{}'::text[] AS creators, '{}'::text[] AS unscreened, ${COUNT}`;

/*
 * As above, and $4 the height that the chain has reached with us: a creator that wants more blocks on top of a tip hears of it when it is due,
 * as of any other.
 */
export const BACKFILL_AND_TELL = `
WITH ${INPUT}, owned AS MATERIALIZED (
  SELECT i.*, CASE WHEN i.tell AND i.display IS NOT NULL THEN (SELECT w.creator_id FROM creator_wallets w WHERE w.address = i.wallet) END AS told_to
  FROM input i
), timed AS MATERIALIZED (
  SELECT o.*, o.number + coalesce((SELECT c.alert_after FROM creators c WHERE c.id = o.told_to), 1) - 1 AS due_at FROM owned o
), ripened AS MATERIALIZED (
  SELECT t.*, t.told_to IS NULL OR t.state = 'finalized' OR t.due_at <= $4::bigint AS ripe, ${screensOf('t.told_to')} AS screens FROM timed t
), ${stored('ripened', ['told_to', 'ripe AND NOT screens', 'CASE WHEN NOT ripe THEN due_at END', `CASE WHEN ripe AND screens THEN 'waiting' END`], '*')}, news AS MATERIALIZED (
  SELECT s.told_to AS creator_id, row_number() OVER (ORDER BY s.block_number, s.log_index) AS nth, 'tip' AS type, s.state, s.rev,
    s.chain_id, s.tx_hash, s.ordinal, s.display, s.block_time_ms, i.seen_at_ms, true AS unasked
  FROM stored s JOIN input i ON (i.tx_hash, i.ordinal, i.hash) = (s.tx_hash, s.ordinal, s.block_hash)
  WHERE s.told_to IS NOT NULL AND s.told
), ${TELL}
SELECT ${CREATORS}, ${unscreenedIn('stored')}, ${COUNT}`;

/** $1 chain, $2 logs to set aside. Gives those that were not there before. */
export const SET_ASIDE = `
WITH new AS (
  INSERT INTO quarantined_logs (chain_id, block_hash, log_index, block_number, code, raw)
  SELECT $1::bigint, decode(q.block_hash, 'hex'), q.log_index, q.block_number, q.code, decode(q.raw, 'hex')
  FROM jsonb_to_recordset($2::jsonb) AS q(block_hash text, log_index int, block_number bigint, code text, raw text)
  ON CONFLICT DO NOTHING
  RETURNING code
)
SELECT code, count(*)::int AS count FROM new GROUP BY code`;
