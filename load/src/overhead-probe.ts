import type { RunningApp } from '@droppio/platform';
import { Clock, TipFeed, TipLedger, tipId, within } from '@droppio/tips';

export interface Passage {
  readonly tips: number;
  readonly headerAtMs: number;
  readonly committedAtMs: number;
  /** The last of the block's events is in the feed; absent for a block without tips. */
  readonly publishedAtMs?: number;
}

interface Waited {
  readonly number: number;
  readonly tips: number;
  readonly done: (passage: Passage) => void;
}

const PATIENCE_MS = 20_000;
const exactNow = (): number => performance.timeOrigin + performance.now();

/**
 * Looks at one block at a time as it goes through a running listener's own ports. The ports are the real ones: each call is passed on and
 * only the moment of its answer is noted. The clock still tells whole milliseconds, and what fraction each stood for is remembered.
 */
export class OverheadProbe {
  private readonly fractions = new Map<number, number>();
  private readonly missing = new Set<string>();
  private waited: Waited | undefined;
  private begun: Omit<Passage, 'publishedAtMs'> | undefined;

  constructor({ app }: RunningApp) {
    this.listenToClock(app.get(Clock));
    this.listenToLedger(app.get(TipLedger));
    this.listenToFeed(app.get(TipFeed));
  }

  /** The passage of the block with this number, brought about by `mine`. */
  async passage(number: number, tips: number, mine: () => Promise<void>): Promise<Passage> {
    this.fractions.clear();
    const passed = new Promise<Passage>((done) => (this.waited = { number, tips, done }));
    await mine();
    return within(PATIENCE_MS, `block ${String(number)} with ${String(tips)} tips`, passed);
  }

  private listenToClock(clock: Clock): void {
    clock.now = () => {
      const exact = exactNow();
      const whole = Math.floor(exact);
      if (!this.fractions.has(whole)) this.fractions.set(whole, exact);
      return whole;
    };
  }

  private listenToLedger(ledger: TipLedger): void {
    const commit = ledger.commit.bind(ledger);
    ledger.commit = async (chainId, fence, given) => {
      const isWaited = given.block.number === this.waited?.number;
      if (isWaited) for (const { txHash, ordinal } of given.tips) this.missing.add(tipId({ chainId, txHash, ordinal }));
      const outcome = await commit(chainId, fence, given);
      if (isWaited && outcome.kind === 'committed') {
        const headerAtMs = this.fractions.get(given.seenAtMs) ?? given.seenAtMs;
        this.begun = { tips: given.tips.length, headerAtMs, committedAtMs: exactNow() };
        if (given.tips.length === 0) this.end(this.begun);
      }
      return outcome;
    };
  }

  private listenToFeed(feed: TipFeed): void {
    const append = feed.append.bind(feed);
    feed.append = async (creatorId, epoch, event) => {
      const outcome = await append(creatorId, epoch, event);
      if (this.missing.delete(event.id) && this.missing.size === 0 && this.begun !== undefined) {
        this.end({ ...this.begun, publishedAtMs: exactNow() });
      }
      return outcome;
    };
  }

  private end(passage: Passage): void {
    const { waited } = this;
    this.waited = undefined;
    this.begun = undefined;
    if (passage.tips !== waited?.tips) throw new Error(`block with ${String(passage.tips)} tips, not ${String(waited?.tips)}`);
    waited.done(passage);
  }
}
