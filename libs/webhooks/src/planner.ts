import { Injectable } from '@nestjs/common';
import { WebhookOutbox, WebhookQueue } from '@droppio/tips';
import { WebhookMetrics } from './metrics.js';

/** Events a step, so that a long stream is no long transaction. */
const STEP = 500;

/** Writes deliveries for a creator's new events and asks for them to be made. */
@Injectable()
export class Planner {
  constructor(
    private readonly outbox: WebhookOutbox,
    private readonly queue: WebhookQueue,
    private readonly metrics: WebhookMetrics,
  ) {}

  async plan(creatorId: string): Promise<void> {
    for (;;) {
      const { due, count, more } = await this.outbox.plan(creatorId, STEP);
      this.metrics.planned(count);
      for (const { webhookId, isSlow } of due) await this.queue.nudge({ task: 'deliver', id: webhookId }, { isSlow });
      if (!more) return;
    }
  }
}
