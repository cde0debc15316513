import { HIDDEN_SENDER, TIP_TTL_MS } from '@droppio/tips';

/*
 * The tail of every statement that changes tips: gives each row of `news` its creator's next seq and writes it as an event.
 *   news(creator_id, nth, type, state, rev, chain_id, tx_hash, ordinal, display, block_time_ms, seen_at_ms, unasked)
 * - `locked` takes the stream rows in one order everywhere, else two chains with the same creators deadlock.
 * - Bumping head under that lock makes commit order = seq order; a waiting statement re-reads the newest head.
 * - A creator that was deleted meanwhile has no stream: its news go nowhere.
 * - `unasked`: told without screening, since the statement's snapshot knew of no rules. Should the row that is locked know better, nothing
 *   of the statement happens, and it is run again.
 */
export const TELL = `
counts AS (
  SELECT creator_id, count(*) AS n, bool_or(unasked) AS unasked FROM news GROUP BY creator_id
), locked AS MATERIALIZED (
  SELECT s.creator_id FROM creator_streams s
  WHERE s.creator_id IN (SELECT creator_id FROM counts) ORDER BY s.creator_id FOR NO KEY UPDATE
), bumped AS (
  UPDATE creator_streams s
  SET head = s.head + counts.n, unpublished_since = coalesce(s.unpublished_since, now())
  FROM counts JOIN locked USING (creator_id)
  WHERE s.creator_id = counts.creator_id AND CASE WHEN counts.unasked AND s.screens THEN rules_have_changed() ELSE true END
  RETURNING s.creator_id, s.head - counts.n AS base
), placed AS (
  SELECT news.*, bumped.base + row_number() OVER (PARTITION BY news.creator_id ORDER BY nth) AS seq
  FROM news JOIN bumped USING (creator_id)
), written AS (
  INSERT INTO creator_events (creator_id, seq, type, payload)
  SELECT creator_id, seq, type, jsonb_build_object(
    'seq', seq, 'id', chain_id || '-0x' || encode(tx_hash, 'hex') || '-' || ordinal, 'type', type,
    'at', jsonb_strip_nulls(jsonb_build_object('block', block_time_ms, 'seen', seen_at_ms)),
    'ttlMs', ${String(TIP_TTL_MS)}, 'state', state, 'rev', rev, 'd', display)
  FROM placed
)`;

export const CREATORS = `ARRAY(SELECT creator_id::text FROM bumped ORDER BY 1) AS creators`;

/** Whose tips of these rows wait to be screened. */
export const unscreenedIn = (rows: string): string =>
  `ARRAY(SELECT DISTINCT told_to::text FROM ${rows} WHERE screening = 'waiting' ORDER BY 1) AS unscreened`;

/** Does this creator have rules? Asked only of tips that are to be told now. */
export const screensOf = (creator: string): string =>
  `coalesce((SELECT s.screens FROM creator_streams s WHERE s.creator_id = ${creator}), false)`;

/** What overlays see of a tip that they know already and whose new facts nobody has judged yet. */
const BLANK = `'${JSON.stringify({ ...HIDDEN_SENDER, message: '' })}'::jsonb`;

/** A tip that leaves the chain before it was judged is no longer waited for; should it come back, it is judged as if it were new. */
export const NO_LONGER_WAITING = `screening = nullif(screening, 'waiting')`;

/** Moves the cursor to the child of the block it stands on, or changes nothing at all: the gate of everything below. */
const ADVANCE = `
cur AS (
  UPDATE chain_cursors SET number = $2::bigint, hash = $3, updated_at = now()
  WHERE chain_id = $1 AND hash = $4 AND epoch = $5 AND number = $2::bigint - 1
  RETURNING chain_id
), block AS (
  INSERT INTO chain_blocks (chain_id, hash, number, parent_hash, time_ms, seen_at_ms, canonical)
  SELECT chain_id, $3, $2, $4, $6::bigint, $7::bigint, true FROM cur
  ON CONFLICT (chain_id, hash) DO UPDATE SET canonical = true
)`;

