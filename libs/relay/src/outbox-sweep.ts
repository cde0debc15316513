import { Inject, Injectable, Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import { backoffMs, BrokerUnavailable, Clock, StorageUnavailable, within } from '@droppio/tips';
import { CreatorRelay } from './creator-relay.js';
import { RelayMetrics } from './metrics.js';
import { Outbox } from './outbox.js';
import { RELAY_SETTINGS, type RelaySettings } from './relay-settings.js';

const CREATORS_A_SWEEP = 500;
const ONE_CREATOR_MS = 10_000;
const FAILING_BACKOFF = { baseMs: 4000, capMs: 120_000 };

interface Failing {
  readonly failures: number;
  readonly notBeforeMs: number;
}

/**
 * The net under the fast path and the queue: finds whatever was committed and not published, whoever lost it, and publishes it. Creators
 * that fail for reasons of their own wait longer and longer, so that they do not stand in the way of the others.
 */
@Injectable()
export class OutboxSweep {
  private readonly log = new Logger('relay');
  private readonly failing = new Map<string, Failing>();

  constructor(
    private readonly outbox: Outbox,
    private readonly relay: CreatorRelay,
    private readonly clock: Clock,
    private readonly metrics: RelayMetrics,
    @Inject(RELAY_SETTINGS) readonly settings: RelaySettings,
  ) {}

  /** Publishes what waits and returns the age of what still waits, at least, in seconds. Throws `StorageUnavailable`. */
  async sweep(): Promise<number> {
    const found = await this.outbox.waiting(this.settings.sweepAfterMs, CREATORS_A_SWEEP + this.failing.size);
    this.forgetMended(found);
    const now = this.clock.now();
    const due = found.filter((creatorId) => (this.failing.get(creatorId)?.notBeforeMs ?? 0) <= now).slice(0, CREATORS_A_SWEEP);
    if (due.length > 0) this.log.log('sweep.found', { creators: found.length, due: due.length });
    const waiting = (await this.outbox.liveFirst(due)).values();
    const away = new AbortController();
    await Promise.all(Array.from({ length: this.settings.sweepConcurrency }, () => this.drainFrom(waiting, away)));
    const age = found.length === 0 ? 0 : await this.outbox.oldestSeconds(this.settings.maxLagMs);
    this.metrics.oldest(age);
    return age;
  }

  private async drainFrom(waiting: Iterator<string>, away: AbortController): Promise<void> {
    for (let next = waiting.next(); next.done !== true && !away.signal.aborted; next = waiting.next()) {
      const creatorId = next.value;
      try {
        await within(ONE_CREATOR_MS, 'draining one creator', this.relay.publish(creatorId));
        this.failing.delete(creatorId);
        this.metrics.swept('published');
      } catch (error) {
        this.metrics.swept('failed');
        this.log.warn('sweep.drain-failed', { creatorId, ...errorFields(error) });
        // With Redis or Postgres away the rest would fail too: the next sweep tries again.
        if (error instanceof BrokerUnavailable || error instanceof StorageUnavailable) away.abort();
        else this.putOff(creatorId);
      }
    }
  }

  private putOff(creatorId: string): void {
    const failures = (this.failing.get(creatorId)?.failures ?? 0) + 1;
    this.failing.set(creatorId, { failures, notBeforeMs: this.clock.now() + backoffMs(failures, FAILING_BACKOFF) });
  }

  private forgetMended(found: readonly string[]): void {
    const unpublished = new Set(found);
    for (const creatorId of this.failing.keys()) if (!unpublished.has(creatorId)) this.failing.delete(creatorId);
  }
}
