import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { errorFields, Health } from '@droppio/platform';
import { Clock, RelayQueue, type RelayJob } from '@droppio/tips';
import { CreatorRelay } from './creator-relay.js';
import { OutboxSweep } from './outbox-sweep.js';

/** A sweep that has not come to an end for this long cannot vouch for the outbox. */
const BLIND_AFTER_MS = 30_000;

/** Works the jobs of the queue and sweeps the outbox; tells readiness when events wait too long. */
@Injectable()
export class RelayWork implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger('relay');
  private readonly closing = new AbortController();
  private sweeping: Promise<void> = Promise.resolve();
  private outbox: { ageSeconds: number; sweptAtMs: number } | undefined;
  private startedAtMs = 0;

  constructor(
    private readonly relay: CreatorRelay,
    private readonly sweep: OutboxSweep,
    private readonly queue: RelayQueue,
    private readonly clock: Clock,
    private readonly health: Health,
  ) {}

  onApplicationBootstrap(): void {
    this.health.readyWhen('outbox', () => this.fault());
    this.startedAtMs = this.clock.now();
    // Not awaited: with Redis away the process starts all the same, and the sweep does what the jobs would.
    this.queue
      .work((job) => this.run(job))
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
    await this.queue.close();
    await this.sweeping;
  }

  private fault(): string | undefined {
    const sinceMs = this.clock.now() - (this.outbox?.sweptAtMs ?? this.startedAtMs);
    if (sinceMs > BLIND_AFTER_MS) return `The outbox has not been looked at for ${String(Math.round(sinceMs / 1000))} s.`;
    const age = this.outbox?.ageSeconds ?? 0;
    return age * 1000 >= this.sweep.settings.maxLagMs ? `Committed events have been waiting for ${String(age)} s or longer.` : undefined;
  }

  private run({ creatorId, task }: RelayJob): Promise<void> {
    switch (task) {
      case 'drain':
        return this.relay.publish(creatorId);
      case 'restore':
        return this.relay.restore(creatorId);
    }
  }

  private async sweepUntilClosed(): Promise<void> {
    const { signal } = this.closing;
    while (!signal.aborted) {
      try {
        this.outbox = { ageSeconds: await this.sweep.sweep(), sweptAtMs: this.clock.now() };
      } catch (error) {
        this.log.warn('sweep.failed', errorFields(error));
      }
      await this.clock.sleep(this.sweep.settings.sweepEveryMs * (0.9 + Math.random() * 0.2), signal);
    }
  }
}
