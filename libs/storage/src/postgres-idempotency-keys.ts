import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import {
  IDEMPOTENCY_KEY_TTL_MS,
  IDEMPOTENCY_TAKEOVER_MS,
  IdempotencyKeys,
  StorageUnavailable,
  type KeptAnswer,
  type KeyClaim,
  type KeyedRequest,
} from '@droppio/tips';
import * as z from 'zod';
import { Database } from './database.js';

/** How many expired keys each claim sweeps away: more than one, so that they get fewer. */
const SWEEP = 10;
const EXPIRED = `held.created_at < now() - ${String(IDEMPOTENCY_KEY_TTL_MS)} * interval '1 millisecond'`;
const DEAD = `held.status IS NULL AND held.claimed_at < now() - ${String(IDEMPOTENCY_TAKEOVER_MS)} * interval '1 millisecond'`;

/*
 * $1 creator, $2 key, $3 fingerprint, $4 owner. A row: the key is ours. The primary key decides between many at once; the others wait for the
 * first to commit, then see its row and change nothing. The sweep leaves this key alone: one statement may not change a row twice.
 */
export const CLAIM_KEY = `
WITH swept AS (
  DELETE FROM idempotency_keys WHERE (creator_id, key_hash) IN (
    SELECT creator_id, key_hash FROM idempotency_keys held
    WHERE ${EXPIRED} AND NOT (creator_id = $1 AND key_hash = $2) ORDER BY created_at LIMIT ${String(SWEEP)} FOR UPDATE SKIP LOCKED)
)
INSERT INTO idempotency_keys AS held (creator_id, key_hash, fingerprint, owner) VALUES ($1::uuid, $2::bytea, $3::bytea, $4::uuid)
ON CONFLICT (creator_id, key_hash) DO UPDATE
  SET fingerprint = excluded.fingerprint, owner = excluded.owner, claimed_at = now(), created_at = now(), status = NULL, body = NULL, headers = NULL
  WHERE ${EXPIRED} OR (held.fingerprint = excluded.fingerprint AND ${DEAD})
RETURNING owner`;

export const HELD_KEY = 'SELECT fingerprint, status, body, headers FROM idempotency_keys WHERE creator_id = $1 AND key_hash = $2';
/** $1 creator, $2 key, $3 owner, $4 status, $5 body, $6 headers. */
const COMPLETE = `
UPDATE idempotency_keys SET status = $4, body = $5, headers = $6::jsonb
WHERE creator_id = $1 AND key_hash = $2 AND owner = $3 AND status IS NULL`;
const FREE = 'DELETE FROM idempotency_keys WHERE creator_id = $1 AND key_hash = $2 AND owner = $3 AND status IS NULL';

/** Status of what is done but not kept. */
const DONE = 200;
/** A key that is claimed and freed again and again between two statements: give up rather than spin. */
const ATTEMPTS = 5;

const Owner = z.object({ owner: z.string() });
const Held = z.object({
  fingerprint: z.instanceof(Buffer),
  status: z.number().nullable(),
  body: z.string().nullable(),
  headers: z.record(z.string(), z.string()).nullable(),
});

@Injectable()
export class PostgresIdempotencyKeys extends IdempotencyKeys {
  constructor(private readonly database: Database) {
    super();
  }

  override async claim({ creatorId, keyHash, fingerprint }: KeyedRequest): Promise<KeyClaim> {
    const [key, asked, owner] = [Buffer.from(keyHash), Buffer.from(fingerprint), randomUUID()];
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const claimed = await this.database.rows(Owner, CLAIM_KEY, [creatorId, key, asked, owner]);
      if (claimed.length > 0) return { kind: 'ours', owner };
      const [held] = await this.database.rows(Held, HELD_KEY, [creatorId, key]);
      // Freed in between: it may be ours after all.
      if (held !== undefined) return claimOf(held, asked);
    }
    throw new StorageUnavailable('The key changes hands too fast.');
  }

  override async complete({ creatorId, keyHash }: KeyedRequest, owner: string, answer?: KeptAnswer): Promise<void> {
    const headers = answer === undefined ? null : JSON.stringify(answer.headers);
    await this.database.run(COMPLETE, [creatorId, Buffer.from(keyHash), owner, answer?.status ?? DONE, answer?.body ?? null, headers]);
  }

  override async free({ creatorId, keyHash }: KeyedRequest, owner: string): Promise<void> {
    await this.database.run(FREE, [creatorId, Buffer.from(keyHash), owner]);
  }
}

function claimOf({ fingerprint, status, body, headers }: z.output<typeof Held>, asked: Buffer): KeyClaim {
  if (!fingerprint.equals(asked)) return { kind: 'other' };
  if (status === null) return { kind: 'running' };
  if (headers === null) return { kind: 'done' };
  return { kind: 'answered', answer: { status, headers, ...(body === null ? {} : { body }) } };
}
