import { Injectable } from '@nestjs/common';
import {
  WEBHOOK_DISABLED_REASONS,
  WebhookOutbox,
  type Attempted,
  type Claim,
  type ClaimedDelivery,
  type ClaimOptions,
  type DueWebhook,
  type Planned,
  type Round,
  type RoundOutcome,
  type SealedSecrets,
  type WebhookListener,
} from '@droppio/tips';
import * as z from 'zod';
import { Database } from './database.js';
import { isId } from './event-log.js';
import { StoredEvent } from './stored-event.js';
import { SET_WAKE } from './webhook-statements.js';
import {
  CLAIM,
  DUE,
  LISTENERS,
  LOCK_ANY,
  LOCK_DUE,
  PLAN,
  PURGE,
  RECORD_ATTEMPTS,
  RECORD_ROUND,
  RESEAL,
  ROUND_OUTCOME,
  SEALED_OTHERWISE,
} from './webhook-outbox-statements.js';

const NOBODY = '00000000-0000-0000-0000-000000000000';

/** Also of a webhook that is gone. */
/** Pauses are shorter by a sixth at most, which is less than this leaves. */
const LEAST_SPREAD = 0.8;
const NOTHING_LEFT: RoundOutcome = { isSlow: false };

const Bytes = z.instanceof(Buffer);
const Listener = z
  .object({ creator_id: z.string(), is_behind: z.boolean() })
  .transform(({ creator_id, is_behind }): WebhookListener => ({ creatorId: creator_id, isBehind: is_behind }));
const due = { webhook_id: z.string(), is_slow: z.boolean() };
const Due = z.object(due).transform(({ webhook_id, is_slow }): DueWebhook => ({ webhookId: webhook_id, isSlow: is_slow }));
const PlannedRow = z.object({ ...due, planned: z.number(), is_due: z.boolean(), is_full: z.boolean() });
const Before = z.object({ disabled_reason: z.string().nullable() });
const Locked = z.object({
  creator_id: z.string(),
  url: z.string(),
  secret: Bytes,
  old_secret: Bytes.nullable(),
  failures: z.number(),
  is_slow: z.boolean(),
});
const Claimed = z
  .object({
    id: z.string(),
    event_id: z.string(),
    type: z.string(),
    seq: z.string().nullable(),
    attempts: z.number(),
    event_at: z.date(),
    payload: z.unknown(),
  })
  .transform((row): ClaimedDelivery => {
    // One that cannot be read must not stand in the way of the others.
    const event = StoredEvent.safeParse(row.payload);
    return {
      id: row.id,
      eventId: row.event_id,
      type: row.type,
      attempt: row.attempts,
      at: row.event_at,
      isTrial: row.seq === null,
      ...(event.success ? { event: event.data } : {}),
    };
  });
const Outcome = z
  .object({ disabled_reason: z.enum(WEBHOOK_DISABLED_REASONS).nullable(), is_slow: z.boolean(), due_in_ms: z.number().nullable() })
  .transform((row): RoundOutcome => ({
    isSlow: row.is_slow,
    ...(row.disabled_reason === null ? {} : { disabled: row.disabled_reason }),
    ...(row.due_in_ms === null ? {} : { dueInMs: row.due_in_ms }),
  }));
const Sealed = z
  .object({ id: z.string(), secret: Bytes, old_secret: Bytes.nullable() })
  .transform(({ id, secret, old_secret }): SealedSecrets => ({
    webhookId: id,
    secret,
    ...(old_secret === null ? {} : { oldSecret: old_secret }),
  }));
const Purged = z.object({ purged: z.number() });

@Injectable()
export class PostgresWebhookOutbox extends WebhookOutbox {
  constructor(private readonly database: Database) {
    super();
  }

  override listeners(after: string | undefined, limit: number): Promise<readonly WebhookListener[]> {
    return this.database.rows(Listener, LISTENERS, [after ?? NOBODY, limit]);
  }

