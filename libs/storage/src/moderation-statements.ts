import { ONE_TIP } from './screening-statements.js';
import { TELL } from './tip-statements.js';

/** $1 creator, $2 versions that may be overwritten or null for any, $3 rules, $4 do they screen. Takes the stream's lock: see migration 0010. */
export const SET_RULES = `
WITH stream AS (
  UPDATE creator_streams SET rules_version = rules_version + 1, screens = $4
  WHERE creator_id = $1 AND ($2::int[] IS NULL OR rules_version = ANY ($2::int[])) RETURNING creator_id, rules_version
), stored AS (
  INSERT INTO moderation_rules (creator_id, rules) SELECT creator_id, $3::jsonb FROM stream
  ON CONFLICT (creator_id) DO UPDATE SET rules = excluded.rules, updated_at = now()
)
SELECT rules_version AS version FROM stream`;

const [SELECT_ONE = ''] = ONE_TIP.split('WHERE');

/** $1 creator, $2 screening, $3 block time, $4 chain, $5 transaction, $6 ordinal of the last of the page before, $7 limit. */
export const ALERTS = `${SELECT_ONE}
WHERE t.told_to = $1 AND t.screening = $2 AND (t.block_time_ms, t.chain_id, t.tx_hash, t.ordinal) < ($3::bigint, $4::bigint, $5::bytea, $6::int)
  AND ($2 <> 'held' OR t.state NOT IN ('orphaned', 'lost', 'dropped'))
ORDER BY t.block_time_ms DESC, t.chain_id DESC, t.tx_hash DESC, t.ordinal DESC LIMIT $7`;

/** $1 creator, $2 chain, $3 transaction, $4 ordinal. Moved to `rejected` only from `held`. */
export const REJECT = `
UPDATE tips SET screening = 'rejected', screening_reason = 'person', due_number = NULL, updated_at = now()
WHERE told_to = $1 AND (chain_id, tx_hash, ordinal) = ($2::bigint, $3::bytea, $4::int) AND screening = 'held'
  AND state NOT IN ('orphaned', 'lost', 'dropped')`;

/*
 * $1 creator, $2 chain, $3 transaction, $4 ordinal, $5 now. Locks as verdicts do: the stream, then the tip, which is never waited for. One that is
 * waiting for its verdict shows nothing of itself by then, and is left to it. `screening` stands, so that no fork takes the blank for a tip
 * that nobody has judged.
 */
export const HIDE_MESSAGE = `
WITH stream AS MATERIALIZED (
  SELECT creator_id FROM creator_streams WHERE creator_id = $1 FOR NO KEY UPDATE
), taken AS MATERIALIZED (
  SELECT t.chain_id, t.tx_hash, t.ordinal, coalesce(t.shown, t.display)->>'message' <> '' AS tells
  FROM stream s JOIN tips t ON t.told_to = s.creator_id
  WHERE (t.chain_id, t.tx_hash, t.ordinal) = ($2::bigint, $3::bytea, $4::int) AND t.told AND t.screening IS DISTINCT FROM 'waiting'
    AND t.state NOT IN ('orphaned', 'lost', 'dropped')
  FOR UPDATE OF t SKIP LOCKED
), hidden AS (
  UPDATE tips t SET screening = 'shown', screening_reason = 'message-hidden', shown = coalesce(t.shown, t.display) || '{"message":""}',
    rev = t.rev + k.tells::int, updated_at = now()
  FROM taken k WHERE (t.chain_id, t.tx_hash, t.ordinal) = (k.chain_id, k.tx_hash, k.ordinal)
  RETURNING t.*, k.tells
), news AS MATERIALIZED (
  SELECT told_to AS creator_id, 1 AS nth, 'tip.updated' AS type, state, rev, chain_id, tx_hash, ordinal, shown AS display, block_time_ms,
    $5::bigint AS seen_at_ms, false AS unasked
  FROM hidden WHERE tells
), ${TELL}
SELECT FROM hidden`;

const eventOf = (type: string, data: string): string => `
  INSERT INTO creator_events (creator_id, seq, type, payload)
  SELECT creator_id, head, '${type}', jsonb_build_object('seq', head, 'id', $2::text, 'type', '${type}',
    'at', jsonb_build_object('seen', $3::bigint), 'ttlMs', $4::int, 'd', ${data})
  FROM stream RETURNING payload->>'id' AS id`;

const BUMP = 'SET head = head + 1, unpublished_since = coalesce(unpublished_since, now())';

/**
 * $1 creator, $2 event id, $3 now, $4 ttl, $5 display, $6 version of the rules that screened it, $7 chain, $8 transaction, $9 ordinal, $10 rev,
 * $11 erased. No row: the rules are others by now, or the tip is not what was read, or somebody has it in hand. Locks as verdicts do: the stream,
 * then the tip, which is never waited for.
 */
export const REPLAY = `
WITH locked AS MATERIALIZED (
  SELECT creator_id FROM creator_streams WHERE creator_id = $1 AND rules_version = $6::int FOR NO KEY UPDATE
), tip AS MATERIALIZED (
  SELECT t.told_to FROM locked l JOIN tips t ON t.told_to = l.creator_id
  WHERE (t.chain_id, t.tx_hash, t.ordinal) = ($7::bigint, $8::bytea, $9::int) AND t.told AND (t.rev, t.erased) = ($10::int, $11::boolean)
    AND t.state NOT IN ('orphaned', 'lost', 'dropped')
  FOR SHARE OF t SKIP LOCKED
), stream AS (
  UPDATE creator_streams s ${BUMP} FROM tip WHERE s.creator_id = tip.told_to RETURNING s.creator_id, s.head
), event AS (${eventOf('test', '$5::jsonb')})
SELECT id FROM event`;

/** $1 creator, $2 event id, $3 now, $4 ttl, $5 action. */
export const COMMAND = `
WITH stream AS (
  UPDATE creator_streams ${BUMP} WHERE creator_id = $1 RETURNING creator_id, head
), event AS (${eventOf('control', `jsonb_build_object('action', $5::text)`)})
SELECT id FROM event`;

export const QUEUE = `SELECT coalesce(paused, false) AS paused, coalesce(muted, false) AS muted FROM creator_streams WHERE creator_id = $1`;
