import {
  InvalidCursor,
  WEBHOOK_DELIVERY_STATES,
  WEBHOOK_DISABLED_REASONS,
  WEBHOOK_EVENT_TYPES,
  WEBHOOK_FAULTS,
  type Webhook,
  type WebhookDelivery,
} from '@droppio/tips';
import * as z from 'zod';

export const WebhookRow = z
  .object({
    id: z.string(),
    creator_id: z.string(),
    url: z.string(),
    description: z.string(),
    types: z.array(z.enum(WEBHOOK_EVENT_TYPES)),
    disabled_reason: z.enum(WEBHOOK_DISABLED_REASONS).nullable(),
    failing_since: z.date().nullable(),
    old_secret_until: z.date().nullable(),
    version: z.number(),
    created_at: z.date(),
  })
  .transform((row): Webhook => ({
    id: row.id,
    creatorId: row.creator_id,
    url: row.url,
    description: row.description,
    types: row.types,
    version: row.version,
    createdAt: row.created_at,
    ...(row.disabled_reason === null ? {} : { disabledReason: row.disabled_reason }),
    ...(row.failing_since === null ? {} : { failingSince: row.failing_since }),
    ...(row.old_secret_until === null ? {} : { oldSecretUntil: row.old_secret_until }),
  }));

const delivery = z.object({
  id: z.string(),
  event_id: z.string(),
  type: z.string(),
  seq: z.coerce.number<string>().nullable(),
  state: z.enum(WEBHOOK_DELIVERY_STATES),
  attempts: z.number(),
  next_at: z.date().nullable(),
  last_status: z.number().nullable(),
  last_fault: z.enum(WEBHOOK_FAULTS).nullable(),
  last_ms: z.number().nullable(),
  created_at: z.date(),
  delivered_at: z.date().nullable(),
});

export const DeliveryRow = delivery.transform(toDelivery);
export const PlacedDeliveryRow = delivery.extend({ nth: z.string() }).transform(({ nth, ...row }) => ({ nth, delivery: toDelivery(row) }));

function toDelivery(row: z.output<typeof delivery>): WebhookDelivery {
  return {
    id: row.id,
    eventId: row.event_id,
    type: row.type,
    state: row.state,
    attempts: row.attempts,
    createdAt: row.created_at,
    ...(row.seq === null ? {} : { seq: row.seq }),
    ...(row.next_at === null ? {} : { nextAt: row.next_at }),
    ...(row.last_status === null ? {} : { lastStatus: row.last_status }),
    ...(row.last_fault === null ? {} : { lastFault: row.last_fault }),
    ...(row.last_ms === null ? {} : { lastMs: row.last_ms }),
    ...(row.delivered_at === null ? {} : { deliveredAt: row.delivered_at }),
  };
}

/** Above every place there is: where the first page starts. */
export const FIRST_PLACE = '9223372036854775807';
const PLACE = /^[1-9][0-9]{0,17}$/;

export const encodePlace = (nth: string): string => Buffer.from(nth).toString('base64url');

/** Throws `InvalidCursor` for whatever `encodePlace` did not make. */
export function decodePlace(cursor: string): string {
  const nth = Buffer.from(cursor, 'base64url').toString('latin1');
  if (!PLACE.test(nth) || encodePlace(nth) !== cursor) throw new InvalidCursor('The cursor is not one that a page before gave out.');
  return nth;
}
