import { Inject, Injectable, Logger } from '@nestjs/common';
import { Clock, type Attempted, type Claim, type ClaimedDelivery, type WebhookFault } from '@droppio/tips';
import { cloudEvent } from './cloud-event.js';
import { WebhookMetrics } from './metrics.js';
import { SecretBox } from './secret-box.js';
import { signedHeaders } from './signature.js';
import { WEBHOOK_SETTINGS, type WebhookSettings } from './webhook-settings.js';
import { WebhookSender, type Sent } from './webhook-sender.js';

export interface AttemptResult {
  readonly attempted: Attempted;
  /** The other side says that it is gone for good. */
  readonly isGone: boolean;
  readonly askedRestMs: number;
}

const GONE = 410;

/** Each pause is spread by a sixth, so that what failed together does not come back together. */
export const spread = (ms: number): number => ms * (5 / 6 + Math.random() / 3);

/** Makes one attempt of a delivery and says what came of it, and when there will be another one. */
@Injectable()
export class Attempts {
  private readonly log = new Logger('webhooks');

  constructor(
    private readonly sender: WebhookSender,
    private readonly box: SecretBox,
    private readonly clock: Clock,
    private readonly metrics: WebhookMetrics,
    @Inject(WEBHOOK_SETTINGS) private readonly settings: WebhookSettings,
  ) {}

  async make(claim: Claim, delivery: ClaimedDelivery): Promise<AttemptResult> {
    const began = this.clock.now();
    const sent = await this.metrics.flying(this.send(claim, delivery));
    const tookMs = Math.max(0, this.clock.now() - began);
    const result = this.judge(delivery, sent, tookMs);
    this.metrics.attempted(result.attempted);
    if (result.attempted.outcome === 'delivered') this.metrics.delivered(this.clock.now() - delivery.at.getTime());
    const { outcome, status, fault } = result.attempted;
    this.log.debug('attempt.made', { webhookId: claim.webhookId, attempt: delivery.attempt, outcome, status, fault, tookMs });
    return result;
  }

  private async send({ webhookId, creatorId, url, secrets }: Claim, delivery: ClaimedDelivery): Promise<Sent> {
    const body = cloudEvent(delivery, creatorId);
    if (body === undefined) return { kind: 'fault', fault: 'event-gone' };
    const opened = secrets.flatMap((sealed) => this.box.open(sealed, webhookId) ?? []);
    if (opened.length === 0) {
      this.log.error('secret.unreadable', { webhookId });
      return { kind: 'fault', fault: 'secret-unreadable' };
    }
    return this.sender.post(url, signedHeaders(opened, delivery.eventId, this.clock.now(), body), body);
  }

  private judge({ id: deliveryId, attempt }: ClaimedDelivery, sent: Sent, tookMs: number): AttemptResult {
    const status = sent.kind === 'answered' ? sent.status : undefined;
    const base = { deliveryId, attempt, tookMs, ...(status === undefined ? {} : { status }) };
    if (status !== undefined && status >= 200 && status < 300) {
      return { attempted: { ...base, outcome: 'delivered' }, isGone: false, askedRestMs: 0 };
    }
    const fault = sent.kind === 'fault' ? sent.fault : faultOf(sent.status);
    const asked = sent.kind === 'answered' ? Math.min(sent.retryAfterMs ?? 0, this.settings.mostAskedRestMs) : 0;
    const pause = this.settings.retriesMs[attempt - 1];
    const isOver = pause === undefined || fault === 'event-gone';
    return {
      attempted: isOver
        ? { ...base, outcome: 'failed', fault }
        : { ...base, outcome: 'retry', fault, retryInMs: Math.max(asked, spread(pause)) },
      isGone: status === GONE,
      askedRestMs: asked,
    };
  }
}

function faultOf(status: number): WebhookFault {
  return status >= 300 && status < 400 ? 'redirected' : 'refused';
}
