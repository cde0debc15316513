import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { FRESH_SIGN_IN_MS, NotFound, SignInStore, Unauthorized, type NewSession, type Session } from '@droppio/tips';
import * as z from 'zod';
import { hexToBytes } from './columns.js';
import { Database } from './database.js';
import { isId } from './event-log.js';

const SESSIONS_MAX = 20;
const SHOWN = `id, creator_id, created_at, seen_at, expires_at, agent,
  created_at > now() - ${String(FRESH_SIGN_IN_MS)} * interval '1 millisecond' AS is_fresh`;
const WORKS = "expires_at > now() AND seen_at > now() - idle_ms * interval '1 millisecond'";

const SessionRow = z
  .object({
    id: z.string(),
    creator_id: z.string(),
    created_at: z.date(),
    seen_at: z.date(),
    expires_at: z.date(),
    agent: z.string(),
    is_fresh: z.boolean(),
  })
  .transform((row): Session => ({
    id: row.id,
    creatorId: row.creator_id,
    createdAt: row.created_at,
    seenAt: row.seen_at,
    expiresAt: row.expires_at,
    agent: row.agent,
    isFresh: row.is_fresh,
  }));
const Hash = z.object({ hash: z.instanceof(Buffer) });
const Id = z.object({ id: z.string() });

/** $1 hash, $2 expiry. The key decides between two who spend at once. Each spender also sweeps a few that have expired. */
const SPEND = `
WITH swept AS (
  DELETE FROM spent_nonces WHERE hash IN (SELECT hash FROM spent_nonces WHERE expires_at < now() ORDER BY expires_at LIMIT 10 FOR UPDATE SKIP LOCKED)
)
INSERT INTO spent_nonces (hash, expires_at) SELECT $1, $2::timestamptz WHERE $2::timestamptz > now()
ON CONFLICT (hash) DO NOTHING RETURNING hash`;

/*
 * $1 id, $2 hash of the secret, $3 creator, $4 agent, $5 idle, $6 longest, $7 how many older ones stay, $8 wallet, $9 chain whose contract has signed or null. Whoever removes the wallet
 * waits for this statement, and ends its session then; whoever comes after that finds no row.
 */
const OPEN = `
WITH surplus AS (
  DELETE FROM sessions WHERE creator_id = $3 AND (NOT (${WORKS}) OR id NOT IN (
    SELECT id FROM sessions WHERE creator_id = $3 AND ${WORKS} ORDER BY created_at DESC, id LIMIT $7))
)
INSERT INTO sessions (id, secret_hash, creator_id, agent, idle_ms, expires_at)
SELECT $1, $2, creator_id, $4, $5::bigint, now() + $6::bigint * interval '1 millisecond'
FROM creator_wallets WHERE creator_id = $3 AND address = $8 AND ($9::bigint IS NULL OR proven_on = $9) FOR KEY SHARE
RETURNING ${SHOWN}`;

/** $1 hash of the secret. Use is noted to the minute, so that reading does not write each time. */
const USE = `
WITH found AS (SELECT ${SHOWN} FROM sessions WHERE secret_hash = $1 AND ${WORKS}), noted AS (
  UPDATE sessions s SET seen_at = now() FROM found WHERE s.id = found.id AND found.seen_at < now() - interval '1 minute'
)
SELECT * FROM found`;

const LIST = `SELECT ${SHOWN} FROM sessions WHERE creator_id = $1 AND ${WORKS} ORDER BY created_at DESC, id`;
/** A bare DELETE would come back from TypeORM as rows and a count. */
const END = 'WITH ended AS (DELETE FROM sessions WHERE creator_id = $1 AND id = $2 RETURNING id) SELECT id FROM ended';

@Injectable()
export class PostgresSignInStore extends SignInStore {
  constructor(private readonly database: Database) {
    super();
  }

  override async spendNonce(hash: Uint8Array, expiresAt: Date): Promise<boolean> {
    return (await this.database.rows(Hash, SPEND, [Buffer.from(hash), expiresAt.toISOString()])).length === 1;
  }

  override async openSession({ creatorId, wallet, secretHash, provenOn, agent, idleMs, maxMs }: NewSession): Promise<Session> {
    const kept = [Buffer.from(secretHash), creatorId, agent.slice(0, 200), idleMs, maxMs];
    const values = [randomUUID(), ...kept, SESSIONS_MAX - 1, hexToBytes(wallet), provenOn ?? null];
    const [session] = await this.database.rows(SessionRow, OPEN, values);
    if (session === undefined && provenOn !== undefined) throw new Unauthorized('A contract signs in on the chain that it was added on.');
    if (session === undefined) throw new NotFound('No creator has this wallet.');
    return session;
  }

  override async session(secretHash: Uint8Array): Promise<Session | undefined> {
    return (await this.database.rows(SessionRow, USE, [Buffer.from(secretHash)]))[0];
  }

  override async sessions(creatorId: string): Promise<readonly Session[]> {
    return isId(creatorId) ? this.database.rows(SessionRow, LIST, [creatorId]) : [];
  }

  override async endSession(creatorId: string, sessionId: string): Promise<boolean> {
    if (!isId(creatorId) || !isId(sessionId)) return false;
    return (await this.database.rows(Id, END, [creatorId, sessionId])).length === 1;
  }
}