/** The rows of a parameter made by `tipsJson`, once for each row of `cur`. */
export const tipsFrom = (parameter: string): string => `
  SELECT cur.chain_id, i.pos, decode(i.tx_hash, 'hex') AS tx_hash, i.ordinal, i.log_index, decode(i.wallet, 'hex') AS wallet,
    decode(i.sender, 'hex') AS sender, decode(i.token, 'hex') AS token, i.amount, i.message, decode(i.ref, 'hex') AS ref, i.display
  FROM cur, jsonb_to_recordset(${parameter}::jsonb) AS i(pos int, tx_hash text, ordinal int, log_index int, wallet text, sender text,
    token text, amount numeric, message text, ref text, display jsonb)`;

/**
 * Does a tip wait for no more blocks, now that $2 and $8 on top of it are there? Answered from an index that is nearly always empty: the lowest is
 * asked for, since a plan for any height believes that every third tip is below it, and would look for the first of them through all tips.
 */
const IS_DUE = `coalesce((
  SELECT due_number FROM tips WHERE chain_id = $1 AND due_number IS NOT NULL ORDER BY due_number LIMIT 1
) <= $2::bigint + $8::bigint, false) AS due`;

/** $1 chain, $2 number, $3 hash, $4 parent, $5 fence, $6 block time, $7 seen at, $8 blocks on top. Most blocks hold nothing of ours. */
export const COMMIT_EMPTY_BLOCK = `WITH ${ADVANCE} SELECT '{}'::text[] AS creators, '{}'::text[] AS unscreened, ${IS_DUE} FROM cur`;

/*
 * As above, and $9 tips, $10 logs to set aside. No row when the cursor was elsewhere.
 * - Tips come from the input, not from what \`sighted\` inserts: after a flip-flop A→B→A those rows exist already, and the tips would stay orphaned.
 * - \`old\` locks, and so re-reads, the tips that exist: this statement may have waited for a finalise that started after its snapshot.
 * - A tip is told to the creator found when it was first stored, and stays with it; only another wallet in the log (the transaction ran
 *   differently on this branch) moves it to another stream. Who was told of nothing hears nothing later.
 * - A creator may ask for blocks on top of a tip before it hears of it: until then the tip is due at a height and told of nothing
 *   (RELEASE_DUE). Whoever was told once hears of every change.
 * - A tip of a creator with rules is told of nothing either, but waits to be screened (screening-statements.ts). A verdict holds as long as the
 *   facts of the chain do, on whatever branch, however the operator writes the token; with other facts the tip is judged anew, and what overlays
 *   know of it goes blank until then. One that was blank when it left the chain still waits for its verdict.
 * - A message that was erased is read over, in every block: it changes nothing, and is stored nowhere.
 * - rev moves when something visible changed; another block with the same facts is not visible.
 * - A finalised tip in a later block is a node's lie: left as it is.
 */
