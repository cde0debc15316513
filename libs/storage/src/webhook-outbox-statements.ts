import { FAILING_SINCE } from './webhook-statements.js';

/** Failing, or slow at the last attempt. */
const IS_SLOW = '(failing_since IS NOT NULL OR coalesce(last_ms, 0) > 2000) AS is_slow';

/** $1 creator after which to look, $2 webhooks looked at. */
export const LISTENERS = `
SELECT listening.creator_id, EXISTS (
  SELECT FROM webhooks w WHERE w.creator_id = listening.creator_id AND w.disabled_reason IS NULL AND w.cursor < s.head) AS is_behind
FROM (
  SELECT DISTINCT creator_id FROM (
    SELECT creator_id FROM webhooks WHERE disabled_reason IS NULL AND creator_id > $1 ORDER BY creator_id, id LIMIT $2) page
) listening CROSS JOIN LATERAL (SELECT head FROM creator_streams WHERE creator_id = listening.creator_id LIMIT 1) s
ORDER BY listening.creator_id`;

/*
 * $1 creator, $2 most events for each webhook.
 * - A statement that waited for the lock reads the newest cursor, but events of its older snapshot: fewer than there are, never one twice.
 *   Seqs are committed in their order, so what a snapshot shows has no holes.
 * - Events that a webhook does not listen to move its cursor all the same.
 */
export const PLAN = `
WITH hooks AS MATERIALIZED (
  SELECT id, cursor, types FROM webhooks WHERE creator_id = $1 AND disabled_reason IS NULL ORDER BY id FOR UPDATE
), fresh AS MATERIALIZED (
  SELECT h.id AS webhook_id, e.seq, e.created_at, e.type, e.type = ANY (h.types) AS wanted
  FROM hooks h CROSS JOIN LATERAL (
    SELECT seq, created_at, CASE type
      WHEN 'tip' THEN 'io.droppio.tip.' || (payload->>'state') || '.v1'
      WHEN 'tip.updated' THEN 'io.droppio.tip.' || (payload->>'state') || '.v1'
      WHEN 'tip.retracted' THEN 'io.droppio.tip.retracted.v1'
      WHEN 'test' THEN 'io.droppio.alert.test.v1'
      WHEN 'config' THEN 'io.droppio.overlay.changed.v1'
      WHEN 'control' THEN 'io.droppio.overlay.control.v1' END AS type
    FROM creator_events WHERE creator_id = $1 AND seq > h.cursor ORDER BY seq LIMIT $2
  ) e
), reached AS (
  SELECT webhook_id, max(seq) AS seq, count(*) AS seen, count(*) FILTER (WHERE wanted) AS wanted FROM fresh GROUP BY webhook_id
), moved AS (
  UPDATE webhooks w SET cursor = r.seq,
    failing_since = CASE WHEN r.wanted > 0 THEN ${FAILING_SINCE} ELSE w.failing_since END,
    wake_at = CASE WHEN r.wanted > 0 THEN least(w.wake_at, greatest(now(), w.rests_until)) ELSE w.wake_at END
  FROM reached r WHERE w.id = r.webhook_id
  RETURNING w.id, r.seen, r.wanted, w.wake_at <= now() AS is_due, ${IS_SLOW}
), written AS (
  INSERT INTO webhook_deliveries (id, webhook_id, seq, event_id, type, event_at)
  SELECT gen_random_uuid(), f.webhook_id, f.seq, s.epoch || '-' || f.seq, f.type, f.created_at
  FROM fresh f, creator_streams s WHERE f.wanted AND s.creator_id = $1 ORDER BY f.seq
)
SELECT id AS webhook_id, is_slow, wanted::int AS planned, wanted > 0 AND is_due AS is_due, seen >= $2 AS is_full FROM moved`;

/** $1 overdue for, $2 most. */
export const DUE = `
SELECT id AS webhook_id, ${IS_SLOW} FROM webhooks
WHERE disabled_reason IS NULL AND wake_at <= now() - $1::double precision * interval '1 millisecond' ORDER BY wake_at LIMIT $2`;

/** $1 webhook. Claims of one webhook wait for each other here: the next statement sees what the one before has claimed. */
export const LOCK_DUE = `
SELECT creator_id, url, secret, CASE WHEN old_secret_until > now() THEN old_secret END AS old_secret, failures, ${IS_SLOW}
FROM webhooks WHERE id = $1 AND disabled_reason IS NULL AND wake_at <= statement_timestamp() FOR UPDATE`;

