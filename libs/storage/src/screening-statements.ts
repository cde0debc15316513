import { CREATORS, TELL } from './tip-statements.js';

/** $1 creator. What judges its tips; `screens` false: everything is shown. */
export const RULES = `
SELECT s.screens, s.rules_version AS version, r.rules FROM creator_streams s LEFT JOIN moderation_rules r USING (creator_id)
WHERE s.creator_id = $1`;

const TIP = `t.chain_id, t.tx_hash, t.ordinal, t.rev, t.state, t.told, t.screening, t.screening_reason, t.display, t.shown, t.erased, t.block_time_ms`;

/** $1 creator, $2 limit. In the order of the chain, as they would have been told. */
export const WAITING_TIPS = `
SELECT ${TIP}, EXISTS (SELECT FROM tips k WHERE k.told_to = t.told_to AND k.sender = t.sender AND k.screening = 'shown'
  AND k.screening_reason IS DISTINCT FROM 'message-hidden') AS known
FROM tips t WHERE t.told_to = $1 AND t.screening = 'waiting'
ORDER BY t.block_time_ms, t.chain_id, t.block_number, t.log_index LIMIT $2`;

/** $1 creator, $2 chain, $3 transaction, $4 ordinal. */
export const ONE_TIP = `
SELECT ${TIP}, true AS known FROM tips t WHERE t.told_to = $1 AND (t.chain_id, t.tx_hash, t.ordinal) = ($2::bigint, $3::bytea, $4::int)`;

/*
 * $1 creator, $2 version of the rules that judged, $3 verdicts, $4 now, $5 what the tips are until now: \`waiting\` or \`held\`.
 * - The stream is locked first, so the rules are those of \`$2\` until the end, else nothing happens. Whoever commits blocks locks tips before
 *   streams; a tip that is locked is therefore left out, never waited for, and judged at the next try.
 * - \`rev\` says that the tip is the one that was judged, and \`erased\` that nobody took its message away meanwhile.
 * - A tip that was told before (its facts changed) can only be corrected; what is not shown of it stays blank.
 * - What a person lets through plays as something new, whatever its block's age, and says nothing about speed: it has no time of a block.
 */
export const APPLY_VERDICTS = `
WITH stream AS MATERIALIZED (
  SELECT creator_id FROM creator_streams WHERE creator_id = $1 AND rules_version = $2::int FOR NO KEY UPDATE
), input AS MATERIALIZED (
  SELECT i.pos, i.chain_id, decode(i.tx_hash, 'hex') AS tx_hash, i.ordinal, i.rev, i.erased, i.screening, i.reason, i.shown
  FROM jsonb_to_recordset($3::jsonb) AS i(pos int, chain_id bigint, tx_hash text, ordinal int, rev int, erased boolean, screening text, reason text, shown jsonb)
), taken AS MATERIALIZED (
  SELECT i.*, t.told AS was_told, t.told AND i.screening = 'shown' AND i.shown IS DISTINCT FROM coalesce(t.shown, t.display) AS corrected
  FROM stream s CROSS JOIN input i
  JOIN tips t ON (t.chain_id, t.tx_hash, t.ordinal) = (i.chain_id, i.tx_hash, i.ordinal)
  WHERE t.told_to = s.creator_id AND t.screening = $5 AND (t.rev, t.erased) = (i.rev, i.erased) AND t.state NOT IN ('orphaned', 'lost', 'dropped')
  FOR UPDATE OF t SKIP LOCKED
), judged AS (
  UPDATE tips t SET screening = CASE WHEN t.told THEN 'shown' ELSE k.screening END, screening_reason = k.reason,
    shown = CASE WHEN t.told AND NOT k.corrected THEN t.shown ELSE nullif(k.shown, t.display) END,
    told = t.told OR (k.screening = 'shown' AND t.due_number IS NULL), rev = t.rev + k.corrected::int, updated_at = now()
  FROM taken k WHERE (t.chain_id, t.tx_hash, t.ordinal) = (k.chain_id, k.tx_hash, k.ordinal)
  RETURNING t.*, k.pos, k.was_told, k.corrected
), news AS MATERIALIZED (
  SELECT j.told_to AS creator_id, j.pos AS nth, CASE WHEN j.was_told THEN 'tip.updated' ELSE 'tip' END AS type, j.state, j.rev, j.chain_id,
    j.tx_hash, j.ordinal, coalesce(j.shown, j.display) AS display,
    CASE WHEN $5 = 'waiting' THEN j.block_time_ms END AS block_time_ms,
    coalesce(CASE WHEN $5 = 'waiting'
      THEN (SELECT b.seen_at_ms FROM chain_blocks b WHERE b.chain_id = j.chain_id AND b.hash = j.block_hash) END, $4::bigint) AS seen_at_ms,
    false AS unasked
  FROM judged j WHERE j.told AND (j.corrected OR NOT j.was_told)
), ${TELL}
SELECT ${CREATORS}, (SELECT count(*)::int FROM judged) AS judged`;

/** $1 age in milliseconds, $2 limit. Of creators that are gone nobody's tips wait. */
export const UNSCREENED = `
SELECT DISTINCT t.told_to AS creator_id FROM tips t JOIN creator_streams s ON s.creator_id = t.told_to
WHERE t.screening = 'waiting' AND t.updated_at <= now() - $1::double precision * interval '1 millisecond' LIMIT $2`;