export const COMMIT_BLOCK = `
WITH ${ADVANCE}, aside AS (
  INSERT INTO quarantined_logs (chain_id, block_hash, log_index, block_number, code, raw)
  SELECT cur.chain_id, $3, q.log_index, $2, q.code, decode(q.raw, 'hex')
  FROM cur, jsonb_to_recordset($10::jsonb) AS q(log_index int, code text, raw text)
  ON CONFLICT DO NOTHING
), logs AS MATERIALIZED (
  ${tipsFrom('$9')}
), old AS MATERIALIZED (
  SELECT t.* FROM logs i JOIN tips t ON (t.chain_id, t.tx_hash, t.ordinal) = (i.chain_id, i.tx_hash, i.ordinal) FOR UPDATE OF t
), input AS MATERIALIZED (
  SELECT i.chain_id, i.pos, i.tx_hash, i.ordinal, i.log_index, i.wallet, i.sender, i.token, i.amount,
    CASE WHEN o.erased THEN '' ELSE i.message END AS message, i.ref,
    CASE WHEN o.erased THEN i.display || '{"message":""}'::jsonb ELSE i.display END AS display
  FROM logs i LEFT JOIN old o ON (o.tx_hash, o.ordinal) = (i.tx_hash, i.ordinal)
), sighted AS (
  INSERT INTO tip_sightings (chain_id, block_hash, log_index, block_number, tx_hash, ordinal, wallet, sender, token, amount, message, ref, seen_at_ms)
  SELECT chain_id, $3, log_index, $2, tx_hash, ordinal, wallet, sender, token, amount, message, ref, $7 FROM input
  ON CONFLICT DO NOTHING
), matched AS (
  SELECT i.*, o.state AS old_state, o.rev AS old_rev, o.told_to AS old_told_to, o.told AS old_told, o.display AS old_display,
    o.screening AS old_screening, o.shown AS old_shown,
    CASE WHEN i.display IS NULL THEN NULL WHEN o.wallet = i.wallet THEN o.told_to ELSE w.creator_id END AS told_to,
    (o.state, o.wallet, o.sender, o.token, o.amount, o.message, o.ref, o.display) IS DISTINCT FROM
      ('confirmed', i.wallet, i.sender, i.token, i.amount, i.message, i.ref, i.display) AS changed,
    (o.wallet, o.sender, o.token, o.amount, o.message, o.ref) IS DISTINCT FROM (i.wallet, i.sender, i.token, i.amount, i.message, i.ref) AS altered
  FROM input i
  LEFT JOIN old o ON (o.tx_hash, o.ordinal) = (i.tx_hash, i.ordinal)
  LEFT JOIN creator_wallets w ON w.address = i.wallet
  WHERE o.state IS DISTINCT FROM 'finalized'
), known AS MATERIALIZED (
  SELECT m.*, coalesce(m.old_told AND m.told_to = m.old_told_to, false) AS was_told,
    $2::bigint + coalesce(c.alert_after, 1) - 1 AS due_at, coalesce(c.alert_after, 1) - 1 <= $8::bigint AS ripe,
    coalesce(s.screens, false) AS screens,
    CASE WHEN m.told_to = m.old_told_to AND NOT m.altered THEN nullif(m.old_screening, 'waiting') END AS verdict,
    m.altered OR (m.old_screening IS NULL AND m.old_shown IS NOT NULL) AS unjudged
  FROM matched m LEFT JOIN creators c ON c.id = m.told_to LEFT JOIN creator_streams s ON s.creator_id = m.told_to
), fated AS MATERIALIZED (
  SELECT k.*, told_to IS NULL OR was_told OR (ripe AND coalesce(verdict = 'shown', NOT screens)) AS told,
    CASE WHEN told_to IS NOT NULL AND NOT was_told AND NOT ripe THEN due_at END AS due_number,
    CASE WHEN was_told AND NOT unjudged THEN old_screening
      WHEN (was_told OR ripe) AND verdict IS NULL AND screens THEN 'waiting' ELSE verdict END AS screening,
    CASE WHEN was_told AND unjudged AND screens THEN display || ${BLANK}
      WHEN (was_told OR verdict IS NOT NULL) AND NOT unjudged THEN old_shown || jsonb_build_object('amount', display->'amount') END AS shown
  FROM known k
), stored AS (
  INSERT INTO tips (chain_id, tx_hash, ordinal, wallet, sender, token, amount, message, ref, display, told_to, told, due_number, screening,
    state, rev, block_number, block_hash, block_time_ms, log_index)
  SELECT chain_id, tx_hash, ordinal, wallet, sender, token, amount, message, ref, display, told_to, told, due_number, screening,
    'confirmed', 1, $2, $3, $6, log_index
  FROM fated WHERE old_state IS NULL
), moved AS (
  UPDATE tips t SET wallet = k.wallet, sender = k.sender, token = k.token, amount = k.amount, message = k.message, ref = k.ref,
    display = k.display, told_to = k.told_to, told = k.told, due_number = k.due_number, screening = k.screening, shown = k.shown,
    screening_reason = CASE WHEN k.screening = k.old_screening THEN t.screening_reason END,
    state = 'confirmed', rev = k.old_rev + k.changed::int,
    block_number = $2, block_hash = $3, block_time_ms = $6, log_index = k.log_index, updated_at = now()
  FROM fated k
  WHERE k.old_state IS NOT NULL AND (t.chain_id, t.tx_hash, t.ordinal) = (k.chain_id, k.tx_hash, k.ordinal)
), news AS MATERIALIZED (
  SELECT told_to AS creator_id, pos * 2 + 1 AS nth, CASE WHEN was_told THEN 'tip.updated' ELSE 'tip' END AS type,
    'confirmed' AS state, coalesce(old_rev, 0) + changed::int AS rev, chain_id, tx_hash, ordinal, coalesce(shown, display) AS display,
    $6::bigint AS block_time_ms, $7::bigint AS seen_at_ms,
    CASE WHEN was_told THEN unjudged AND NOT screens ELSE verdict IS NULL END AS unasked
  FROM fated WHERE told_to IS NOT NULL AND told AND (changed OR NOT was_told)
  UNION ALL
  SELECT old_told_to, pos * 2, 'tip.retracted', 'confirmed', old_rev + changed::int, chain_id, tx_hash, ordinal,
    coalesce(old_shown, old_display), $6::bigint, $7::bigint, false
  FROM fated
  WHERE old_told_to IS DISTINCT FROM told_to AND old_told_to IS NOT NULL AND old_told AND old_state NOT IN ('orphaned', 'lost', 'dropped')
), ${TELL}
SELECT ${CREATORS}, ${unscreenedIn('fated')}, ${IS_DUE} FROM cur`;

