import { backoffMs, type Clock } from '@droppio/tips';
import type { TextStorage } from './cursor-store.js';

export interface RenewalOptions {
  readonly clock: Clock;
  readonly random: () => number;
  /** Nothing is on the screen, nothing waits. */
  readonly isIdle: () => boolean;
  /** What the server would send for a reload now; `undefined` while it does not answer with a page. Never rejects. */
  readonly newest: () => Promise<string | undefined>;
  /** What this page was made from, in the same words. */
  readonly own: string;
  /** Since when there has been no link; `undefined` while there is one. */
  readonly awaySince: () => number | undefined;
  readonly reload: () => void;
  /** Lives over reloads. Without one the page never reloads itself: it could not know that it just did. */
  readonly memory: TextStorage | undefined;
}

const MINUTE_MS = 60_000;
const LOOK_MS = 10 * MINUTE_MS;
/** Browser sources that live for days have been seen to freeze. */
const LIFE_MS = 12 * 60 * MINUTE_MS;
/** Far longer than any back-off: the network answers, and yet no link comes up. */
const AWAY_MS = 15 * MINUTE_MS;
const JITTER_MS = 30_000;
/** Whatever the reason: a page that loads itself again and again is worse than one that is old. */
const AT_MOST_EVERY_MS = 30 * MINUTE_MS;
const ASKED_AT_MOST_EVERY_MS = MINUTE_MS;
const ASK_AGAIN_MS = 2000;
/** All pages of a creator wait for the same server. */
const UNANSWERED = { baseMs: 4000, capMs: 5 * MINUTE_MS };
const KEY = 'droppio:reloaded';

/**
 * Loads the page anew: every twelve hours, when the server has another version of it, when the link cannot be rebuilt although the
 * server answers, and when the creator asks. Only while nothing is on the screen, never twice within half an hour, and never before
 * the server has proved that it can send the page: a source that fails to load stays an error page until somebody looks.
 */
export class Renewal {
  private readonly bornAt: number;
  private asked = false;
  /** How often the server has sent no page since it last did. */
  private unanswered = 0;

  constructor(private readonly options: RenewalOptions) {
    this.bornAt = options.clock.now();
  }

  /** Looks again and again, until aborted. */
  async run(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.options.clock.sleep(LOOK_MS + this.options.random() * JITTER_MS, signal);
      if (signal.aborted) return;
      await this.look();
    }
  }

  /** The creator says so. */
  async ask(): Promise<void> {
    const { clock, random } = this.options;
    if (this.asked || this.options.memory === undefined) return;
    this.asked = true;
    // All pages of a creator hear it at once.
    await clock.sleep(random() * JITTER_MS);
    while (!(await this.renew(ASKED_AT_MOST_EVERY_MS, () => true))) {
      const restMs = this.unanswered === 0 ? 0 : backoffMs(this.unanswered - 1, UNANSWERED, random);
      await clock.sleep(ASK_AGAIN_MS + restMs);
    }
  }

  private async look(): Promise<void> {
    const { clock, own, awaySince } = this.options;
    const now = clock.now();
    const isDue = now - this.bornAt >= LIFE_MS || now - (awaySince() ?? now) >= AWAY_MS;
    await this.renew(AT_MOST_EVERY_MS, (newest) => isDue || newest !== own);
  }

  private async renew(atMostEveryMs: number, isWorthIt: (newest: string) => boolean): Promise<boolean> {
    const { clock, isIdle, newest, reload, memory } = this.options;
    if (!isIdle() || memory === undefined || this.isRecent(lastOf(memory), atMostEveryMs)) return false;
    const offered = await newest();
    this.unanswered = offered === undefined ? this.unanswered + 1 : 0;
    // Something may have come meanwhile.
    if (offered === undefined || !isWorthIt(offered) || !isIdle()) return false;
    try {
      memory.setItem(KEY, String(clock.now()));
      if (lastOf(memory) === 0) return false;
    } catch {
      return false;
    }
    reload();
    return true;
  }

  /** What lies in the future was written by a clock that was wrong. */
  private isRecent(last: number, forMs: number): boolean {
    const agoMs = this.options.clock.now() - last;
    return agoMs >= 0 && agoMs < forMs;
  }
}

function lastOf(memory: TextStorage): number {
  try {
    const text = memory.getItem(KEY) ?? '';
    return /^\d{1,15}$/.test(text) ? Number(text) : 0;
  } catch {
    return 0;
  }
}