/** $1 webhook, $2 in flight at once, $3 lease, $4 creator. */
export const CLAIM = `
WITH free AS (
  SELECT greatest(0, $2::int - count(*))::int AS places FROM webhook_deliveries
  WHERE webhook_id = $1 AND claimed AND next_at > statement_timestamp()
), due AS MATERIALIZED (
  SELECT id FROM webhook_deliveries WHERE webhook_id = $1 AND next_at <= statement_timestamp()
  ORDER BY next_at, nth LIMIT (SELECT places FROM free)
), taken AS (
  UPDATE webhook_deliveries d SET claimed = true, attempts = d.attempts + 1,
    next_at = statement_timestamp() + $3::double precision * interval '1 millisecond'
  FROM due WHERE d.id = due.id
  RETURNING d.id, d.nth, d.event_id, d.type, d.seq, d.attempts, d.event_at
)
SELECT t.id, t.event_id, t.type, t.seq, t.attempts, t.event_at, e.payload
FROM taken t LEFT JOIN creator_events e ON e.creator_id = $4 AND e.seq = t.seq ORDER BY t.nth`;

/** $1 webhook. */
export const LOCK_ANY = 'SELECT disabled_reason FROM webhooks WHERE id = $1 FOR UPDATE';

/** $1 webhook, $2 attempts. What was decided meanwhile stays; an attempt that was taken over counts only if it was delivered. */
export const RECORD_ATTEMPTS = `
UPDATE webhook_deliveries d SET claimed = false,
  state = CASE a.outcome WHEN 'retry' THEN 'pending' ELSE a.outcome END,
  next_at = CASE a.outcome WHEN 'retry' THEN statement_timestamp() + a.retry_ms * interval '1 millisecond' END,
  delivered_at = CASE a.outcome WHEN 'delivered' THEN statement_timestamp() END,
  last_status = a.status, last_fault = a.fault, last_ms = a.took_ms
FROM jsonb_to_recordset($2::jsonb) AS a(id uuid, attempt int, outcome text, status int, fault text, took_ms int, retry_ms double precision)
WHERE d.id = a.id AND d.webhook_id = $1 AND d.state = 'pending' AND (a.outcome = 'delivered' OR d.attempts = a.attempt)`;

/** $1 webhook, $2 something was delivered, $3 something failed, $4 rests, $5 asked rest, $6 gone, $7 disabled after, $8 longest attempt. */
export const RECORD_ROUND = `
UPDATE webhooks w SET
  failures = n.failures, failing_since = n.since, last_ms = $8::int,
  rests_until = CASE
    WHEN n.failures > 0 THEN statement_timestamp() + interval '1 millisecond'
      * greatest(($4::double precision[])[least(n.failures, cardinality($4::double precision[]))], $5::double precision)
    ELSE statement_timestamp() + $5::double precision * interval '1 millisecond' END,
  disabled_reason = coalesce(w.disabled_reason, CASE WHEN $6::boolean THEN 'gone'
    WHEN n.since <= statement_timestamp() - $7::double precision * interval '1 millisecond' THEN 'failing' END)
FROM (
  SELECT id, CASE WHEN $2::boolean THEN 0 ELSE failures + $3::boolean::int END AS failures,
    CASE WHEN $2::boolean THEN NULL WHEN $3::boolean THEN coalesce(failing_since, statement_timestamp()) ELSE failing_since END AS since
  FROM webhooks WHERE id = $1
) n WHERE w.id = n.id`;

/** $1 webhook. */
export const ROUND_OUTCOME = `
SELECT disabled_reason, ${IS_SLOW}, CASE WHEN disabled_reason IS NULL AND wake_at IS NOT NULL
  THEN greatest(0, extract(epoch FROM wake_at - statement_timestamp()) * 1000)::double precision END AS due_in_ms
FROM webhooks WHERE id = $1`;

/** $1 older than, $2 most. */
export const PURGE = `
WITH old AS MATERIALIZED (
  SELECT id FROM webhook_deliveries WHERE created_at < now() - $1::double precision * interval '1 millisecond'
  ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED
), gone AS (
  DELETE FROM webhook_deliveries WHERE id = ANY (ARRAY(SELECT id FROM old)) RETURNING id
)
SELECT count(*)::int AS purged FROM gone`;

/** $1 id of the key, $2 after this webhook, $3 most. */
export const SEALED_OTHERWISE = `
SELECT id, secret, old_secret FROM webhooks
WHERE id > $2 AND (substring(secret FROM 1 FOR 4) <> $1 OR substring(old_secret FROM 1 FOR 4) <> $1) ORDER BY id LIMIT $3`;

/** $1 webhook, $2 and $3 as they were, $4 and $5 as they shall be. */
export const RESEAL = `
UPDATE webhooks SET secret = $4, old_secret = $5 WHERE id = $1 AND secret = $2 AND old_secret IS NOT DISTINCT FROM $3::bytea`;
