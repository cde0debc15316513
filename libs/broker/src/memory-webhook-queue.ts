import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import { BrokerUnavailable, WebhookQueue, within, type WebhookJob, type WebhookNudge, type WebhookWorker } from '@droppio/tips';
import { MemoryLane } from './memory-lane.js';
import type { QueueMetrics } from './metrics.js';
import { alarmOf, WEBHOOK_QUEUE_DEFAULTS, type WebhookQueueSettings } from './webhook-job.js';

/** The queue of a single process. */
export class MemoryWebhookQueue extends WebhookQueue {
  private readonly log = new Logger('broker');
  private readonly settings: WebhookQueueSettings;
  private readonly quick: MemoryLane;
  private readonly slow: MemoryLane;
  private readonly alarms = new Map<string, ReturnType<typeof setTimeout>>();
  private isWorked = false;
  private closed = false;

  constructor(metrics: QueueMetrics, settings: Partial<WebhookQueueSettings> = {}) {
    super();
    this.settings = { ...WEBHOOK_QUEUE_DEFAULTS, ...settings };
    this.quick = new MemoryLane(metrics, this.settings, false);
    this.slow = new MemoryLane(metrics, this.settings, true);
  }

  override nudge(job: WebhookJob, { isSlow = false, inMs = 0 }: WebhookNudge = {}): Promise<void> {
    try {
      this.put(job, isSlow, inMs);
      return Promise.resolve();
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new TypeError('not an error'));
    }
  }

  override work(worker: WebhookWorker, { concurrency = this.settings.concurrency }: { concurrency?: number } = {}): Promise<void> {
    if (this.isWorked) throw new TypeError('this queue has a worker already');
    this.isWorked = true;
    for (const lane of [this.quick, this.slow]) lane.start(worker, concurrency);
    return Promise.resolve();
  }

  override async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    for (const timer of this.alarms.values()) clearTimeout(timer);
    const running = Promise.all([this.quick.close(), this.slow.close()]);
    await within(this.settings.closeTimeoutMs, 'the running webhook jobs', running).catch((error: unknown) => {
      this.log.warn('queue.close-cut-short', errorFields(error));
    });
  }

  private put(job: WebhookJob, isSlow: boolean, inMs: number): void {
    if (this.closed) throw new BrokerUnavailable('The webhook queue is closed.');
    if (inMs > 0) this.setAlarm(job, isSlow, inMs);
    else (isSlow ? this.slow : this.quick).put(job);
  }

  private setAlarm(job: WebhookJob, isSlow: boolean, inMs: number): void {
    const { key, delayMs } = alarmOf(job, inMs, Date.now());
    if (this.alarms.has(key)) return;
    if (this.alarms.size >= this.settings.maxWaiting) throw new BrokerUnavailable('The webhook queue is full.');
    const ring = (): void => {
      this.alarms.delete(key);
      // Full: the sweep finds what it meant.
      this.nudge(job, { isSlow }).catch((error: unknown) => {
        this.log.warn('alarm.lost', errorFields(error));
      });
    };
    this.alarms.set(key, setTimeout(ring, delayMs));
  }
}