/*
 * $1 chain, $2 ancestor's number, $3 keys of tips that the new branch holds too, $4 seen at. Run before the branch is stored, so that its
 * tips are told after the retractions, and once more after it without keys, for a tip that was expected there and had to be set aside.
 */
export const ORPHAN_TIPS = `
WITH kept AS (
  SELECT decode(k.tx_hash, 'hex') AS tx_hash, k.ordinal FROM jsonb_to_recordset($3::jsonb) AS k(tx_hash text, ordinal int)
), gone AS (
  UPDATE tips t SET state = 'orphaned', rev = rev + 1, due_number = NULL, ${NO_LONGER_WAITING}, updated_at = now()
  WHERE t.chain_id = $1 AND t.block_number > $2 AND t.state IN ('confirmed', 'safe')
    AND NOT EXISTS (SELECT FROM chain_blocks b WHERE b.chain_id = $1 AND b.hash = t.block_hash AND b.canonical)
    AND NOT EXISTS (SELECT FROM kept k WHERE k.tx_hash = t.tx_hash AND k.ordinal = t.ordinal)
  RETURNING t.*
), news AS MATERIALIZED (
  SELECT told_to AS creator_id, row_number() OVER (ORDER BY block_number, log_index) AS nth, 'tip.retracted' AS type,
    state, rev, chain_id, tx_hash, ordinal, coalesce(shown, display) AS display, block_time_ms, $4::bigint AS seen_at_ms, false AS unasked
  FROM gone WHERE told_to IS NOT NULL AND told
), ${TELL}
SELECT ${CREATORS}`;

/*
 * $1 chain, $2 safe height, $3 finalised height, $4 now, $5 limit. Only tips in canonical blocks are confirmed or safe, so heights
 * suffice. A lost tip was retracted when it was orphaned: no event, and no revision, or its stream would have a gap should it come back. A
 * final tip waits for no more blocks, but it does for its verdict. Locked first, and so re-read: whoever screens may have told of it meanwhile.
 */
