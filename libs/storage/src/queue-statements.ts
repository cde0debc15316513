/** What a grant's config says besides the look: the creator's word to all overlays, where one was said. */
export const withQueue = (config: string, stream: string): string =>
  `${config} || jsonb_strip_nulls(jsonb_build_object('paused', ${stream}.paused, 'muted', ${stream}.muted))`;

/*
 * $1 creator, $2 paused, $3 muted, $4 now, $5 ttl. As a config of each overlay, which a gateway also hands to those that connect later: a
 * command would reach only who is there. Overlays are locked before the stream, as in every change of one. What was said already is told to
 * nobody: an event for each overlay pushes as many others out of the feed.
 */
export const SET_QUEUE = `
WITH told AS MATERIALIZED (
  SELECT id, version, enabled, config, created_at FROM overlays WHERE creator_id = $1 ORDER BY id FOR UPDATE
), overlay AS (
  SELECT count(*) AS n FROM told
), news AS MATERIALIZED (
  SELECT CASE WHEN (s.paused, s.muted) IS DISTINCT FROM ($2::boolean, $3::boolean) THEN overlay.n ELSE 0 END AS n
  FROM overlay, creator_streams s WHERE s.creator_id = $1 FOR NO KEY UPDATE OF s
), stream AS (
  UPDATE creator_streams s SET paused = $2::boolean, muted = $3::boolean, head = s.head + news.n,
    unpublished_since = CASE WHEN news.n > 0 THEN coalesce(s.unpublished_since, now()) ELSE s.unpublished_since END
  FROM news WHERE s.creator_id = $1 RETURNING s.creator_id, s.head - news.n AS base, s.paused, s.muted, news.n > 0 AS is_news
), event AS (
  INSERT INTO creator_events (creator_id, seq, type, payload)
  SELECT o.creator_id, o.seq, 'config', jsonb_build_object(
    'seq', o.seq, 'id', o.id, 'type', 'config', 'at', jsonb_build_object('seen', $4::bigint), 'ttlMs', $5::int,
    'd', jsonb_build_object('overlayId', o.id, 'version', o.version, 'enabled', o.enabled, 'config', ${withQueue('o.config', 'o')}))
  FROM (
    SELECT stream.creator_id, stream.paused, stream.muted, told.*, stream.base + row_number() OVER (ORDER BY told.created_at, told.id) AS seq
    FROM stream, told WHERE stream.is_news
  ) o
)
SELECT paused, muted FROM stream`;
