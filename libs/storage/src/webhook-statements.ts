import { WEBHOOK_TRIAL_TYPE } from '@droppio/tips';

const SHOWN = 'id, creator_id, url, description, types, disabled_reason, failing_since, old_secret_until, version, created_at';
const LOGGED = 'id, event_id, type, seq, state, attempts, next_at, last_status, last_fault, last_ms, created_at, delivered_at';

/** Creations of one creator wait for each other here, so that the count below is right. */
export const LOCK_OWNER = 'SELECT id FROM creators WHERE id = $1 FOR NO KEY UPDATE';

/** $1 id, $2 creator, $3 url, $4 description, $5 types, $6 sealed secret, $7 most. No row: as many as there may be. */
export const CREATE_WEBHOOK = `
INSERT INTO webhooks (id, creator_id, url, description, types, secret, cursor)
SELECT $1, s.creator_id, $3, $4, $5, $6, s.head FROM creator_streams s
WHERE s.creator_id = $2 AND (SELECT count(*) FROM webhooks WHERE creator_id = $2) < $7
RETURNING ${SHOWN}`;

export const WEBHOOKS = `SELECT ${SHOWN} FROM webhooks WHERE creator_id = $1 ORDER BY created_at, id`;
export const WEBHOOK = `SELECT ${SHOWN} FROM webhooks WHERE creator_id = $1 AND id = $2`;

/** $1 creator, $2 id. Whoever computes \`wake_at\` reads the deliveries in a later statement than the one that waited for this lock. */
export const LOCK_WEBHOOK = 'SELECT version FROM webhooks WHERE creator_id = $1 AND id = $2 FOR UPDATE';

/*
 * $1 creator, $2 id, $3 versions or null for any, $4 url, $5 description, $6 types, $7 enabled, $8 forget what was missed; null leaves a
 * field as it is. Enabled again, or with another address, it has never failed. What is being attempted right now is left to whoever does it.
 */
export const CHANGE_WEBHOOK = `
WITH before AS (
  SELECT w.id, coalesce($7::boolean, w.disabled_reason IS NULL) AS enabled,
    ($7::boolean AND w.disabled_reason IS NOT NULL) IS TRUE AS again, coalesce($4 <> w.url, false) AS elsewhere
  FROM webhooks w WHERE w.creator_id = $1 AND w.id = $2 AND ($3::int[] IS NULL OR w.version = ANY ($3::int[])) FOR UPDATE
), head AS (
  SELECT head FROM creator_streams WHERE creator_id = $1
), skipped AS (
  UPDATE webhook_deliveries d SET state = 'failed', next_at = NULL, claimed = false, last_fault = 'skipped'
  FROM before WHERE d.webhook_id = before.id AND d.next_at IS NOT NULL AND NOT (d.claimed AND d.next_at > now()) AND before.again AND $8::boolean
), anew AS (
  UPDATE webhook_deliveries d SET next_at = now(), attempts = 0, claimed = false
  FROM before WHERE d.webhook_id = before.id AND d.next_at IS NOT NULL AND NOT (d.claimed AND d.next_at > now())
    AND ((before.again AND NOT $8::boolean) OR before.elsewhere)
), changed AS (
  UPDATE webhooks w SET url = coalesce($4, w.url), description = coalesce($5, w.description), types = coalesce($6::text[], w.types),
    disabled_reason = CASE WHEN before.enabled THEN NULL ELSE coalesce(w.disabled_reason, 'asked') END,
    cursor = CASE WHEN before.again AND $8::boolean THEN greatest(w.cursor, head.head) ELSE w.cursor END,
    failures = CASE WHEN before.again OR before.elsewhere THEN 0 ELSE w.failures END,
    failing_since = CASE WHEN before.again OR before.elsewhere THEN NULL ELSE w.failing_since END,
    rests_until = CASE WHEN before.again OR before.elsewhere THEN NULL ELSE w.rests_until END,
    version = w.version + 1
  FROM before, head WHERE w.id = before.id RETURNING w.version
)
SELECT version FROM changed`;

/** $1 creator, $2 id, $3 sealed secret, $4 how long the present one goes on signing. */
export const ROTATE_SECRET = `
WITH rotated AS (
UPDATE webhooks SET secret = $3, old_secret = secret, old_secret_until = now() + $4::double precision * interval '1 millisecond',
  version = version + 1
WHERE creator_id = $1 AND id = $2 RETURNING ${SHOWN}
)
SELECT * FROM rotated`;

export const REMOVE_WEBHOOK = `
WITH gone AS (DELETE FROM webhooks WHERE creator_id = $1 AND id = $2 RETURNING id) SELECT id FROM gone`;

/** Of webhooks w that are given something to send. With nothing to send nothing fails: whatever comes after that is failing from now on. */
export const FAILING_SINCE = 'CASE WHEN w.wake_at IS NULL AND w.failing_since IS NOT NULL THEN now() ELSE w.failing_since END';

/** $1 webhook, $2 delivery, $3 event id. A person waits for it: the webhook's rest is over. */
export const PLAN_TRIAL = `
WITH rested AS (UPDATE webhooks w SET rests_until = NULL, failing_since = ${FAILING_SINCE} WHERE id = $1)
INSERT INTO webhook_deliveries (id, webhook_id, event_id, type, event_at) VALUES ($2, $1, $3, '${WEBHOOK_TRIAL_TYPE}', now())
RETURNING ${LOGGED}`;

/** $1 webhook, $2 delivery. One that is being attempted is left to whoever does it. */
export const REDELIVER = `
WITH rested AS (UPDATE webhooks w SET rests_until = NULL, failing_since = ${FAILING_SINCE} WHERE id = $1), again AS (
  UPDATE webhook_deliveries SET state = 'pending', attempts = 0, next_at = now(), delivered_at = NULL
  WHERE webhook_id = $1 AND id = $2 AND NOT (claimed AND next_at > now())
  RETURNING ${LOGGED}
)
SELECT * FROM again
UNION ALL
SELECT ${LOGGED} FROM webhook_deliveries WHERE webhook_id = $1 AND id = $2 AND NOT EXISTS (SELECT FROM again)`;

/** $1 webhook (the caller has checked whose it is), $2 below this place, $3 how many, $4 state. */
export const DELIVERIES = `
SELECT nth, ${LOGGED} FROM webhook_deliveries WHERE webhook_id = $1 AND nth < $2::bigint ORDER BY nth DESC LIMIT $3`;
export const DELIVERIES_IN_STATE = `
SELECT nth, ${LOGGED} FROM webhook_deliveries WHERE webhook_id = $1 AND nth < $2::bigint AND state = $4 ORDER BY nth DESC LIMIT $3`;

/** $1 webhook, locked by a statement before. When it is next due: by its deliveries, and by its rest. */
export const SET_WAKE = `
UPDATE webhooks w SET wake_at = (
  SELECT greatest(d.next_at, w.rests_until) FROM webhook_deliveries d
  WHERE d.webhook_id = w.id AND d.next_at IS NOT NULL ORDER BY d.next_at LIMIT 1)
WHERE w.id = $1`;
