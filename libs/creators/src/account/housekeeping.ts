import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import { Clock, Retention, type WalkedBatch } from '@droppio/tips';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import { Counter } from 'prom-client';
import { CreatorsOptions } from '../creators-options.js';
import { ERASED_MESSAGES, PRUNED_ROWS } from '../metrics.js';
import { FeedCleaner } from './feed-cleaner.js';

const ROUND_MS = 60_000;
const DAY_MS = 86_400_000;
/** Less than a round apart, so that one process does it in each round; and so that one that dies with it is followed soon. */
const ERASURES_MS = 45_000;
const RETENTION_MS = 3_540_000;
const BATCH = 500;
/** In one round: what is more waits for the next, so that a backlog never becomes the database's main work. */
const BATCHES_MAX = 400;
const PAUSE_MS = 20;
/** Twice what a feed is restored from. */
const EVENTS_KEPT = 512;

@Injectable()
export class HousekeepingCounts {
  constructor(
    @InjectMetric(ERASED_MESSAGES) readonly erased: Counter,
    @InjectMetric(PRUNED_ROWS) readonly pruned: Counter,
  ) {}
}

/**
 * Sees to it that nothing is kept for longer than it may be. Runs in every process that serves the API; a row in the database says whose turn
 * it is. In small steps with pauses, each of which may be repeated; what fails is tried again in a later round.
 */
@Injectable()
export class Housekeeping implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('creators');
  private readonly closing = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly retention: Retention,
    private readonly cleaner: FeedCleaner,
    private readonly clock: Clock,
    private readonly options: CreatorsOptions,
    private readonly counts: HousekeepingCounts,
  ) {}

  onApplicationBootstrap(): void {
    this.running = this.runUntilClosed();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.closing.abort();
    await this.running;
  }

  /** What cannot wait for long: traces of accounts and messages that were erased on demand. */
  async erasures(): Promise<void> {
    for (const gone of await this.retention.gone(BATCH)) await this.cleaner.empty(gone);
    await this.batches(BATCH, async () => {
      const { count, creators } = await this.retention.eraseAgain(BATCH);
      this.counts.erased.inc({ why: 'came-back' }, count);
      for (const creatorId of creators) await this.cleaner.rewrite(creatorId);
      return count;
    });
    await this.batches(1, () => this.retention.eraseOfGone(BATCH));
  }

  /** What has become old. Events go before their messages do: few of the old ones are left then. */
  async retentions(): Promise<void> {
    const { auditDays, eventDays, messageDays } = this.options.retention;
    await this.batches(BATCH, async () => {
      const count = await this.retention.pruneAudit(auditDays * DAY_MS, BATCH);
      this.counts.pruned.inc({ what: 'audit' }, count);
      return count;
    });
    const keptDays = messageDays === 0 ? eventDays : Math.min(eventDays, messageDays);
    await this.walk(async (after) => {
      const batch = await this.retention.pruneEvents(keptDays * DAY_MS, EVENTS_KEPT, after);
      this.counts.pruned.inc({ what: 'events' }, batch.count);
      return batch;
    });
    if (messageDays === 0) return;
    await this.batches(BATCH, async () => {
      const count = await this.retention.eraseMessages(messageDays * DAY_MS, BATCH);
      this.counts.erased.inc({ why: 'old' }, count);
      return count;
    });
    await this.walk(async (after) => {
      const batch = await this.retention.eraseEventMessages(messageDays * DAY_MS, after);
      for (const creatorId of batch.creators) await this.cleaner.rewrite(creatorId);
      return batch;
    });
  }

  private async runUntilClosed(): Promise<void> {
    const { signal } = this.closing;
    for (;;) {
      await this.clock.sleep(ROUND_MS * (0.9 + Math.random() * 0.2), signal);
      if (signal.aborted) return;
      await this.inTurn('erasures', ERASURES_MS, () => this.erasures());
      await this.inTurn('retention', RETENTION_MS, () => this.retentions());
    }
  }

  private async inTurn(chore: string, forMs: number, work: () => Promise<void>): Promise<void> {
    try {
      if (await this.retention.claim(chore, forMs)) await work();
    } catch (error) {
      this.logger.warn('housekeeping.failed', { chore, ...errorFields(error) });
    }
  }

  /** Until a batch is not full, it is enough for now, or the process stops. */
  private async batches(full: number, next: () => Promise<number>): Promise<void> {
    let done = 0;
    for (let n = 0; n < BATCHES_MAX && !this.closing.signal.aborted; n += 1) {
      const count = await next();
      done += count;
      if (count < full) break;
      await this.clock.sleep(PAUSE_MS, this.closing.signal);
    }
    if (done > 0) this.logger.log('housekeeping.done', { rows: done });
  }

  /** Through all creators, however many: a walk that ended half way would never reach the last ones. */
  private async walk(step: (after: string | undefined) => Promise<WalkedBatch>): Promise<void> {
    let after: string | undefined;
    let done = 0;
    do {
      const batch = await step(after);
      done += batch.count;
      after = batch.next;
      if (after !== undefined) await this.clock.sleep(PAUSE_MS, this.closing.signal);
    } while (after !== undefined && !this.closing.signal.aborted);
    if (done > 0) this.logger.log('housekeeping.done', { rows: done });
  }
}
