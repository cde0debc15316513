import { HIDDEN_SENDER } from '@droppio/tips';

export const HIDDEN = `decode('${HIDDEN_SENDER.from.slice(2)}', 'hex')`;
const LIVE = `state = ANY (ARRAY['seen'::text, 'confirmed'::text, 'safe'::text, 'finalized'::text])`;
const TODAY = '(extract(epoch FROM now()) / 86400)::numeric';
/** First day of the span that a day is in, days from 1970 on; that was a Thursday. */
const firstDay = (span: string, day: string): string => `CASE ${span} WHEN 'day' THEN ${day} WHEN 'week' THEN ${day} - (${day} + 3) % 7
    WHEN 'month' THEN date_trunc('month', date '1970-01-01' + ${day})::date - date '1970-01-01' ELSE 0 END`;
const dayOf = (note: string): string => `(${note}.block_time_ms / 86400000)::int`;
/** Spans of days that are over are kept a while, then nobody asks for them any more. */
const KEPT_DAYS = `CASE span WHEN 'day' THEN 2 WHEN 'week' THEN 14 WHEN 'month' THEN 62 END`;

/*
 * $1 limit. Takes notes and adds them to the sums, or does neither. Two that fold at once take different notes, and take the rows of sums in
 * one order. Notes of creators that are gone go nowhere; sums of days that are over are dropped for those who have new ones.
 */
export const FOLD_WIDGETS = `
WITH taken AS MATERIALIZED (
  DELETE FROM widget_notes WHERE id IN (SELECT id FROM widget_notes ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING *
), known AS MATERIALIZED (
  SELECT n.* FROM taken n WHERE EXISTS (SELECT FROM creators c WHERE c.id = n.creator_id)
), parts AS (
  SELECT n.creator_id, s.span, s.start, u.chain_id, u.token, s.sender, sum(u.tips) AS tips, sum(u.amount) AS amount
  FROM known n
  CROSS JOIN LATERAL (VALUES (n.chain_id, n.token, n.tips, n.amount), (0, ''::bytea, n.priced, n.usd)) AS u(chain_id, token, tips, amount)
  CROSS JOIN LATERAL (
    SELECT 'hour' AS span, (n.block_time_ms / 3600000)::int AS start, ''::bytea AS sender
    UNION ALL
    SELECT span, ${firstDay('span', dayOf('n'))}, n.sender FROM unnest(ARRAY['day', 'week', 'month', 'all']) AS span WHERE n.sender <> ${HIDDEN}
  ) s
  WHERE (u.tips <> 0 OR u.amount <> 0) AND (s.span IN ('hour', 'all') OR s.start > floor(${TODAY})::int - ${KEPT_DAYS})
  GROUP BY 1, 2, 3, 4, 5, 6
), added AS (
  INSERT INTO widget_sums (creator_id, span, start, chain_id, token, sender, tips, amount)
  SELECT * FROM parts ORDER BY creator_id, span, start, chain_id, token, sender
  ON CONFLICT (creator_id, span, start, chain_id, token, sender)
  DO UPDATE SET tips = widget_sums.tips + excluded.tips, amount = widget_sums.amount + excluded.amount
), over AS (
  DELETE FROM widget_sums w USING (SELECT DISTINCT creator_id, span FROM known CROSS JOIN unnest(ARRAY['day', 'week', 'month']) AS span) k
  WHERE (w.creator_id, w.span) = (k.creator_id, k.span) AND w.start <= floor(${TODAY})::int - ${KEPT_DAYS.replace('span', 'k.span')}
)
SELECT count(*)::int AS folded FROM taken`;

/** Where the stream is in the snapshot that the rest of the statement reads. $1 creator. */
const PLACE = `SELECT s.epoch, s.head, (extract(epoch FROM now()) * 1000)::bigint AS now_ms`;
const STREAM = 'FROM creator_streams s WHERE s.creator_id = $1';
const LATE = '(SELECT count(*)::int FROM widget_notes WHERE creator_id = $1) AS notes';

/*
 * $1 creator, $2 since (ms), $3 chain, $4 token; chain 0: dollars. Whole hours from their sums and the notes of them, the hour that \`since\`
 * falls into from its tips.
 */
export const GOAL = `
WITH edge AS (SELECT $2::bigint AS since, (($2::bigint + 3599999) / 3600000)::int AS hour), parts AS (
  SELECT w.tips, w.amount FROM widget_sums w, edge
  WHERE w.creator_id = $1 AND w.span = 'hour' AND w.start >= edge.hour AND w.chain_id = $3 AND w.token = $4
  UNION ALL
  SELECT CASE WHEN $3 = 0 THEN n.priced ELSE n.tips END, CASE WHEN $3 = 0 THEN n.usd ELSE n.amount END FROM widget_notes n, edge
  WHERE n.creator_id = $1 AND n.block_time_ms >= edge.hour * 3600000::bigint AND ($3 = 0 OR (n.chain_id = $3 AND n.token = $4))
  UNION ALL
  SELECT CASE WHEN $3 = 0 THEN (v.usd IS NOT NULL)::int ELSE 1 END, CASE WHEN $3 = 0 THEN coalesce(v.usd, 0) ELSE t.amount END
  FROM edge CROSS JOIN tips t
  LEFT JOIN LATERAL (
    SELECT usd FROM tip_values v WHERE $3 = 0 AND (v.chain_id, v.tx_hash, v.ordinal) = (t.chain_id, t.tx_hash, t.ordinal) AND v.block_hash = t.block_hash LIMIT 1
  ) v ON true
  WHERE t.told_to = $1 AND t.told AND t.${LIVE} AND t.block_time_ms >= edge.since AND t.block_time_ms < edge.hour * 3600000::bigint
    AND ($3 = 0 OR (t.chain_id = $3 AND t.token = $4))
)
${PLACE}, (SELECT coalesce(sum(tips), 0)::text FROM parts) AS tips, (SELECT coalesce(sum(amount), 0)::text FROM parts) AS amount, ${LATE}
${STREAM}`;

