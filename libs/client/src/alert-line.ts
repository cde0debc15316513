import { isPressed, patchedView, type TipAlert } from './alert.js';
import { fold, idsIn, isToBeJudged, mayFold, priorityOf, Rank, type Entry } from './entry.js';

/** More missed alerts than any catch-up rule plays one by one: the oldest beyond are one entry. */
const MISSED_MAX = 100;
/** Tests and replays cannot be folded; nobody presses that often. */
const PRESSED_MAX = 100;

/** The alerts that wait, in the order in which they will be shown. Bounded: what is too much is folded. */
export class AlertLine {
  private list: readonly Entry[] = [];

  constructor(
    /** More than this waiting at once are folded into one card. */
    private readonly burst: number,
  ) {}

  get entries(): readonly Entry[] {
    return this.list;
  }

  get first(): Entry | undefined {
    return this.list[0];
  }

  get ids(): string[] {
    return this.list.flatMap(idsIn);
  }

  /** Behind those of its own lane; into the card of its tier, where one waits. */
  add(entry: Entry): void {
    const same =
      entry.tier === undefined
        ? undefined
        : this.list.find((other) => other.tier === entry.tier && mayFold(other) && isToBeJudged(other) === isToBeJudged(entry));
    if (same !== undefined) {
      this.list = this.list.map((other) => (other === same ? fold([same, entry]) : other));
      return;
    }
    const behind = this.list.findIndex((other) => other.rank > entry.rank);
    this.list = behind === -1 ? [...this.list, entry] : [...this.list.slice(0, behind), entry, ...this.list.slice(behind)];
    this.bound();
  }

  /** Before all others. */
  putFirst(entry: Entry): void {
    this.list = [entry, ...this.list];
  }

  shift(): Entry | undefined {
    const [first, ...others] = this.list;
    this.list = others;
    return first;
  }

  clear(): void {
    this.list = [];
  }

  has(id: string): boolean {
    return this.list.some(({ members, counted }) => counted?.includes(id) === true || members.some((member) => member.id === id));
  }

  /** In its place. */
  change(change: (entry: Entry) => Entry): void {
    this.list = this.list.map(change);
  }

  changeMember(id: string, change: (member: TipAlert) => TipAlert | undefined): void {
    this.change((entry) =>
      entry.members.some((member) => member.id === id)
        ? { ...entry, members: entry.members.flatMap((member) => (member.id === id ? (change(member) ?? []) : [member])) }
        : entry,
    );
    this.remove(this.list.filter((entry) => entry.members.length === 0 && entry.summed.length === 0));
  }

  /** A tip has changed that is to be played once more: what a replay does not say, it does not say now. */
  changeReplays(tip: TipAlert): void {
    for (const { id, replayOf } of this.list.flatMap((entry) => entry.members))
      if (replayOf === tip.id) this.changeMember(id, (member) => ({ ...member, view: patchedView(member, tip) }));
  }

  remove(entries: readonly Entry[]): void {
    this.list = this.list.filter((entry) => !entries.includes(entry));
  }

  /** One entry for these, in the place of the first of them. Those that may not be folded stay. */
  foldAll(candidates: readonly Entry[], change: Partial<Entry> = {}): void {
    const [first, ...others] = candidates.filter(mayFold);
    if (first === undefined || (others.length === 0 && Object.keys(change).length === 0)) return;
    const folded = { ...fold([first, ...others]), ...change };
    this.list = this.list.filter((entry) => !others.includes(entry)).map((entry) => (entry === first ? folded : entry));
  }

  /** Whoever reached a tier is not hidden in a card because there were many others. `excess`: so many places have to go. */
  private foldSmallest(entries: readonly Entry[], excess: number): void {
    const priorities = [...new Set(entries.map(priorityOf))].sort((a, b) => a - b);
    const fits = (most: number): boolean => entries.filter((entry) => mayFold(entry) && priorityOf(entry) <= most).length > excess;
    const most = priorities.find(fits) ?? Number.POSITIVE_INFINITY;
    this.foldAll(entries.filter((entry) => priorityOf(entry) <= most));
  }

  private bound(): void {
    // Missed ones are judged as a whole, and may then be more.
    const live = this.list.filter((entry) => entry.missed === undefined);
    if (live.length > this.burst)
      this.foldSmallest(
        live.filter((entry) => entry.rank === Rank.normal),
        live.length - this.burst,
      );
    // So many that even those with priority cannot be shown one by one.
    const left = this.list.filter((entry) => entry.missed === undefined);
    if (left.length > this.burst) this.foldAll(left);
    const missed = this.list.filter((entry) => entry.missed !== undefined && mayFold(entry));
    if (missed.length > MISSED_MAX) this.foldAll(missed.slice(0, missed.length - MISSED_MAX + 1));
    const pressed = this.list.filter((entry) => entry.members.some(isPressed));
    if (pressed.length > PRESSED_MAX) this.remove(pressed.slice(0, 1));
  }
}
