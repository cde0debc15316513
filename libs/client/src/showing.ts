import { parseServerFrame } from '@droppio/protocol';
import type { Clock } from '@droppio/tips';
import { patchedView, type Showing, type TipAlert } from './alert.js';
import type { Bookmark, CursorStore } from './cursor-store.js';
import { entryOf, frameOf, Rank, toAlert, type Entry, type Progress } from './entry.js';

/*
 * The alert on the screen, as a page writes it down for the one that comes after it. Two lines: what it is, written before it is drawn, and
 * how far it has come, written at its first frame, at half of its time and at its end. A part of it that was seen for less than half may come
 * back once; what was taken five times and never came to an end is let go, so that an alert which kills its page cannot do so for ever.
 */
const APPEARANCES_MAX = 5;
/** An alert that was out of sight for most of its time comes back once. */
const PARTS_MAX = 2;
const PLAYING = /^(\d{1,15}) (\S{1,32}) (\d{1,3}) (away|unseen|-) (-|\d{1,15},\d{1,7},(?:half|painted)) (\{.*\})$/;

/** The alert that was taken last: how far it is, written down at every step. */
export class OnScreen {
  private playing: { readonly entry: Entry; readonly takenAt: number } | undefined;
  private isRetracted = false;

  constructor(
    private readonly store: CursorStore,
    private readonly clock: Clock,
  ) {}

  get isEmpty(): boolean {
    return this.playing === undefined;
  }

  /** `shown`: all ids, its own among them; both are written in one piece. */
  begin(entry: Entry, shown: readonly string[]): Showing | undefined {
    const takenAt = this.clock.now();
    this.isRetracted = false;
    const taken = { ...entry, appearances: entry.appearances + 1 };
    this.playing = { entry: taken, takenAt };
    this.store.save({ shown, playing: writePlaying(taken, takenAt) });
    return showingOf(entry, takenAt);
  }

  /** The tip on the screen says something else now. */
  change(tip: TipAlert): void {
    if (this.playing === undefined || this.isRetracted) return;
    const { entry, takenAt } = this.playing;
    const [only] = entry.members;
    if (entry.members.length !== 1 || only === undefined || (only.id !== tip.id && only.replayOf !== tip.id)) return;
    const changed = { ...entry, members: [{ ...only, view: patchedView(only, tip) }] };
    this.playing = { entry: changed, takenAt };
    this.store.save({ playing: writePlaying(changed, takenAt) });
  }

  /** The tip has left its chain: what is on the screen comes to its end, and does not come back. */
  retract(id: string): void {
    const members = this.playing?.entry.members ?? [];
    if (members.length !== 1 || members[0]?.id !== id) return;
    this.isRetracted = true;
    this.store.save({ playing: '' });
  }

  /** Its first frame is on the screen, of `durationMs` in all that it has. */
  painted(durationMs: number): void {
    if (this.playing === undefined) return;
    const now = this.clock.now();
    const { leftMs = durationMs, halfSeen = false } = showingOf(this.playing.entry, now) ?? {};
    this.note({ startedAt: Math.round(now + leftMs - durationMs), durationMs, halfSeen });
  }

  /** From now on it counts as shown. */
  halfSeen(): void {
    const { progress } = this.playing?.entry ?? {};
    if (progress !== undefined && !progress.halfSeen) this.note({ ...progress, halfSeen: true });
  }

  /** It is off the screen, and will not come back. */
  done(): void {
    if (this.playing !== undefined) this.store.save({ progress: `${String(this.playing.takenAt)} done` });
    this.playing = undefined;
  }

  /** What is to come back, of an alert that nobody saw, or less than half of. */
  giveBack(): Entry | undefined {
    const { entry } = this.playing ?? {};
    const wasSeen = entry?.progress !== undefined;
    if (entry === undefined || this.isRetracted || (wasSeen && entry.appearances >= PARTS_MAX)) {
      this.done();
      return undefined;
    }
    // Not `done`: until it is taken again, what was written down brings it back after a reload too.
    this.playing = undefined;
    return { ...returning(entry, this.clock.now()), appearances: wasSeen ? entry.appearances : entry.appearances - 1 };
  }

