import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import {
  MOST_WEBHOOKS,
  NotFound,
  PreconditionFailed,
  TooManyWebhooks,
  WebhookStore,
  type DeliveriesPage,
  type DeliveriesQuery,
  type ExpectedVersion,
  type NewWebhook,
  type Webhook,
  type WebhookChange,
  type WebhookDelivery,
} from '@droppio/tips';
import * as z from 'zod';
import { Database, type Sql } from './database.js';
import { isId } from './event-log.js';
import { decodePlace, DeliveryRow, encodePlace, FIRST_PLACE, PlacedDeliveryRow, WebhookRow } from './webhook-rows.js';
import {
  CHANGE_WEBHOOK,
  CREATE_WEBHOOK,
  DELIVERIES,
  DELIVERIES_IN_STATE,
  LOCK_OWNER,
  LOCK_WEBHOOK,
  PLAN_TRIAL,
  REDELIVER,
  REMOVE_WEBHOOK,
  ROTATE_SECRET,
  SET_WAKE,
  WEBHOOK,
  WEBHOOKS,
} from './webhook-statements.js';

const DELIVERIES_MAX = 200;
const Id = z.object({ id: z.string() });
const Version = z.object({ version: z.number() });

/** Webhooks on Postgres. Whatever changes when one is due runs under the lock of its row. */
@Injectable()
export class PostgresWebhookStore extends WebhookStore {
  constructor(private readonly database: Database) {
    super();
  }

  override async create({ id, creatorId, url, description, types, secret }: NewWebhook): Promise<Webhook> {
    if (!isId(creatorId)) throw new NotFound('There is no such creator.');
    return this.database.transaction(async (sql) => {
      if ((await sql.rows(Id, LOCK_OWNER, [creatorId])).length === 0) throw new NotFound('There is no such creator.');
      const values = [id, creatorId, url, description, types, Buffer.from(secret), MOST_WEBHOOKS];
      const [webhook] = await sql.rows(WebhookRow, CREATE_WEBHOOK, values);
      if (webhook === undefined) throw new TooManyWebhooks(`A creator may have ${String(MOST_WEBHOOKS)} webhooks.`);
      return webhook;
    });
  }

  override async webhooks(creatorId: string): Promise<readonly Webhook[]> {
    return isId(creatorId) ? this.database.rows(WebhookRow, WEBHOOKS, [creatorId]) : [];
  }

  override async webhook(creatorId: string, id: string): Promise<Webhook | undefined> {
    return isId(creatorId) && isId(id) ? (await this.database.rows(WebhookRow, WEBHOOK, [creatorId, id]))[0] : undefined;
  }

  override change(creatorId: string, id: string, expected: ExpectedVersion, change: WebhookChange): Promise<Webhook> {
    const { url = null, description = null, types = null, enabled = null, resume = 'missed' } = change;
    const versions = expected === 'any' ? null : expected.map(String);
    return this.locked(creatorId, id, async (sql) => {
      const values = [creatorId, id, versions, url, description, types, enabled, resume === 'now'];
      if ((await sql.rows(Version, CHANGE_WEBHOOK, values)).length === 0)
        throw new PreconditionFailed('The webhook was changed in the meantime: read it again.');
      return one(await sql.rows(WebhookRow, WEBHOOK, [creatorId, id]));
    });
  }

  override async rotate(creatorId: string, id: string, secret: Uint8Array, oldForMs: number): Promise<Webhook> {
    if (!isId(creatorId) || !isId(id)) throw noWebhook();
    return one(await this.database.rows(WebhookRow, ROTATE_SECRET, [creatorId, id, Buffer.from(secret), oldForMs]));
  }

  override async remove(creatorId: string, id: string): Promise<boolean> {
    if (!isId(creatorId) || !isId(id)) return false;
    return (await this.database.rows(Id, REMOVE_WEBHOOK, [creatorId, id])).length === 1;
  }

  override trial(creatorId: string, id: string): Promise<WebhookDelivery> {
    return this.locked(creatorId, id, async (sql) =>
      one(await sql.rows(DeliveryRow, PLAN_TRIAL, [id, randomUUID(), `trial-${randomUUID()}`])),
    );
  }

  override async deliveries({ creatorId, webhookId, limit, state, cursor }: DeliveriesQuery): Promise<DeliveriesPage> {
    const size = Math.max(1, Math.min(Math.trunc(limit), DELIVERIES_MAX));
    const below = cursor === undefined ? FIRST_PLACE : decodePlace(cursor);
    if ((await this.webhook(creatorId, webhookId)) === undefined) throw noWebhook();
    const values = [webhookId, below, size + 1];
    const rows =
      state === undefined
        ? await this.database.rows(PlacedDeliveryRow, DELIVERIES, values)
        : await this.database.rows(PlacedDeliveryRow, DELIVERIES_IN_STATE, [...values, state]);
    const page = rows.slice(0, size);
    const last = page.at(-1);
    const deliveries = page.map(({ delivery }) => delivery);
    return rows.length > size && last !== undefined ? { deliveries, next: encodePlace(last.nth) } : { deliveries };
  }

  override redeliver(creatorId: string, webhookId: string, deliveryId: string): Promise<WebhookDelivery> {
    return this.locked(creatorId, webhookId, async (sql) => {
      const [delivery] = isId(deliveryId) ? await sql.rows(DeliveryRow, REDELIVER, [webhookId, deliveryId]) : [];
      if (delivery === undefined) throw new NotFound('There is no such delivery.');
      return delivery;
    });
  }

  private async locked<T>(creatorId: string, id: string, work: (sql: Sql) => Promise<T>): Promise<T> {
    if (!isId(creatorId) || !isId(id)) throw noWebhook();
    return this.database.transaction(async (sql) => {
      if ((await sql.rows(Version, LOCK_WEBHOOK, [creatorId, id])).length === 0) throw noWebhook();
      const result = await work(sql);
      await sql.run(SET_WAKE, [id]);
      return result;
    });
  }
}

const noWebhook = (): NotFound => new NotFound('There is no such webhook.');

function one<T>([row]: readonly T[]): T {
  if (row === undefined) throw noWebhook();
  return row;
}
