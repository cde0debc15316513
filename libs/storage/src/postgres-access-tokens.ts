import { Injectable } from '@nestjs/common';
import { AccessTokens, NotFound, SCOPES, type AccessToken, type NewAccessToken } from '@droppio/tips';
import * as z from 'zod';
import { Database } from './database.js';
import { isId } from './event-log.js';

const SHOWN = 'id, creator_id, name, scopes, created_at, last_used_at, expires_at';
const WORKS = '(expires_at IS NULL OR expires_at > now())';

const TokenRow = z
  .object({
    id: z.string(),
    creator_id: z.string(),
    name: z.string(),
    scopes: z.array(z.enum(SCOPES)),
    created_at: z.date(),
    last_used_at: z.date().nullable(),
    expires_at: z.date().nullable(),
  })
  .transform((row): AccessToken => ({
    id: row.id,
    creatorId: row.creator_id,
    name: row.name,
    scopes: row.scopes,
    createdAt: row.created_at,
    ...(row.last_used_at === null ? {} : { lastUsedAt: row.last_used_at }),
    ...(row.expires_at === null ? {} : { expiresAt: row.expires_at }),
  }));
const Id = z.object({ id: z.string() });

/*
 * $1 hash. Use is noted to the minute, so that reading does not write each time; asked of the row itself, so that of many requests at the
 * turn of a minute one writes.
 */
const USE = `
WITH found AS (SELECT ${SHOWN} FROM access_tokens WHERE hash = $1 AND ${WORKS}), noted AS (
  UPDATE access_tokens t SET last_used_at = now() FROM found
  WHERE t.hash = $1 AND (t.last_used_at IS NULL OR t.last_used_at < now() - interval '1 minute')
)
SELECT * FROM found`;

/** $1 creator. Taken before counting, so that two who create at once count each other. */
const LOCK = 'SELECT id FROM creators WHERE id = $1 FOR NO KEY UPDATE';
const SWEEP = 'DELETE FROM access_tokens WHERE creator_id = $1 AND expires_at <= now()';
/** $1 creator, $2 hash, $3 name, $4 scopes, $5 expiry or null, $6 how many there may be. */
const CREATE = `
INSERT INTO access_tokens (creator_id, hash, name, scopes, expires_at)
SELECT $1::uuid, $2::bytea, $3, $4::text[], $5::timestamptz WHERE (SELECT count(*) FROM access_tokens WHERE creator_id = $1::uuid) < $6::int
RETURNING ${SHOWN}`;

const LIST = `SELECT ${SHOWN} FROM access_tokens WHERE creator_id = $1 AND ${WORKS} ORDER BY created_at DESC, id`;
/** A bare DELETE would come back from TypeORM as rows and a count. */
const REMOVE = 'WITH removed AS (DELETE FROM access_tokens WHERE creator_id = $1 AND id = $2 RETURNING id) SELECT id FROM removed';

@Injectable()
export class PostgresAccessTokens extends AccessTokens {
  constructor(private readonly database: Database) {
    super();
  }

  override async use(hash: Uint8Array): Promise<AccessToken | undefined> {
    return (await this.database.rows(TokenRow, USE, [Buffer.from(hash)]))[0];
  }

  override create({ creatorId, hash, name, scopes, expiresAt }: NewAccessToken, most: number): Promise<AccessToken | undefined> {
    return this.database.transaction(async (sql) => {
      const owner = isId(creatorId) ? await sql.rows(Id, LOCK, [creatorId]) : [];
      if (owner.length === 0) throw new NotFound('There is no such creator.');
      await sql.run(SWEEP, [creatorId]);
      const values = [creatorId, Buffer.from(hash), name, [...scopes], expiresAt?.toISOString() ?? null, most];
      return (await sql.rows(TokenRow, CREATE, values))[0];
    });
  }

  override async list(creatorId: string): Promise<readonly AccessToken[]> {
    return isId(creatorId) ? this.database.rows(TokenRow, LIST, [creatorId]) : [];
  }

  override async remove(creatorId: string, tokenId: string): Promise<boolean> {
    if (!isId(creatorId) || !isId(tokenId)) return false;
    return (await this.database.rows(Id, REMOVE, [creatorId, tokenId])).length === 1;
  }
}
