import type { Clock, FeedPosition } from '@droppio/tips';
import { isPressed } from './alert.js';
import type { AlertLine } from './alert-line.js';
import { idsIn, isToBeJudged, isWaiting, Rank, tipsIn, type Entry } from './entry.js';
import type { Sight } from './sight.js';

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

/**
 * `missed` in the order in which they would play; `played`: how many of the same absence have. What the creator pressed is played while it is
 * young, and is never part of a card.
 */
export function judge(missed: readonly Entry[], { mode, maxAgeSec, maxAlerts }: CatchUpRule, now: number, played = 0): Verdict {
  if (mode === 'manual') return { play: [], digest: [], nothing: missed };
  const isYoung = (entry: Entry): boolean => now - entry.sinceMs <= maxAgeSec * 1000 && entry.summed.length === 0;
  const pressed = missed.filter((entry) => entry.members.some(isPressed));
  const young = missed.filter((entry) => !pressed.includes(entry) && isYoung(entry));
  // Nobody who paid to go before others ends up in a card because there were many others, but for want of room.
  const ahead = young.filter((entry) => entry.rank !== Rank.normal);
  const first = played + sum(ahead) <= maxAlerts ? ahead : [];
  const others = [...young.filter((entry) => entry.rank === Rank.normal), ...(first === ahead ? [] : ahead)];
  const room = Math.max(0, maxAlerts - played - sum(first));
  const spared = mode === 'play' ? Math.min(others.length, room) : 0;
  const tooMany = sum(others) > room ? others.slice(0, others.length - spared) : [];
  const play = [...young.filter((entry) => !tooMany.includes(entry)), ...pressed.filter(isYoung)];
  const nothing = pressed.filter((entry) => !isYoung(entry));
  return { play, nothing, digest: missed.filter((entry) => !play.includes(entry) && !nothing.includes(entry)) };
}

const sum = (entries: readonly Entry[]): number => entries.reduce((tips, entry) => tips + tipsIn(entry), 0);

/** Knows which alerts were missed, and has them judged when the page is back. */
export class CatchUp {
  /** Since the last `ready` nothing could come: what is sent again then was missed. */
  private isAway = true;
  private isReplayMissed = false;
  /** The link broke before all that was missed had come: what follows next belongs to the same absence. */
  private isHalfTold = false;
  /** Tips of one absence that have played by themselves. */
  private played = 0;

  constructor(
    private readonly rule: () => CatchUpRule,
    private readonly clock: Clock,
    /** Events up to here had come before this page was loaded: they waited, and were not missed if that was not long ago. */
    private readonly inLine: FeedPosition | undefined,
    private readonly sight: Sight,
  ) {}

  /** `isMidway`: not all that was missed has come. What has is judged by itself, since nobody knows when the rest will. */
  interrupted(isMidway: boolean): void {
    this.isAway = true;
    this.isHalfTold ||= isMidway;
  }

  /** `ready` also begins each answer of a poll; the page was not away in between. */
  resumed(line: AlertLine): void {
    this.isReplayMissed = this.isAway;
    if (!this.isAway) return;
    if (this.isHalfTold) line.change((entry) => (isLeft(entry) ? { ...entry, judged: false } : entry));
    else this.played = 0;
    this.isAway = this.isHalfTold = false;
  }

  /** Nobody can see the page any more. */
  lostSight(line: AlertLine): void {
    this.sight.lose();
    if (!this.isHalfTold && !line.entries.some(isLeft)) this.played = 0;
  }

  /**
   * Somebody can see the page again. What waited before it was out of sight is judged with what was missed then, or more alerts would follow than the
   * rule allows; where that is to play nothing, what had come in time still plays. After moments only what was missed is judged, and the rest plays on.
   */
  regainedSight(line: AlertLine): void {
    const isAbsence = this.sight.regain();
    const isAllMissed = isAbsence && this.rule().mode !== 'manual';
    if (isAbsence) this.played = 0;
    line.change((entry) =>
      isLeft(entry) || (isAllMissed && isWaiting(entry)) ? { ...entry, missed: entry.missed ?? 'unseen', judged: false } : this.aged(entry),
    );
  }

  taken(entry: Entry): void {
    if (isLeft(entry) && entry.isCard !== true && !entry.members.some(isPressed)) this.played += tipsIn(entry);
  }

  missedAs(entry: Entry, isReplay: boolean, isOnAir: boolean): Entry['missed'] {
    if (entry.summed.length > 0) return 'away';
    const isAgain = isReplay && this.isReplayMissed;
    if (isAgain && this.hasWaited(entry)) return undefined;
    if (!isOnAir) return 'unseen';
    return isAgain ? 'away' : undefined;
  }

  /** In the line of the page before, which this one goes on with. */
  private hasWaited(entry: Entry): boolean {
    const isThere = entry.epoch === this.inLine?.epoch && entry.seq <= this.inLine.seq && !this.isTooOld(entry);
    return isThere && (!this.sight.wasAbsent || this.rule().mode === 'manual');
  }

  /** What the rule would not play any more has to be judged, however it came to wait. */
  aged(entry: Entry): Entry {
    if (entry.rank === Rank.goesOn || !this.isTooOld(entry)) return entry;
    return { ...entry, missed: entry.missed ?? 'unseen', judged: false };
  }

  /** Has waited in the line for longer than anybody wants to see it by itself. */
  isOutdated(entry: Entry): boolean {
    return this.isTooOld(entry) && this.clock.now() - entry.sinceMs > entry.ttlMs;
  }

  /** Returns the ids of those that will not be shown. */
  judge(line: AlertLine): readonly string[] {
    const missed = line.entries.filter(isToBeJudged);
    if (missed.length === 0) return [];
    const { play, digest, nothing } = judge(missed, this.rule(), this.clock.now(), this.played);
    line.change((entry) => (play.includes(entry) ? { ...entry, judged: true } : entry));
    line.foldAll(digest, { isCard: true, judged: true });
    line.remove(nothing);
    return nothing.flatMap(idsIn);
  }

  private isTooOld({ sinceMs }: Entry): boolean {
    return this.clock.now() - sinceMs > this.rule().maxAgeSec * 1000;
  }
}

/** It was missed, and was not handed out yet. */
const isLeft = (entry: Entry): boolean => entry.missed !== undefined && isWaiting(entry);