  override async plan(creatorId: string, limit: number): Promise<Planned> {
    if (!isId(creatorId)) return { due: [], count: 0, more: false };
    const rows = await this.database.rows(PlannedRow, PLAN, [creatorId, limit]);
    return {
      due: rows.filter((row) => row.is_due).map(({ webhook_id, is_slow }) => ({ webhookId: webhook_id, isSlow: is_slow })),
      count: rows.reduce((sum, { planned }) => sum + planned, 0),
      more: rows.some((row) => row.is_full),
    };
  }

  override due(overdueMs: number, limit: number): Promise<readonly DueWebhook[]> {
    return this.database.rows(Due, DUE, [overdueMs, limit]);
  }

  override async claim(webhookId: string, { most, leaseMs, onlyQuick = false }: ClaimOptions): Promise<Claim | 'slow' | undefined> {
    if (!isId(webhookId)) return undefined;
    return this.database.transaction(async (sql) => {
      const [hook] = await sql.rows(Locked, LOCK_DUE, [webhookId]);
      if (hook === undefined) return undefined;
      if (hook.is_slow && onlyQuick) return 'slow';
      const places = hook.failures > 0 ? 1 : most;
      const deliveries = await sql.rows(Claimed, CLAIM, [webhookId, places, leaseMs, hook.creator_id]);
      await sql.run(SET_WAKE, [webhookId]);
      if (deliveries.length === 0) return undefined;
      const secrets = hook.old_secret === null ? [hook.secret] : [hook.secret, hook.old_secret];
      return { webhookId, creatorId: hook.creator_id, url: hook.url, secrets, deliveries };
    });
  }

  override async record(webhookId: string, round: Round): Promise<RoundOutcome> {
    if (!isId(webhookId)) return NOTHING_LEFT;
    const { attempts, isGone, restsMs, askedRestMs = 0, disableAfterMs } = round;
    const delivered = attempts.some(({ outcome }) => outcome === 'delivered');
    const failed = attempts.some(({ outcome, fault }) => outcome !== 'delivered' && fault !== 'event-gone');
    const isGivenUp = attempts.some(({ outcome, fault }) => outcome === 'failed' && fault !== 'event-gone');
    const disableMs = disableAfterMs * (isGivenUp ? LEAST_SPREAD : 1);
    const longest = Math.round(Math.max(0, ...attempts.map(({ tookMs }) => tookMs)));
    return this.database.transaction(async (sql) => {
      const [before] = await sql.rows(Before, LOCK_ANY, [webhookId]);
      if (before === undefined) return NOTHING_LEFT;
      await sql.run(RECORD_ATTEMPTS, [webhookId, JSON.stringify(attempts.map(attemptJson))]);
      const values = [webhookId, delivered, failed, restsMs.map(String), askedRestMs, isGone, disableMs, longest];
      await sql.run(RECORD_ROUND, values);
      await sql.run(SET_WAKE, [webhookId]);
      const [{ disabled, ...outcome } = NOTHING_LEFT] = await sql.rows(Outcome, ROUND_OUTCOME, [webhookId]);
      return disabled === undefined || before.disabled_reason !== null ? outcome : { ...outcome, disabled };
    });
  }

  override async purge(olderThanMs: number, limit: number): Promise<number> {
    const [row] = await this.database.rows(Purged, PURGE, [olderThanMs, limit]);
    return row?.purged ?? 0;
  }

  override sealedOtherwise(keyId: number, after: string | undefined, limit: number): Promise<readonly SealedSecrets[]> {
    const prefix = Buffer.alloc(4);
    prefix.writeUInt32BE(keyId);
    return this.database.rows(Sealed, SEALED_OTHERWISE, [prefix, after ?? NOBODY, limit]);
  }

  override async reseal(before: SealedSecrets, after: SealedSecrets): Promise<void> {
    const values = [before, after].flatMap(({ secret, oldSecret }) => [
      Buffer.from(secret),
      oldSecret === undefined ? null : Buffer.from(oldSecret),
    ]);
    await this.database.run(RESEAL, [before.webhookId, ...values]);
  }
}

function attemptJson({ deliveryId, attempt, outcome, status, fault, tookMs, retryInMs }: Attempted): object {
  return {
    id: deliveryId,
    attempt,
    outcome,
    status: status ?? null,
    fault: fault ?? null,
    took_ms: Math.round(tookMs),
    retry_ms: retryInMs ?? 0,
  };
}
