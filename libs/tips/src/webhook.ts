import { DroppioError } from './errors.js';

/**
 * What a webhook can be told of, as CloudEvents name it. Tips by the state that they have reached; `retracted` whenever one must be taken
 * back (its state says why). The last three are for those who ask for them.
 */
export const WEBHOOK_EVENT_TYPES = [
  'io.droppio.tip.seen.v1',
  'io.droppio.tip.confirmed.v1',
  'io.droppio.tip.safe.v1',
  'io.droppio.tip.finalized.v1',
  'io.droppio.tip.retracted.v1',
  'io.droppio.alert.test.v1',
  'io.droppio.overlay.changed.v1',
  'io.droppio.overlay.control.v1',
] as const;
export type WebhookEventType = (typeof WEBHOOK_EVENT_TYPES)[number];

/** What a webhook is told of whose owner names nothing: its tips. */
export const DEFAULT_WEBHOOK_EVENT_TYPES: readonly WebhookEventType[] = WEBHOOK_EVENT_TYPES.slice(0, 5);

/** Sent when its owner asks for a trial, whatever the webhook listens to. */
export const WEBHOOK_TRIAL_TYPE = 'io.droppio.webhook.test.v1';

/** Why a webhook is sent nothing: its owner said so, it answered 410, or it took nothing for days. */
export const WEBHOOK_DISABLED_REASONS = ['asked', 'gone', 'failing'] as const;
export type WebhookDisabledReason = (typeof WEBHOOK_DISABLED_REASONS)[number];

/** An address of a creator's own that wants to hear of events. Its secrets are no part of it: nothing reads them back. */
export interface Webhook {
  /** UUID. */
  readonly id: string;
  readonly creatorId: string;
  readonly url: string;
  readonly description: string;
  readonly types: readonly WebhookEventType[];
  /** Absent: it is enabled. */
  readonly disabledReason?: WebhookDisabledReason;
  /** Since when it has taken nothing of what it was sent. */
  readonly failingSince?: Date;
  /** Until when the secret before the present one signs, too. */
  readonly oldSecretUntil?: Date;
  /** Raised by each change of its owner's. */
  readonly version: number;
  readonly createdAt: Date;
}

export const WEBHOOK_DELIVERY_STATES = ['pending', 'delivered', 'failed'] as const;
export type WebhookDeliveryState = (typeof WEBHOOK_DELIVERY_STATES)[number];

/** Why an attempt came to nothing. */
export const WEBHOOK_FAULTS = [
  'refused-address',
  'no-address',
  'not-connected',
  'tls-failed',
  'timed-out',
  'broken-answer',
  'redirected',
  'refused',
  'event-gone',
  'secret-unreadable',
  'skipped',
] as const;
export type WebhookFault = (typeof WEBHOOK_FAULTS)[number];

/** One event for one webhook: status and timing only, nothing of what the other side answered. */
export interface WebhookDelivery {
  /** UUID. */
  readonly id: string;
  /** `webhook-id` of every attempt, and the id of the event. */
  readonly eventId: string;
  readonly type: string;
  /** Place in the creator's stream. Absent: a trial. */
  readonly seq?: number;
  readonly state: WebhookDeliveryState;
  readonly attempts: number;
  /** Pending only: not before this. */
  readonly nextAt?: Date;
  /** HTTP status of the last attempt. */
  readonly lastStatus?: number;
  readonly lastFault?: WebhookFault;
  /** How long the last attempt took. */
  readonly lastMs?: number;
  readonly createdAt: Date;
  readonly deliveredAt?: Date;
}

/** An address that nothing may be sent to: no https, no public host, a port that is not allowed. The message says which, for its owner. */
export class WebhookRefused extends DroppioError {
  readonly code = 'webhook-refused';
  readonly retryable = false;
}

/** The creator has as many as one may have. */
export class TooManyWebhooks extends DroppioError {
  readonly code = 'too-many-webhooks';
  readonly retryable = false;
}
