import { Injectable } from '@nestjs/common';
import type { WebhookWorker } from '@droppio/tips';
import { Deliverer } from './deliverer.js';
import { Planner } from './planner.js';
import { Resealer } from './resealer.js';
import { WebhookSweep } from './webhook-sweep.js';

/** What there is to do, by name. */
@Injectable()
export class WebhookJobs {
  constructor(
    private readonly planner: Planner,
    private readonly deliverer: Deliverer,
    private readonly sweeper: WebhookSweep,
    private readonly resealer: Resealer,
  ) {}

  run({ task, id, isSlow }: Parameters<WebhookWorker>[0], signal: AbortSignal): Promise<void> {
    switch (task) {
      case 'plan':
        return this.planner.plan(id);
      case 'deliver':
        return this.deliverer.deliver(id, { isSlow, signal });
    }
  }

  sweep(): Promise<void> {
    return this.sweeper.sweep();
  }

  begin(signal: AbortSignal): Promise<void> {
    return this.resealer.reseal(signal);
  }
}
