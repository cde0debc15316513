import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import { PRESENCE_TTL_MS, VITALS_KEPT_MS } from '@droppio/tips';
import type { Database } from '../database.js';
import { FORGET_FEEDS, FORGET_PRESENCE, FORGET_VITALS, FORGET_WINDOWS, Gone } from './feed-statements.js';

const EVERY_MS = 60_000;
const AT_ONCE = 1000;
const STEPS = 20;
/** Each address that asks for something leaves a window: what a process takes away in a minute must be more than all of them can put there. */
const [WINDOWS_AT_ONCE, WINDOWS_STEPS] = [10_000, 100];
/** A feed that nobody has added to or looked at for so long is rebuilt when it is asked for. */
const FEED_KEPT_MS = 7 * 86_400_000;

/** Takes away what has ended: windows, words of processes that are gone, feeds that rest. Every process does, a little at a time. */
@Injectable()
export class FeedKeeper implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger('storage');
  private readonly closing = new AbortController();
  private keeping: Promise<void> = Promise.resolve();

  constructor(
    private readonly database: Database,
    private readonly everyMs = EVERY_MS,
  ) {}

  onApplicationBootstrap(): void {
    this.keeping = this.keep();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.closing.abort();
    await this.keeping;
  }

  /** Throws `StorageUnavailable`. */
  async tidy(): Promise<void> {
    if (this.closing.signal.aborted) return;
    await this.forget(FORGET_WINDOWS, 0, WINDOWS_AT_ONCE, WINDOWS_STEPS);
    await this.forget(FORGET_PRESENCE, PRESENCE_TTL_MS);
    await this.forget(FORGET_VITALS, VITALS_KEPT_MS);
    await this.forget(FORGET_FEEDS, FEED_KEPT_MS);
  }

  private async forget(statement: string, olderThanMs: number, atOnce = AT_ONCE, most = STEPS): Promise<void> {
    for (let steps = 0; steps < most && !this.closing.signal.aborted; steps += 1) {
      const [row] = await this.database.rows(Gone, statement, [olderThanMs, atOnce]);
      if ((row?.gone ?? 0) < atOnce) return;
    }
  }

  private async keep(): Promise<void> {
    const { signal } = this.closing;
    while (!signal.aborted) {
      await sleep(this.everyMs * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined);
      await this.tidy().catch((error: unknown) => {
        this.log.warn('feed.not-tidied', errorFields(error));
      });
    }
  }
}
