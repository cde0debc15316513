import type { CreatorEvent } from '../creator-event.js';
import type { WebhookDisabledReason, WebhookFault } from '../webhook.js';

/** A creator who has webhooks that are enabled. */
export interface WebhookListener {
  readonly creatorId: string;
  /** Committed events wait to be planned. */
  readonly isBehind: boolean;
}

/** A webhook that is due. `isSlow`: its last answer was long in coming, or never came. */
export interface DueWebhook {
  readonly webhookId: string;
  readonly isSlow: boolean;
}

export interface Planned {
  /** Webhooks that got deliveries and are due. */
  readonly due: readonly DueWebhook[];
  /** How many deliveries. */
  readonly count: number;
  /** There were more events than one step takes: call again. */
  readonly more: boolean;
}

/** An attempt that is to be made, by whoever claimed it, before the claim ends. */
export interface ClaimedDelivery {
  readonly id: string;
  readonly eventId: string;
  readonly type: string;
  /** Attempts that were begun, this one included. */
  readonly attempt: number;
  /** When the event was committed, or the trial asked for. */
  readonly at: Date;
  /** Absent: a trial, or the event is gone. */
  readonly event?: CreatorEvent;
  readonly isTrial: boolean;
}

export interface Claim {
  readonly webhookId: string;
  readonly creatorId: string;
  readonly url: string;
  /** Sealed, newest first: all of them sign. */
  readonly secrets: readonly Uint8Array[];
  readonly deliveries: readonly ClaimedDelivery[];
}

export interface ClaimOptions {
  /** In flight at once for one webhook, over all processes. One that is failing gets one at a time. */
  readonly most: number;
  /** After this long somebody else may make the attempt: whoever claimed it is taken for dead. */
  readonly leaseMs: number;
  /** Claim nothing of one that is slow or failing, and say so. */
  readonly onlyQuick?: boolean;
}

export interface Attempted {
  readonly deliveryId: string;
  /** As it was claimed: what comes of an attempt that was taken over meanwhile counts only if it was delivered. */
  readonly attempt: number;
  readonly outcome: 'delivered' | 'retry' | 'failed';
  readonly status?: number;
  readonly fault?: WebhookFault;
  readonly tookMs: number;
  /** With `retry`: how long until the next attempt. */
  readonly retryInMs?: number;
}

export interface Round {
  readonly attempts: readonly Attempted[];
  /** The other side says that it is gone for good: disable it. */
  readonly isGone: boolean;
  /** The whole webhook rests where nothing was delivered: after the first such round in a row for the first of these, and so on; the last one stays. */
  readonly restsMs: readonly number[];
  /** The other side asks for at least this much rest, whatever else it took. */
  readonly askedRestMs?: number;
  /**
   * Disabled when nothing was delivered for so long; when a delivery is given up, a fifth earlier. Pauses are spread, so a last attempt may come
   * sooner than this, and with few events no other follows.
   */
  readonly disableAfterMs: number;
}

export interface RoundOutcome {
  /** Set by this round. */
  readonly disabled?: WebhookDisabledReason;
  /** Until something is due, milliseconds; absent: nothing waits. */
  readonly dueInMs?: number;
  readonly isSlow: boolean;
}

/** A sealed secret, to be sealed with a newer key. */
export interface SealedSecrets {
  readonly webhookId: string;
  readonly secret: Uint8Array;
  readonly oldSecret?: Uint8Array;
}

/**
 * What is to be sent to webhooks, and what became of it. `creator_events` is the outbox; each webhook has a cursor into it, and planning moves
 * the cursor and writes the deliveries in one statement: no event is lost or planned twice, whoever dies when. All calls may be repeated and
 * run in many processes at once. Times are the database's. Throws `StorageUnavailable`. Implementation: `PostgresWebhookOutbox`.
 */
export abstract class WebhookOutbox {
  /** Creators with enabled webhooks, by id, after `after`. Looks at no more than `limit` webhooks: a creator may come twice, an empty answer is the end. */
  abstract listeners(after: string | undefined, limit: number): Promise<readonly WebhookListener[]>;
  /** Writes deliveries for the events after the cursors of the creator's enabled webhooks, at most `limit` events each. */
  abstract plan(creatorId: string, limit: number): Promise<Planned>;
  /** Enabled webhooks that have been due for `overdueMs`, longest first. */
  abstract due(overdueMs: number, limit: number): Promise<readonly DueWebhook[]>;
  /** What is to be attempted now; `undefined`: nothing, or the webhook is gone, disabled or resting, or has as many in flight as it may. */
  abstract claim(webhookId: string, options: ClaimOptions): Promise<Claim | 'slow' | undefined>;
  /** Notes what became of claimed attempts. An attempt whose delivery was decided meanwhile changes nothing. */
  abstract record(webhookId: string, round: Round): Promise<RoundOutcome>;
  /** Deletes deliveries older than `olderThanMs`, the oldest first, at most `limit`. Returns how many. */
  abstract purge(olderThanMs: number, limit: number): Promise<number>;
  /** Secrets that are not sealed with this key, by webhook id, after `after`. A sealed secret begins with the four bytes of its key's id. */
  abstract sealedOtherwise(keyId: number, after: string | undefined, limit: number): Promise<readonly SealedSecrets[]>;
  /** Replaces the secrets by the same ones sealed anew, unless they were rotated meanwhile. */
  abstract reseal(before: SealedSecrets, after: SealedSecrets): Promise<void>;
}
