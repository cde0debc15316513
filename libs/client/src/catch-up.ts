import type { Clock, FeedPosition } from '@droppio/tips';
import { isPressed } from './alert.js';
import type { AlertLine } from './alert-line.js';
import { Rank, tipsIn, type Entry } from './entry.js';

/** What becomes of alerts that came while the page was away, or while nobody could see it. */
export interface CatchUpRule {
  /**
   * `digest`: one by one if they are few and young, else one card. `play`: the newest few that are young one by one, after one card for the
   * others. `manual`: nothing; the creator replays what is wanted.
   */
  readonly mode: 'play' | 'digest' | 'manual';
  /** Older ones are too old to be played. */
  readonly maxAgeSec: number;
  /** More than these are too many. */
  readonly maxAlerts: number;
}

export interface Verdict {
  /** One by one. */
  readonly play: readonly Entry[];
  /** Together, in one card. */
  readonly digest: readonly Entry[];
  readonly nothing: readonly Entry[];
}

/** `missed` in the order in which they would play. What the creator pressed is played while it is young, and is never part of a card. */
export function judge(missed: readonly Entry[], { mode, maxAgeSec, maxAlerts }: CatchUpRule, now: number): Verdict {
  if (mode === 'manual') return { play: [], digest: [], nothing: missed };
  const isYoung = (entry: Entry): boolean => now - entry.sinceMs <= maxAgeSec * 1000 && entry.summed.length === 0;
  const pressed = missed.filter((entry) => entry.members.some(isPressed));
  const young = missed.filter((entry) => !pressed.includes(entry) && isYoung(entry));
  // Nobody who paid to go before others ends up in a card because there were many others.
  const counted = young.filter((entry) => entry.rank === Rank.normal);
  const count = counted.reduce((tips, entry) => tips + tipsIn(entry), 0);
  const spared = mode === 'play' ? Math.min(counted.length, maxAlerts) : 0;
  const tooMany = count > maxAlerts ? counted.slice(0, counted.length - spared) : [];
  const play = [...young.filter((entry) => !tooMany.includes(entry)), ...pressed.filter(isYoung)];
  const nothing = pressed.filter((entry) => !isYoung(entry));
  return { play, nothing, digest: missed.filter((entry) => !play.includes(entry) && !nothing.includes(entry)) };
}

/** Knows which alerts were missed, and has them judged when the page is back. */
export class CatchUp {
  /** Since the last `ready` nothing could come: what is sent again then was missed. */
  private isAway = true;
  private isReplayMissed = false;

  constructor(
    private readonly rule: () => CatchUpRule,
    private readonly clock: Clock,
    /** Events up to here had come before this page was loaded: they waited, and were not missed. */
    private readonly inLine: FeedPosition | undefined,
  ) {}

  interrupted(): void {
    this.isAway = true;
  }

  /** `ready` also begins each answer of a poll; the page was not away in between. */
  resumed(): void {
    this.isReplayMissed = this.isAway;
    this.isAway = false;
  }

  missedAs(entry: Entry, isReplay: boolean, isOnAir: boolean): Entry['missed'] {
    if (entry.summed.length > 0) return 'away';
    if (!isOnAir) return 'unseen';
    if (!isReplay || !this.isReplayMissed) return undefined;
    const waited = entry.epoch === this.inLine?.epoch && entry.seq <= this.inLine.seq;
    return waited && !this.isTooOld(entry) ? undefined : 'away';
  }

  /** What the rule would not play any more has to be judged, however it came to wait. */
  aged(entry: Entry): Entry {
    if (entry.rank === Rank.goesOn || !this.isTooOld(entry)) return entry;
    return { ...entry, missed: entry.missed ?? 'unseen', judged: false };
  }

  /** Returns the ids of those that will not be shown. */
  judge(line: AlertLine): readonly string[] {
    const missed = line.entries.filter(({ missed, judged, rank }) => missed !== undefined && judged !== true && rank !== Rank.goesOn);
    if (missed.length === 0) return [];
    const { play, digest, nothing } = judge(missed, this.rule(), this.clock.now());
    line.change((entry) => (play.includes(entry) ? { ...entry, judged: true } : entry));
    line.foldAll(digest, { isCard: true, judged: true });
    line.remove(nothing);
    return nothing.flatMap((entry) => entry.members.map(({ id }) => id));
  }

  private isTooOld({ sinceMs }: Entry): boolean {
    return this.clock.now() - sinceMs > this.rule().maxAgeSec * 1000;
  }
}
