import { Inject, Injectable, Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import { WebhookOutbox, WebhookQueue, type Claim, type RoundOutcome, type WebhookNudge } from '@droppio/tips';
import { Attempts, spread } from './attempts.js';
import { WEBHOOK_SETTINGS, type WebhookSettings } from './webhook-settings.js';
import { WorkWatch } from './work-watch.js';

/** A webhook's turn. */
export interface Turn {
  /** In the lane of the slow. */
  readonly isSlow: boolean;
  /** The process ends. */
  readonly signal: AbortSignal;
}

/**
 * Sends what a webhook is due, round by round. Whoever dies in between leaves a claim that runs out: the delivery is made again, under the same
 * `webhook-id`. A slow webhook gets one round a turn, in the lane of the slow; a quick one goes on for a while and then stands in line again.
 */
@Injectable()
export class Deliverer {
  private readonly log = new Logger('webhooks');

  constructor(
    private readonly outbox: WebhookOutbox,
    private readonly queue: WebhookQueue,
    private readonly attempts: Attempts,
    private readonly watch: WorkWatch,
    @Inject(WEBHOOK_SETTINGS) private readonly settings: WebhookSettings,
  ) {}

  async deliver(webhookId: string, turn: Turn): Promise<void> {
    const until = this.watch.now() + this.settings.jobMs;
    for (;;) {
      const claim = await this.outbox.claim(webhookId, {
        most: this.settings.inFlight,
        leaseMs: this.settings.attemptMs + this.settings.leaseSpareMs,
        onlyQuick: !turn.isSlow,
      });
      // Nothing to do, or somebody is at it: whoever it is will ask for what comes next.
      if (claim === undefined) return;
      if (claim === 'slow') return this.ask(webhookId, { isSlow: true });
      const { dueInMs, isSlow } = await this.round(claim);
      if (dueInMs === undefined) return;
      if (dueInMs > 0 || isSlow || turn.signal.aborted || this.watch.now() >= until) {
        await this.ask(webhookId, { isSlow, inMs: dueInMs });
        return;
      }
    }
  }

  private async round(claim: Claim): Promise<RoundOutcome> {
    const { webhookId, creatorId } = claim;
    const results = await Promise.all(claim.deliveries.map((delivery) => this.attempts.make(claim, delivery)));
    const outcome = await this.outbox.record(webhookId, {
      attempts: results.map(({ attempted }) => attempted),
      isGone: results.some(({ isGone }) => isGone),
      restsMs: this.settings.restsMs.map(spread),
      askedRestMs: Math.max(...results.map(({ askedRestMs }) => askedRestMs)),
      disableAfterMs: this.settings.disableAfterMs,
    });
    if (outcome.disabled !== undefined) this.watch.disabled(webhookId, creatorId, outcome.disabled);
    return outcome;
  }

  private async ask(webhookId: string, options: WebhookNudge): Promise<void> {
    await this.queue.nudge({ task: 'deliver', id: webhookId }, options).catch((error: unknown) => {
      // The sweep finds it.
      this.log.debug('nudge.failed', errorFields(error));
    });
  }
}
