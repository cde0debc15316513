import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AuditTrail, InvalidCursor, type AuditEntry, type AuditPage, type AuditQuery, type NewAuditEntry } from '@droppio/tips';
import * as z from 'zod';
import { Database } from './database.js';
import { isId } from './event-log.js';

export const AUDIT_MAX = 200;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/** $1 id, $2 creator, $3 actor, $4 its id, $5 operation, $6 targets, $7 outcome, $8 code, $9 request, $10 network. Who is gone is a target. */
const NOTE = `
INSERT INTO audit_entries (id, creator_id, actor, actor_id, operation, targets, outcome, code, request_id, network)
SELECT $1, c.id, $3, $4, $5, CASE WHEN c.id IS NULL AND $2::uuid IS NOT NULL THEN $6::jsonb || jsonb_build_object('creator', $2::uuid) ELSE $6::jsonb END,
  $7, $8, $9, $10
FROM (SELECT 1) one LEFT JOIN creators c ON c.id = $2::uuid`;

/** $1 time and $2 id of the place to go on from, $3 earliest time, $4 limit, $5 creator, $6 operation: the two last ones where asked for. */
const entries = (whose: string, what = ''): string => `
SELECT id, at, actor, actor_id, operation, targets, outcome, code, request_id, network FROM audit_entries
WHERE ${whose}${what} AND (at, id) < ($1::timestamptz, $2::uuid) AND at >= $3::timestamptz
ORDER BY at DESC, id DESC LIMIT $4`;
export const AUDIT_OF = entries('creator_id = $5');
export const AUDIT_OF_BY_OPERATION = entries('creator_id = $5', ' AND operation = $6');
export const AUDIT_OF_OPERATOR = entries('creator_id IS NULL');
export const AUDIT_OF_OPERATOR_BY_OPERATION = entries('creator_id IS NULL', ' AND operation = $5');

const EntryRow = z
  .object({
    id: z.string(),
    at: z.date(),
    actor: z.enum(['session', 'token', 'operator']),
    actor_id: z.string().nullable(),
    operation: z.string(),
    targets: z.record(z.string(), z.string()),
    outcome: z.enum(['done', 'refused', 'failed']),
    code: z.string().nullable(),
    request_id: z.string(),
    network: z.string().nullable(),
  })
  .transform(({ actor, actor_id, code, network, request_id, ...row }): AuditEntry => ({
    ...row,
    actor: { kind: actor, ...(actor_id === null ? {} : { id: actor_id }) },
    ...(code === null ? {} : { code }),
    requestId: request_id,
    ...(network === null ? {} : { network }),
  }));

/** Up to the end of the year 9999: later ones are written as Postgres does not read them. */
const Cursor = z.tuple([z.int().nonnegative().max(253_402_300_799_999), z.guid()]);

@Injectable()
export class PostgresAuditTrail extends AuditTrail {
  constructor(private readonly database: Database) {
    super();
  }

  override async note({ creatorId, actor, operation, targets, outcome, code, requestId, network }: NewAuditEntry): Promise<void> {
    const whose = creatorId !== undefined && isId(creatorId) ? creatorId : null;
    const what = [actor.kind, actor.id ?? null, operation, JSON.stringify(targets), outcome, code ?? null];
    await this.database.run(NOTE, [randomUUID(), whose, ...what, requestId, network ?? null]);
  }

  override async entries({ creatorId, limit, cursor, operation, from, to }: AuditQuery): Promise<AuditPage> {
    const size = Math.max(1, Math.min(Math.trunc(limit), AUDIT_MAX));
    const [time, id] = cursor === undefined ? [to?.toISOString() ?? 'infinity', FIRST_ID] : decodeCursor(cursor);
    const values = [time, id, from?.toISOString() ?? '-infinity', size + 1];
    const what = operation === undefined ? [] : [operation];
    if (creatorId !== undefined && !isId(creatorId)) return { entries: [] };
    const rows = await (creatorId === undefined
      ? this.database.rows(EntryRow, operation === undefined ? AUDIT_OF_OPERATOR : AUDIT_OF_OPERATOR_BY_OPERATION, [...values, ...what])
      : this.database.rows(EntryRow, operation === undefined ? AUDIT_OF : AUDIT_OF_BY_OPERATION, [...values, creatorId, ...what]));
    const page = rows.slice(0, size);
    const last = page.at(-1);
    return rows.length > size && last !== undefined ? { entries: page, next: encodeCursor(last) } : { entries: page };
  }
}

function encodeCursor({ at, id }: AuditEntry): string {
  return Buffer.from(JSON.stringify([at.getTime(), id])).toString('base64url');
}

function decodeCursor(text: string): readonly [string, string] {
  const parsed = Cursor.safeParse(parseJson(Buffer.from(text, 'base64url').toString('utf8')));
  if (!parsed.success) throw new InvalidCursor('The cursor is not one that a page before gave out.');
  const [time, id] = parsed.data;
  return [new Date(time).toISOString(), id];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
