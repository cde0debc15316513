import type { ExpectedVersion } from '../creator.js';
import type { Webhook, WebhookDelivery, WebhookEventType } from '../webhook.js';
import type { WebhookChange } from './webhook-store.js';

export interface WantedWebhook {
  readonly url: string;
  readonly description: string;
  readonly types: readonly WebhookEventType[];
}

/** Told once, and never again. */
export interface WebhookSecret {
  readonly webhook: Webhook;
  /** `whsec_…`, as Standard Webhooks has it. */
  readonly secret: string;
}

/**
 * Changes to webhooks that take more than storing: addresses are checked, secrets are made and sealed, whatever is due is set going. A door
 * between rooms that may not know each other (creators → webhooks). Throws `WebhookRefused` for an address, and what `WebhookStore` throws.
 * Implementation: `WebhookOffice`.
 */
export abstract class WebhookDesk {
  abstract create(creatorId: string, wanted: WantedWebhook): Promise<WebhookSecret>;
  abstract change(creatorId: string, id: string, expected: ExpectedVersion, change: WebhookChange): Promise<Webhook>;
  /** The secret before it goes on signing for 24 hours. */
  abstract rotateSecret(creatorId: string, id: string): Promise<WebhookSecret>;
  abstract trial(creatorId: string, id: string): Promise<WebhookDelivery>;
  abstract redeliver(creatorId: string, webhookId: string, deliveryId: string): Promise<WebhookDelivery>;
}