const HIDES = `EXISTS (SELECT FROM moderation_rules r WHERE r.creator_id = $1 AND r.rules->>'hideSenders' = 'true')`;

/** By the clock of the block; of the same second as they came, which is as they were told. */
export const NEWEST_FIRST =
  't.block_time_ms DESC, t.created_at DESC, t.block_number DESC, t.log_index DESC, t.chain_id DESC, t.tx_hash DESC, t.ordinal DESC';

/** $1 creator, $2 limit. A message that was erased stays away, also where its tip has come back with it. */
export const TICKER = `
${PLACE}, ${HIDES} AS hides, 0 AS notes, (
  SELECT coalesce(jsonb_agg(jsonb_build_object('chainId', t.chain_id, 'txHash', '0x' || encode(t.tx_hash, 'hex'), 'ordinal', t.ordinal,
    'atMs', t.block_time_ms, 'seen', t.display, 'message', CASE WHEN t.is_erased THEN '' ELSE t.display->>'message' END)), '[]')
  FROM (
    SELECT t.chain_id, t.tx_hash, t.ordinal, t.block_time_ms, coalesce(t.shown, t.display) AS display, t.erased AS is_erased
    FROM tips t WHERE t.told_to = $1 AND t.told AND t.${LIVE}
    ORDER BY ${NEWEST_FIRST} LIMIT $2
  ) t
) AS tips
${STREAM}`;

/*
 * $1 creator, $2 span, $3 limit, $4 chain, $5 token; chain 0: dollars. Whoever has no note stands as his sum says, and at most as many as have
 * notes may have sunk behind him: so that many more are read. LIMIT 1 keeps the planner from reading every tipper's sum for the few of the notes.
 */
export const TOP = `
WITH span AS (
  SELECT start, ((date '1970-01-01' + start) + CASE $2::text WHEN 'day' THEN interval '1 day' WHEN 'week' THEN interval '1 week' ELSE interval '1 month' END)::date
    - date '1970-01-01' AS until
  FROM (SELECT ${firstDay('$2::text', 'day')} AS start FROM (SELECT floor(${TODAY})::int AS day) d) s
), notes AS MATERIALIZED (
  SELECT n.sender, sum(CASE WHEN $4 = 0 THEN n.priced ELSE n.tips END) AS tips, sum(CASE WHEN $4 = 0 THEN n.usd ELSE n.amount END) AS amount
  FROM widget_notes n, span
  WHERE n.creator_id = $1 AND n.sender <> ${HIDDEN} AND ($4 = 0 OR (n.chain_id = $4 AND n.token = $5)) AND ${firstDay('$2::text', dayOf('n'))} = span.start
  GROUP BY n.sender
), heads AS (
  SELECT w.sender, w.tips, w.amount FROM widget_sums w
  WHERE w.creator_id = $1 AND w.span = $2 AND w.span <> 'hour' AND w.start = (SELECT start FROM span) AND w.chain_id = $4 AND w.token = $5
  ORDER BY w.amount DESC, w.sender LIMIT $3 + (SELECT count(*) FROM notes)
), ranked AS (
  SELECT n.sender, n.tips + coalesce(w.tips, 0) AS tips, n.amount + coalesce(w.amount, 0) AS amount
  FROM notes n LEFT JOIN LATERAL (
    SELECT w.tips, w.amount FROM widget_sums w
    WHERE (w.creator_id, w.span, w.start, w.chain_id, w.token, w.sender) = ($1, $2::text, (SELECT start FROM span), $4, $5, n.sender) LIMIT 1
  ) w ON true
  UNION ALL
  SELECT sender, tips, amount FROM heads h WHERE NOT EXISTS (SELECT FROM notes n WHERE n.sender = h.sender)
)
${PLACE}, ${HIDES} AS hides, ${LATE}, (SELECT CASE WHEN $2 <> 'all' THEN span.until END FROM span) AS until, (SELECT start FROM span) AS start, (
  SELECT coalesce(jsonb_agg(jsonb_build_object('sender', '0x' || encode(r.sender, 'hex'), 'tips', r.tips, 'amount', r.amount::text) ORDER BY r.amount DESC, r.sender), '[]')
  FROM (SELECT * FROM ranked WHERE tips > 0 ORDER BY amount DESC, sender LIMIT $3) r
) AS tippers
${STREAM}`;