export const RAISE_STATES = `
WITH due AS MATERIALIZED (
  SELECT chain_id, tx_hash, ordinal, told, CASE WHEN NOT told AND screening IS NULL THEN ${screensOf('told_to')} END AS screens FROM tips
  WHERE chain_id = $1 AND block_number <= greatest($2::bigint, $3::bigint)
    AND state IN ('confirmed', 'safe', 'orphaned')
    AND (block_number <= $3 OR (state = 'confirmed' AND block_number <= $2))
  ORDER BY block_number LIMIT $5 FOR UPDATE
), raised AS (
  UPDATE tips t SET rev = rev + (t.state <> 'orphaned')::int, updated_at = now(),
    state = CASE WHEN t.state = 'orphaned' THEN 'lost' WHEN t.block_number <= $3 THEN 'finalized' ELSE 'safe' END,
    told = t.told OR (t.state <> 'orphaned' AND t.block_number <= coalesce($3, -1) AND coalesce(t.screening = 'shown', NOT due.screens)),
    screening = CASE WHEN t.state <> 'orphaned' AND t.block_number <= $3 AND due.screens THEN coalesce(t.screening, 'waiting') ELSE t.screening END,
    due_number = CASE WHEN t.block_number <= $3 THEN NULL ELSE t.due_number END
  FROM due WHERE (t.chain_id, t.tx_hash, t.ordinal) = (due.chain_id, due.tx_hash, due.ordinal)
  RETURNING t.*, due.told AS was_told
), news AS MATERIALIZED (
  SELECT told_to AS creator_id, row_number() OVER (ORDER BY block_number, log_index) AS nth,
    CASE WHEN was_told THEN 'tip.updated' ELSE 'tip' END AS type,
    state, rev, chain_id, tx_hash, ordinal, coalesce(shown, display) AS display, block_time_ms, $4::bigint AS seen_at_ms,
    NOT was_told AND screening IS NULL AS unasked
  FROM raised WHERE told_to IS NOT NULL AND told AND state <> 'lost'
), ${TELL}
SELECT ${CREATORS}, ${unscreenedIn('raised')}, (SELECT count(*)::int FROM due) AS due`;

/*
 * $1 chain, $2 fence, $3 height that the chain has reached, $4 now, $5 limit. Tells of tips that have waited long enough. Conditions stand
 * in the update as well: what a waiting statement finds changed is judged anew.
 */
export const RELEASE_DUE = `
WITH cur AS MATERIALIZED (
  SELECT chain_id FROM chain_cursors WHERE chain_id = $1 AND epoch = $2 FOR UPDATE
), due AS MATERIALIZED (
  SELECT t.chain_id, t.tx_hash, t.ordinal, CASE WHEN t.screening IS NULL THEN ${screensOf('t.told_to')} END AS screens
  FROM cur JOIN tips t USING (chain_id)
  WHERE t.due_number <= $3::bigint ORDER BY t.due_number LIMIT $5
), freed AS (
  UPDATE tips t SET told = coalesce(t.screening = 'shown', NOT due.screens), due_number = NULL, updated_at = now(),
    screening = CASE WHEN due.screens THEN coalesce(t.screening, 'waiting') ELSE t.screening END
  FROM due WHERE (t.chain_id, t.tx_hash, t.ordinal) = (due.chain_id, due.tx_hash, due.ordinal) AND t.due_number <= $3::bigint
  RETURNING t.*
), news AS MATERIALIZED (
  SELECT told_to AS creator_id, row_number() OVER (ORDER BY block_number, log_index) AS nth, 'tip' AS type,
    state, rev, chain_id, tx_hash, ordinal, coalesce(shown, display) AS display, block_time_ms, $4::bigint AS seen_at_ms,
    screening IS NULL AS unasked
  FROM freed WHERE told_to IS NOT NULL AND told
), ${TELL}
SELECT ${CREATORS}, ${unscreenedIn('freed')}, (SELECT count(*)::int FROM due) AS due FROM cur`;
