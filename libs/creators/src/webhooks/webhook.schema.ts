import {
  cleanName,
  DEFAULT_WEBHOOK_EVENT_TYPES,
  WEBHOOK_DELIVERY_STATES,
  WEBHOOK_DISABLED_REASONS,
  WEBHOOK_EVENT_TYPES,
  WEBHOOK_FAULTS,
  type DeliveriesPage,
  type Webhook,
  type WebhookDelivery,
  type WebhookFault,
  type WebhookSecret,
} from '@droppio/tips';
import * as z from 'zod';
import { pageQuery, pageShape, timeShape } from '../edge/fields.js';

const urlField = z
  .string()
  .min(1)
  .max(2048)
  .meta({ description: 'https, on port 443 or 8443, at a public host; no credentials, no fragment. Redirects are not followed.' });
const descriptionField = z
  .string()
  .max(200)
  .transform((text) => cleanName(text));
const typesField = z
  .array(z.enum(WEBHOOK_EVENT_TYPES))
  .min(1)
  .max(WEBHOOK_EVENT_TYPES.length)
  .refine((types) => new Set(types).size === types.length, 'names a type twice')
  .meta({ description: 'What it is told of; `webhooks` in this document shows each of them.' });

const SHOWN_FAULTS = WEBHOOK_FAULTS.filter((fault) => fault !== 'refused-address');

export const NewWebhookBody = z.strictObject({
  url: urlField,
  description: descriptionField.default(''),
  types: typesField.default([...DEFAULT_WEBHOOK_EVENT_TYPES]),
});
export type NewWebhookBody = z.output<typeof NewWebhookBody>;

export const WebhookChangeBody = z
  .strictObject({
    url: urlField.optional(),
    description: descriptionField.optional(),
    types: typesField.optional(),
    enabled: z.boolean().optional(),
    resume: z.enum(['missed', 'now']).optional().meta({
      description: 'With `enabled: true`: go on with all that it missed (the preset), or drop that and begin with the next event.',
    }),
  })
  .refine((change) => Object.values(change).some((value) => value !== undefined), 'names nothing to change')
  .refine(({ resume, enabled }) => resume === undefined || enabled === true, {
    path: ['resume'],
    message: 'goes with `enabled: true` only',
  });
export type WebhookChangeBody = z.output<typeof WebhookChangeBody>;

export const DeliveriesQuery = z.strictObject({ ...pageQuery, state: z.enum(WEBHOOK_DELIVERY_STATES).optional() });
export type DeliveriesQuery = z.output<typeof DeliveriesQuery>;

const webhook = {
  id: z.string(),
  url: z.string(),
  description: z.string(),
  types: z.array(z.enum(WEBHOOK_EVENT_TYPES)),
  enabled: z.boolean(),
  disabledReason: z
    .enum(WEBHOOK_DISABLED_REASONS)
    .nullable()
    .meta({ description: '`asked`: its owner did it. `gone`: it answered 410. `failing`: nothing was delivered for three days.' }),
  failingSince: timeShape.nullable().meta({ description: 'Since when nothing was taken of what was sent.' }),
  previousSecretUntil: timeShape.nullable().meta({ description: 'Until then the secret before the present one signs, too.' }),
  version: z.int().meta({ description: 'Raised by each change; the ETag is `"v<version>"`.' }),
  createdAt: timeShape,
};
export const WebhookView = z.object(webhook).meta({ id: 'Webhook' });
export type WebhookView = z.output<typeof WebhookView>;

export const WebhookSecretView = z
  .object({
    ...webhook,
    secret: z.string().meta({ description: 'Standard Webhooks (`whsec_…`). Shown this once: it cannot be read again, only replaced.' }),
  })
  .meta({ id: 'WebhookWithSecret' });
export type WebhookSecretView = z.output<typeof WebhookSecretView>;

export const WebhookList = z.object({ data: z.array(WebhookView) }).meta({ id: 'WebhookList' });
export type WebhookList = z.output<typeof WebhookList>;

export const DeliveryView = z
  .object({
    id: z.string(),
    eventId: z
      .string()
      .meta({ description: 'The event’s `id`, and `webhook-id` at every attempt: by it a receiver knows what it has had.' }),
    type: z.string(),
    seq: z.int().nullable().meta({ description: 'Place in the stream of events; null for a trial.' }),
    state: z.enum(WEBHOOK_DELIVERY_STATES),
    attempts: z.int(),
    nextAttemptAt: timeShape.nullable().meta({ description: 'Pending: not before this.' }),
    lastStatus: z.int().nullable().meta({ description: 'HTTP status of the last attempt.' }),
    lastFault: z.enum(SHOWN_FAULTS).nullable(),
    lastMs: z.int().nullable().meta({ description: 'How long the last attempt took.' }),
    createdAt: timeShape,
    deliveredAt: timeShape.nullable(),
  })
  .meta({ id: 'WebhookDelivery' });
export type DeliveryView = z.output<typeof DeliveryView>;

export const DeliveryPage = z.object({ data: z.array(DeliveryView), page: pageShape }).meta({ id: 'WebhookDeliveryPage' });
export type DeliveryPage = z.output<typeof DeliveryPage>;

const time = (at: Date | undefined): string | null => at?.toISOString() ?? null;

export function webhookView(given: Webhook): WebhookView {
  return {
    id: given.id,
    url: given.url,
    description: given.description,
    types: [...given.types],
    enabled: given.disabledReason === undefined,
    disabledReason: given.disabledReason ?? null,
    failingSince: time(given.failingSince),
    previousSecretUntil: time(given.oldSecretUntil),
    version: given.version,
    createdAt: given.createdAt.toISOString(),
  };
}

export function secretView({ webhook: given, secret }: WebhookSecret): WebhookSecretView {
  return { ...webhookView(given), secret };
}

/** A host of anybody's may be an alias of a name in our own network: whether that exists is not for the log. */
function shownFault(fault: WebhookFault | undefined): z.output<typeof DeliveryView>['lastFault'] {
  return fault === 'refused-address' ? 'no-address' : (fault ?? null);
}

export function deliveryView(delivery: WebhookDelivery): DeliveryView {
  return {
    id: delivery.id,
    eventId: delivery.eventId,
    type: delivery.type,
    seq: delivery.seq ?? null,
    state: delivery.state,
    attempts: delivery.attempts,
    nextAttemptAt: time(delivery.nextAt),
    lastStatus: delivery.lastStatus ?? null,
    lastFault: shownFault(delivery.lastFault),
    lastMs: delivery.lastMs ?? null,
    createdAt: delivery.createdAt.toISOString(),
    deliveredAt: time(delivery.deliveredAt),
  };
}

export function deliveryPage({ deliveries, next }: DeliveriesPage): DeliveryPage {
  return { data: deliveries.map(deliveryView), page: { next: next ?? null, hasMore: next !== undefined } };
}
