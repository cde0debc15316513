import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import type { FeedStore, FoundPosition } from './feed-store.js';

const CREATORS_AT_ONCE = 1000;

export interface AskTimes {
  /** How often it is asked for what was not told, milliseconds. */
  readonly askEveryMs: number;
  /** The same while nothing is told at all. */
  readonly askDeafEveryMs: number;
}

export interface AskPlan {
  readonly times: AskTimes;
  readonly hears: () => boolean;
  readonly creators: () => readonly string[];
  readonly answer: (creatorId: string, found: FoundPosition | undefined) => void;
}

/** Asks now and then how far all feeds are that somebody listens to: a word that got lost costs seconds, and no feed is forgotten while it is looked at. */
export class FeedAsker {
  private readonly log = new Logger('storage');
  private readonly closing = new AbortController();
  private asking: Promise<void> = Promise.resolve();
  /** Whose turn it is. */
  private next = 0;

  constructor(
    private readonly store: Pick<FeedStore, 'positions' | 'use'>,
    private readonly plan: AskPlan,
  ) {}

  start(): void {
    this.asking = this.askUntilClosed();
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.asking;
  }

  /**
   * Asks for all. Never rejects: the next time goes on after the ones that could not be asked for, so that the others do not wait behind them each
   * time.
   */
  async ask(): Promise<void> {
    const creators = this.plan.creators();
    try {
      for (let asked = 0; asked < creators.length && !this.closing.signal.aborted; asked += CREATORS_AT_ONCE) {
        await this.askFor(this.inTurn(creators, Math.min(CREATORS_AT_ONCE, creators.length - asked)));
      }
    } catch (error) {
      if (!this.closing.signal.aborted) this.log.warn('feed.not-asked', errorFields(error));
    }
  }

  private inTurn(creators: readonly string[], count: number): readonly string[] {
    const from = this.next % creators.length;
    this.next = from + count;
    return [...creators.slice(from, this.next), ...creators.slice(0, Math.max(0, this.next - creators.length))];
  }

  private async askFor(creators: readonly string[]): Promise<void> {
    const positions = await this.store.positions(creators);
    for (const creatorId of creators) this.plan.answer(creatorId, positions.get(creatorId));
    const resting = creators.filter((creatorId) => positions.get(creatorId)?.rests === true);
    if (resting.length > 0) await this.store.use(resting);
  }

  private async askUntilClosed(): Promise<void> {
    const { signal } = this.closing;
    while (!signal.aborted) {
      const { askEveryMs, askDeafEveryMs } = this.plan.times;
      const everyMs = this.plan.hears() ? askEveryMs : askDeafEveryMs;
      await sleep(everyMs * (0.8 + Math.random() * 0.4), undefined, { signal }).catch(() => undefined);
      await this.ask();
    }
  }
}