  private note(progress: Progress): void {
    if (this.playing === undefined) return;
    const { entry, takenAt } = this.playing;
    this.playing = { takenAt, entry: { ...entry, progress } };
    this.store.save({ progress: `${String(takenAt)} ${textOf(progress)}` });
  }
}

function writePlaying(entry: Entry, takenAt: number): string {
  const { epoch, appearances, missed = '-', progress } = entry;
  return [takenAt, epoch, appearances, missed, progress === undefined ? '-' : textOf(progress), JSON.stringify(frameOf(entry))].join(' ');
}

const textOf = ({ startedAt, durationMs, halfSeen }: Progress): string => [startedAt, durationMs, halfSeen ? 'half' : 'painted'].join();

/** What is still to be shown of what the page before was showing, if anything. */
export function restore({ playing = '', progress: progressText = '' }: Bookmark, now: number, isSameTab: boolean): Entry | undefined {
  const [, takenAt = '', epoch = '', appearances, missed, before, json] = PLAYING.exec(playing) ?? [];
  if (json === undefined || Number(appearances) >= APPEARANCES_MAX) return undefined;
  const [of, after] = progressText.split(' ');
  const state = of === takenAt ? after : before;
  const left = state === 'done' ? undefined : readEntry(json, epoch, Number(takenAt));
  if (left === undefined) return undefined;
  const entry: Entry = {
    ...left,
    appearances: Number(appearances),
    progress: progressOf(state),
    // What the browser had not written down before its own end is not known; rather no entrance than two.
    mayHaveBegun: !isSameTab,
    missed: missedOf(missed),
    judged: true,
  };
  return isOver(entry, now) && entry.progress?.halfSeen === true ? undefined : returning(entry, now);
}

const missedOf = (word: string | undefined): Entry['missed'] => (word === 'away' || word === 'unseen' ? word : undefined);

function readEntry(json: string, epoch: string, takenAt: number): Entry | undefined {
  const frame = parseServerFrame(json);
  if (frame?.op !== 'event') return undefined;
  if (frame.type === 'summary') return entryOf(frame, epoch, takenAt);
  return frame.type === 'tip' || frame.type === 'test' ? { ...entryOf(frame, epoch, takenAt), sinceMs: frame.at.seen } : undefined;
}

/** An entry that was handed out and comes back into the line. What is still on its time goes on at once, before everything else. */
function returning(entry: Entry, now: number): Entry {
  return { ...entry, rank: entry.progress !== undefined && !isOver(entry, now) ? Rank.goesOn : Rank.first };
}

/** Its time on the wall has passed. */
function isOver({ progress }: Entry, now: number): boolean {
  return progress !== undefined && now >= progress.startedAt + progress.durationMs;
}

function showingOf(entry: Entry, now: number): Showing | undefined {
  const alert = toAlert(entry);
  if (alert === undefined) return undefined;
  const { progress } = entry;
  if (progress === undefined) return { alert, resumed: entry.mayHaveBegun === true, halfSeen: false };
  const { startedAt, durationMs, halfSeen } = progress;
  // The clock may have been put back meanwhile.
  const restMs = Math.min(durationMs, Math.max(0, startedAt + durationMs - now));
  return { alert, resumed: true, halfSeen, leftMs: halfSeen ? restMs : Math.max(restMs, durationMs / 2) };
}

function progressOf(text = ''): Progress | undefined {
  const [, startedAt, durationMs, state] = /^(\d{1,15}),(\d{1,7}),(half|painted)$/.exec(text) ?? [];
  if (startedAt === undefined || durationMs === undefined) return undefined;
  return { startedAt: Number(startedAt), durationMs: Number(durationMs), halfSeen: state === 'half' };
}
