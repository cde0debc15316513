import { Inject, Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import { Clock, WebhookQueue } from '@droppio/tips';
import { FeedEars } from './feed-ears.js';
import { WebhookJobs } from './webhook-jobs.js';
import { WEBHOOK_SETTINGS, type WebhookSettings } from './webhook-settings.js';

/**
 * Works the jobs of the queue and sweeps what they left. Ready whatever strangers' servers do: no check of health looks at them. At the end
 * requests that are on their way are waited for; what is not sent stays due.
 */
@Injectable()
export class WebhookWork implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger('webhooks');
  private readonly closing = new AbortController();
  private sweeping: Promise<void> = Promise.resolve();

  constructor(
    private readonly queue: WebhookQueue,
    private readonly jobs: WebhookJobs,
    private readonly ears: FeedEars,
    private readonly clock: Clock,
    @Inject(WEBHOOK_SETTINGS) private readonly settings: WebhookSettings,
  ) {}

  onApplicationBootstrap(): void {
    const { signal } = this.closing;
    // Not awaited: with Redis away the process starts all the same.
    this.queue
      .work((job) => this.jobs.run(job, signal), { concurrency: this.settings.concurrency })
      .then(
        () => {
          this.log.log('queue.working');
        },
        (error: unknown) => {
          this.log.error('queue.not-working', errorFields(error));
        },
      );
    this.sweeping = this.sweepUntilClosed();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.closing.abort();
    this.ears.close();
    await this.queue.close();
    await this.sweeping;
  }

  private async sweepUntilClosed(): Promise<void> {
    const { signal } = this.closing;
    await this.quietly('reseal.failed', this.jobs.begin(signal));
    while (!signal.aborted) {
      await this.quietly('sweep.failed', this.jobs.sweep());
      await this.clock.sleep(this.settings.sweepEveryMs * (0.9 + Math.random() * 0.2), signal);
    }
  }

  private async quietly(event: string, work: Promise<void>): Promise<void> {
    await work.catch((error: unknown) => {
      if (!this.closing.signal.aborted) this.log.warn(event, errorFields(error));
    });
  }
}
