import { ONE_TIP } from './screening-statements.js';

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

const eventOf = (type: string, data: string): string => `
  INSERT INTO creator_events (creator_id, seq, type, payload)
  SELECT creator_id, head, '${type}', jsonb_build_object('seq', head, 'id', $2::text, 'type', '${type}',
    'at', jsonb_build_object('seen', $3::bigint), 'ttlMs', $4::int, 'd', ${data})
  FROM stream RETURNING payload->>'id' AS id`;

const BUMP = 'SET head = head + 1, unpublished_since = coalesce(unpublished_since, now())';

/**
 * $1 creator, $2 event id, $3 now, $4 ttl, $5 display, $6 version of the rules that screened it, $7 chain, $8 transaction, $9 ordinal. No row: the
 * rules are others by now, or the tip is not on the screen any more.
 */
export const REPLAY = `
WITH stream AS (
  UPDATE creator_streams ${BUMP} WHERE creator_id = $1 AND rules_version = $6::int AND EXISTS (
    SELECT FROM tips WHERE told_to = $1 AND (chain_id, tx_hash, ordinal) = ($7::bigint, $8::bytea, $9::int) AND told
      AND state NOT IN ('orphaned', 'lost', 'dropped'))
  RETURNING creator_id, head
), event AS (${eventOf('test', '$5::jsonb')})
SELECT id FROM event`;

/** $1 creator, $2 event id, $3 now, $4 ttl, $5 action. */
export const COMMAND = `
WITH stream AS (
  UPDATE creator_streams ${BUMP} WHERE creator_id = $1 RETURNING creator_id, head
), event AS (${eventOf('control', `jsonb_build_object('action', $5::text)`)})
SELECT id FROM event`;

export const QUEUE = `SELECT coalesce(paused, false) AS paused, coalesce(muted, false) AS muted FROM creator_streams WHERE creator_id = $1`;
