import type { ExpectedVersion } from '../creator.js';
import type { Webhook, WebhookDelivery, WebhookDeliveryState, WebhookEventType } from '../webhook.js';

export interface NewWebhook {
  readonly id: string;
  readonly creatorId: string;
  readonly url: string;
  readonly description: string;
  readonly types: readonly WebhookEventType[];
  /** Sealed: the store cannot read it. */
  readonly secret: Uint8Array;
}

export interface WebhookChange {
  readonly url?: string;
  readonly description?: string;
  readonly types?: readonly WebhookEventType[];
  readonly enabled?: boolean;
  /** When enabled again: go on with what it missed, or drop all of it and begin with the next event. Default: `missed`. */
  readonly resume?: 'missed' | 'now';
}

export interface DeliveriesQuery {
  readonly creatorId: string;
  readonly webhookId: string;
  readonly limit: number;
  readonly state?: WebhookDeliveryState;
  /** Opaque: the `next` of the page before. */
  readonly cursor?: string;
}

export interface DeliveriesPage {
  readonly deliveries: readonly WebhookDelivery[];
  readonly next?: string;
}

export const MOST_WEBHOOKS = 10;

/**
 * Webhooks as their owners see them: every call names the creator, and what is another's is not there. Throws `NotFound`, `TooManyWebhooks`,
 * `PreconditionFailed`, `InvalidCursor`, `StorageUnavailable`. Implementation: `PostgresWebhookStore`.
 */
export abstract class WebhookStore {
  /** It hears of what is committed from now on. At most `MOST_WEBHOOKS` a creator, also when many are made at once. */
  abstract create(webhook: NewWebhook): Promise<Webhook>;
  /** Oldest first. */
  abstract webhooks(creatorId: string): Promise<readonly Webhook[]>;
  abstract webhook(creatorId: string, id: string): Promise<Webhook | undefined>;
  /**
   * Compare-and-set: `PreconditionFailed` when it has another version. A new address, or being enabled again, ends its failing: what waits is
   * tried at once.
   */
  abstract change(creatorId: string, id: string, expected: ExpectedVersion, change: WebhookChange): Promise<Webhook>;
  /** The present secret goes on signing for `oldForMs`; one that still did until now stops. */
  abstract rotate(creatorId: string, id: string, secret: Uint8Array, oldForMs: number): Promise<Webhook>;
  /** With all its deliveries. False: there is none. */
  abstract remove(creatorId: string, id: string): Promise<boolean>;
  /** Plans a trial. Also for one that is disabled, where it waits. */
  abstract trial(creatorId: string, id: string): Promise<WebhookDelivery>;
  /** Newest first. */
  abstract deliveries(query: DeliveriesQuery): Promise<DeliveriesPage>;
  /** Makes it pending again, all its attempts before it, and due at once. Its `webhook-id` stays. */
  abstract redeliver(creatorId: string, webhookId: string, deliveryId: string): Promise<WebhookDelivery>;
}
