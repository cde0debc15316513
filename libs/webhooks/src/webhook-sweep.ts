import { Inject, Injectable } from '@nestjs/common';
import { WebhookOutbox, WebhookQueue } from '@droppio/tips';
import { FeedEars } from './feed-ears.js';
import { WEBHOOK_SETTINGS, type WebhookSettings } from './webhook-settings.js';
import { WorkWatch } from './work-watch.js';

/** Webhooks looked at in one step, and steps in one sweep: with more of them a lap takes several sweeps. */
const [PAGE, PAGES] = [250, 20];
const DUE_A_SWEEP = 1000;
const [PURGE_STEP, PURGE_STEPS] = [1000, 20];

/** The net: finds whatever was committed and not planned, or planned and not sent, whoever lost it, and asks for it. */
@Injectable()
export class WebhookSweep {
  private after: string | undefined;
  private purgedAtMs = -Infinity;

  constructor(
    private readonly outbox: WebhookOutbox,
    private readonly queue: WebhookQueue,
    private readonly ears: FeedEars,
    private readonly watch: WorkWatch,
    @Inject(WEBHOOK_SETTINGS) private readonly settings: WebhookSettings,
  ) {}

  /** Throws `StorageUnavailable`, `BrokerUnavailable`: the next one tries again. */
  async sweep(): Promise<void> {
    await this.look();
    const due = await this.outbox.due(this.settings.overdueMs, DUE_A_SWEEP);
    this.watch.overdue(due.length);
    for (const { webhookId, isSlow } of due) await this.queue.nudge({ task: 'deliver', id: webhookId }, { isSlow });
    await this.purge();
  }

  private async look(): Promise<void> {
    for (let pages = 0; pages < PAGES; pages += 1) {
      const listeners = await this.outbox.listeners(this.after, PAGE);
      for (const { creatorId, isBehind } of listeners) {
        this.ears.hear(creatorId);
        if (isBehind) await this.queue.nudge({ task: 'plan', id: creatorId });
      }
      this.after = listeners.at(-1)?.creatorId;
      if (this.after === undefined) {
        this.ears.endLap();
        return;
      }
    }
  }

  private async purge(): Promise<void> {
    if (this.watch.now() - this.purgedAtMs < this.settings.purgeEveryMs) return;
    this.purgedAtMs = this.watch.now();
    for (let steps = 0; steps < PURGE_STEPS; steps += 1) {
      if ((await this.outbox.purge(this.settings.keepDeliveriesMs, PURGE_STEP)) < PURGE_STEP) return;
    }
  }
}
