import { CREATORS, NO_LONGER_WAITING, screensOf, TELL, tipsFrom, unscreenedIn } from './tip-statements.js';

/*
 * Tips that a node promises before their block is sealed. They exist only for creators that asked to hear of them so early: for everybody
 * else a tip begins with its block. The cursor's lock keeps them apart from the commit that may seal them at the same moment.
 */
const LOCKED = `
cur AS MATERIALIZED (
  SELECT chain_id FROM chain_cursors WHERE chain_id = $1 AND epoch = $2 FOR UPDATE
)`;

/** $1 chain, $2 fence, $3 seen at, $4 tips, $5 height. A tip that is known already, in whatever state, stays as it is. No row: fenced off. */
export const SIGHT_SEEN = `
WITH ${LOCKED}, input AS MATERIALIZED (
  ${tipsFrom('$4')}
), wanted AS MATERIALIZED (
  SELECT i.*, (
    SELECT w.creator_id FROM creator_wallets w JOIN creators c ON c.id = w.creator_id WHERE w.address = i.wallet AND c.alert_after = 0
  ) AS told_to
  FROM input i WHERE i.display IS NOT NULL
), gated AS MATERIALIZED (
  SELECT w.*, ${screensOf('w.told_to')} AS screens FROM wanted w WHERE w.told_to IS NOT NULL
), stored AS (
  INSERT INTO tips (chain_id, tx_hash, ordinal, wallet, sender, token, amount, message, ref, display, told_to, told, screening, state, rev,
    block_number, block_hash, block_time_ms, log_index)
  SELECT chain_id, tx_hash, ordinal, wallet, sender, token, amount, message, ref, display, told_to, NOT screens,
    CASE WHEN screens THEN 'waiting' END, 'seen', 1, $5, decode(repeat('00', 32), 'hex'), $3, log_index
  FROM gated
  ON CONFLICT DO NOTHING
  RETURNING *
), news AS MATERIALIZED (
  SELECT told_to AS creator_id, row_number() OVER (ORDER BY tx_hash, ordinal) AS nth, 'tip' AS type, state, rev, chain_id, tx_hash, ordinal,
    display, block_time_ms, $3::bigint AS seen_at_ms, true AS unasked
  FROM stored WHERE told
), ${TELL}
SELECT ${CREATORS}, ${unscreenedIn('stored')} FROM cur`;

/** $1 chain, $2 fence, $3 height, $4 now. Seen tips that were expected up to this height and are in no block. No row: fenced off. */
export const DROP_SEEN = `
WITH ${LOCKED}, gone AS (
  UPDATE tips t SET state = 'dropped', rev = t.rev + 1, ${NO_LONGER_WAITING}, updated_at = now()
  FROM cur WHERE t.chain_id = cur.chain_id AND t.state = 'seen' AND t.block_number <= $3::bigint
  RETURNING t.*
), news AS MATERIALIZED (
  SELECT told_to AS creator_id, row_number() OVER (ORDER BY block_number, log_index) AS nth, 'tip.retracted' AS type,
    state, rev, chain_id, tx_hash, ordinal, coalesce(shown, display) AS display, block_time_ms, $4::bigint AS seen_at_ms, false AS unasked
  FROM gone WHERE told_to IS NOT NULL AND told
), ${TELL}
SELECT ${CREATORS}, (SELECT count(*)::int FROM gone) AS dropped FROM cur`;
