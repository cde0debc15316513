import { Injectable, Logger } from '@nestjs/common';
import { Clock, type WebhookDisabledReason } from '@droppio/tips';
import { WebhookMetrics } from './metrics.js';

/** The time, and what operators are told of the work. */
@Injectable()
export class WorkWatch {
  private readonly log = new Logger('webhooks');

  constructor(
    private readonly clock: Clock,
    private readonly metrics: WebhookMetrics,
  ) {}

  now(): number {
    return this.clock.now();
  }

  disabled(webhookId: string, creatorId: string, reason: WebhookDisabledReason): void {
    this.metrics.disabled(reason);
    this.log.log('webhook.disabled', { webhookId, creatorId, reason });
  }

  overdue(count: number): void {
    this.metrics.overdue(count);
  }
}
