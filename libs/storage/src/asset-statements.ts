const SHOWN = 'id, kind, type, name, size, width, height, frames, duration_ms, created_at';

/** $1 creator. */
export const ASSET_USAGE = 'SELECT count(*)::int AS count, coalesce(sum(size), 0)::int AS bytes FROM assets WHERE creator_id = $1';
export const ASSET_BY_SOURCE = `SELECT ${SHOWN} FROM assets WHERE creator_id = $1 AND source_hash = $2`;

/** $1 id, $2 creator, $3 kind, $4 type, $5 name, $6 bytes, $7 width, $8 height, $9 frames, $10 milliseconds, $11 hash of the source. */
export const ADD_ASSET = `
WITH made AS (
  INSERT INTO assets (id, creator_id, kind, type, name, size, width, height, frames, duration_ms, source_hash)
  VALUES ($1, $2, $3, $4, $5, octet_length($6::bytea), $7, $8, $9, $10, $11)
  RETURNING ${SHOWN}
), filed AS (
  INSERT INTO asset_files (asset_id, bytes) SELECT id, $6::bytea FROM made
)
SELECT * FROM made`;

/** $1 creator, $2 below this place, $3 limit. */
export const ASSETS = `SELECT nth::text, ${SHOWN} FROM assets WHERE creator_id = $1 AND nth < $2::bigint ORDER BY nth DESC LIMIT $3`;
export const ASSET = `SELECT ${SHOWN} FROM assets WHERE creator_id = $1 AND id = $2`;
export const ASSET_KINDS_OF = 'SELECT id, kind FROM assets WHERE creator_id = $1 AND id = ANY ($2::text[])';

/** $1 creator, $2 id. Every \`asset\` of a document, wherever a version of it has looks. A creator has at most 100 overlays. */
export const ASSET_USES = `
SELECT id, name FROM overlays WHERE creator_id = $1 AND jsonb_path_exists(config, '$.**.asset ? (@ == $id)', jsonb_build_object('id', $2::text))
ORDER BY created_at, id`;

/** Configs are changed under this lock, so what names an asset stands still while it is looked at. */
export const LOCK_STREAM = 'SELECT creator_id AS id FROM creator_streams WHERE creator_id = $1 FOR UPDATE';
export const REMOVE_ASSET = 'DELETE FROM assets WHERE creator_id = $1 AND id = $2 RETURNING id';

/** $1 id. */
export const ASSET_FILE = 'SELECT type, size FROM assets WHERE id = $1';
export const ASSET_BYTES = 'SELECT bytes FROM asset_files WHERE asset_id = $1';
