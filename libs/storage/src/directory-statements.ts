import { withQueue } from './queue-statements.js';

/** $1 id, $2 handle, $3 display name, $4 wallets, $5 epoch of the stream, $6 hash of the access token or null, $7 chain whose contract has signed or null. */
export const CREATE_CREATOR = `
WITH creator AS (
  INSERT INTO creators (id, handle, display_name) VALUES ($1, $2, $3) RETURNING id, created_at, alert_after, listed
), wallets AS (
  INSERT INTO creator_wallets (address, creator_id, position, proven_on)
  SELECT w.address, creator.id, w.position, $7::bigint FROM creator, unnest($4::bytea[]) WITH ORDINALITY AS w(address, position)
), stream AS (
  INSERT INTO creator_streams (creator_id, epoch) SELECT id, $5 FROM creator
), token AS (
  INSERT INTO access_tokens (hash, creator_id) SELECT $6::bytea, id FROM creator WHERE $6 IS NOT NULL
)
SELECT created_at, alert_after, listed FROM creator`;

/** $1 id, $2 handle, $3 display name, $4 alert after, $5 listed; null leaves a field as it is. */
export const CHANGE_CREATOR = `
UPDATE creators SET handle = coalesce($2, handle), display_name = coalesce($3, display_name), alert_after = coalesce($4::int, alert_after),
  listed = coalesce($5::boolean, listed)
WHERE id = $1`;

export const BUMP = 'SET head = head + 1, unpublished_since = coalesce(unpublished_since, now())';
export const OVERLAY = 'id, creator_id, name, enabled, version, config, config_version, created_at';
/** Of the stream's row as it is once it is locked, so that a config never speaks of a pause that is over. */
export const STREAM = 'creator_id, head, paused, muted';

/** Of `stream` and `overlay`, the expressions that come before. */
export const configEvent = (nowParam: string, ttlParam: string): string => `
  INSERT INTO creator_events (creator_id, seq, type, payload)
  SELECT overlay.creator_id, stream.head, 'config', jsonb_build_object(
    'seq', stream.head, 'id', overlay.id, 'type', 'config', 'at', jsonb_build_object('seen', ${nowParam}::bigint), 'ttlMs', ${ttlParam}::int,
    'd', jsonb_build_object('overlayId', overlay.id, 'version', overlay.version, 'enabled', overlay.enabled, 'config', ${withQueue('overlay.config', 'stream')}))
  FROM stream, overlay`;

/** $1 creator. Taken before counting, so that two that are made at once count each other. */
export const LOCK_CREATOR = 'SELECT id FROM creators WHERE id = $1 FOR NO KEY UPDATE';
/** $1 creator, $2 id, $3 name, $4 config, $5 now, $6 ttl, $7 how many there may be. No row: there are as many. */
export const CREATE_OVERLAY = `
WITH stream AS (
  UPDATE creator_streams ${BUMP} WHERE creator_id = $1 AND (SELECT count(*) FROM overlays WHERE creator_id = $1) < $7::int RETURNING ${STREAM}
), overlay AS (
  INSERT INTO overlays (id, creator_id, name, config) SELECT $2::uuid, creator_id, $3, $4::jsonb FROM stream RETURNING ${OVERLAY}
), event AS (${configEvent('$5', '$6')})
SELECT ${OVERLAY} FROM overlay`;

/*
 * $1 creator, $2 overlay, $3 name, $4 enabled, $5 rotate, $6 now, $7 ttl; null leaves a field as it is. A new name alone is
 * nobody's news. The overlay is locked before the stream, so events about one overlay are in the order of its changes.
 */
export const CHANGE_OVERLAY = `
WITH before AS (
  SELECT enabled, version FROM overlays WHERE id = $2 AND creator_id = $1 FOR UPDATE
), overlay AS (
  UPDATE overlays o SET name = coalesce($3, o.name), enabled = coalesce($4, before.enabled), version = before.version + $5::boolean::int
  FROM before WHERE o.id = $2
  RETURNING o.id, o.creator_id, o.name, o.enabled, o.version, o.config, o.config_version, o.created_at,
    (o.enabled, o.version) IS DISTINCT FROM (before.enabled, before.version) AS told
), stream AS (
  UPDATE creator_streams ${BUMP} WHERE creator_id = (SELECT creator_id FROM overlay WHERE told) RETURNING ${STREAM}
), event AS (${configEvent('$6', '$7')})
SELECT ${OVERLAY} FROM overlay`;

/** $1 creator, $2 overlay, $3 event id, $4 display, $5 now, $6 ttl. No row: no such overlay. */
export const TEST_ALERT = `
WITH stream AS (
  UPDATE creator_streams ${BUMP}
  WHERE creator_id = (SELECT creator_id FROM overlays WHERE id = $2 AND creator_id = $1) RETURNING creator_id, head
), event AS (
  INSERT INTO creator_events (creator_id, seq, type, payload)
  SELECT creator_id, head, 'test', jsonb_build_object('seq', head, 'id', $3::text, 'type', 'test',
    'at', jsonb_build_object('seen', $5::bigint), 'ttlMs', $6::int, 'd', $4::jsonb)
  FROM stream RETURNING payload->>'id' AS id
)
SELECT id FROM event`;
