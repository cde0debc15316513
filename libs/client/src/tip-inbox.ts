import type { EventFrame, ReadyFrame, TipFrame } from '@droppio/protocol';
import type { Clock, FeedPosition } from '@droppio/tips';
import { alertOf, fold, mayFold, pressedAlertOf, toAlert, type Alert, type Entry, type TipAlert } from './alert.js';
import type { CursorStore } from './cursor-store.js';
import { WallClock } from './wall-clock.js';

export interface InboxListener {
  /** There may be something to `take`. */
  waiting(): void;
  /** Something about a tip that was taken has changed (a reorg moved it, a name was found). */
  patched?(alert: TipAlert): void;
}

export interface InboxOptions {
  readonly clock?: Clock;
  /** More alerts than this waiting are folded into one card. */
  readonly burst?: number;
  /** Goes before all others that wait, and is not folded with them. */
  readonly isPriority?: (alert: TipAlert) => boolean;
  /** More alerts than this missed while away are folded into one card. */
  readonly catchUp?: number;
}

const BURST = 15;
const CATCH_UP = 10;
/** Ids remembered to recognise a tip that returns by another way (renumbered stream, reorg). Order and cursor do the rest. */
const SHOWN_MAX = 1000;

/**
 * What is still to be shown, in order. Shows each tip once, over reconnects and reloads: `take` writes down that an alert has begun
 * before it hands it out, and the stored cursor never passes an event that waits, so a reload asks the server for it again.
 */
export class TipInbox {
  private entries: Entry[] = [];
  private readonly shown: Set<string>;
  private received: FeedPosition | undefined;
  private catchingUpTo: number | undefined;
  private held = false;
  private readonly clock: Clock;
  private readonly burst: number;
  private readonly catchUp: number;
  private readonly isPriority: (alert: TipAlert) => boolean;

  constructor(
    private readonly store: CursorStore,
    private readonly listener: InboxListener,
    options: InboxOptions = {},
  ) {
    const { cursor, shown } = store.load();
    this.received = cursor;
    this.shown = new Set(shown);
    this.clock = options.clock ?? new WallClock();
    this.burst = options.burst ?? BURST;
    this.catchUp = options.catchUp ?? CATCH_UP;
    this.isPriority = options.isPriority ?? (() => false);
  }

  /** Everything up to here is shown or needs no showing: what to resume from. */
  get cursor(): FeedPosition | undefined {
    const { received } = this;
    if (received === undefined) return undefined;
    const waiting = this.entries.filter((entry) => entry.epoch === received.epoch).map((entry) => entry.from - 1);
    return { epoch: received.epoch, seq: Math.min(received.seq, ...waiting) };
  }

  get size(): number {
    return this.entries.length;
  }

  /** The connection resumes; what was missed follows up to `head`, and is judged as a whole before any of it is shown. */
  resume(ready: Pick<ReadyFrame, 'head'>, position: FeedPosition): void {
    this.catchingUpTo = ready.head;
    this.advance(position);
  }

  /** Events up to here will not come: announced as lost, or before the start. */
  advance(position: FeedPosition): void {
    this.received = position;
    this.caughtUp();
    this.save();
  }

  /** The link is gone before everything missed has come: what is here need not wait for the rest. */
  interrupt(): void {
    this.catchingUpTo = undefined;
    if (this.entries.length > 0) this.listener.waiting();
  }

  /** While held nothing is handed out; what comes waits. */
  hold(held: boolean): void {
    this.held = held;
    if (!held && this.entries.length > 0) this.listener.waiting();
  }

  receive(frame: EventFrame, position: FeedPosition): void {
    switch (frame.type) {
      case 'tip':
      case 'tip.updated':
        this.hearTip(frame, position);
        break;
      case 'tip.retracted':
        this.retract(frame.id);
        break;
      case 'test':
        if (!this.knows(frame.id)) this.push(frame, position, { members: [pressedAlertOf(frame)] });
        break;
      case 'summary':
        this.push(frame, position, { summed: [frame.d] });
        break;
      case 'config':
      case 'control':
      case 'skip':
        break;
    }
    this.advance(position);
    if (this.entries.length > 0) this.listener.waiting();
  }

  /** The next alert, written down as shown: whatever happens from now on, it will not be handed out again. */
  take(): Alert | undefined {
    if (this.held || this.catchingUpTo !== undefined) return undefined;
    this.foldAll(this.entries.filter((entry) => this.clock.now() - entry.sinceMs > entry.ttlMs));
    const entry = this.entries.shift();
    if (entry === undefined) return undefined;
    for (const { id } of entry.members) this.remember(id);
    this.save([...this.shown]);
    return toAlert(entry);
  }

  /** Nothing that waits now will be shown. */
  clear(): void {
    for (const { id } of this.entries.flatMap((entry) => entry.members)) this.remember(id);
    this.entries = [];
    this.save([...this.shown]);
  }

  private hearTip(frame: TipFrame, position: FeedPosition): void {
    const alert = alertOf(frame);
    if (this.shown.has(alert.id)) this.listener.patched?.(alert);
    else if (this.waits(alert.id)) this.patch(alert);
    // An update of a tip that this page never had is news only when the tip (again) counts: it was retracted before it could play.
    else if (frame.type === 'tip' || frame.state === 'confirmed') this.push(frame, position, { members: [alert] });
  }

  private push(
    frame: Pick<EventFrame, 'seq' | 'from' | 'replay'> & { ttlMs?: number },
    { epoch }: FeedPosition,
    what: Partial<Pick<Entry, 'members' | 'summed'>>,
  ): void {
    const entry: Entry = {
      epoch,
      from: frame.from ?? frame.seq,
      seq: frame.seq,
      sinceMs: this.clock.now(),
      ttlMs: frame.ttlMs ?? Number.POSITIVE_INFINITY,
      replay: frame.replay === true || what.summed !== undefined,
      members: [],
      summed: [],
      ...what,
    };
    // Behind those of its own rank.
    const first = this.jumps(entry) ? this.entries.findIndex((other) => !this.jumps(other)) : -1;
    this.entries.splice(first === -1 ? this.entries.length : first, 0, entry);
    if (this.entries.length > this.burst) this.foldAll(this.entries.filter((other) => !this.jumps(other)));
    // So many that even those with priority cannot be shown one by one.
    if (this.entries.length > this.burst) this.foldAll(this.entries);
  }

  private jumps({ members, summed }: Entry): boolean {
    const [only] = members;
    return only !== undefined && members.length === 1 && summed.length === 0 && this.isPriority(only);
  }

  private patch(alert: TipAlert): void {
    this.changeMember(alert.id, (member) => [{ ...member, view: alert.view }]);
  }

  private retract(id: string): void {
    this.changeMember(id, () => []);
    this.entries = this.entries.filter((entry) => entry.members.length > 0 || entry.summed.length > 0);
  }

  private changeMember(id: string, change: (member: TipAlert) => TipAlert[]): void {
    this.entries = this.entries.map((entry) =>
      entry.members.some((member) => member.id === id)
        ? { ...entry, members: entry.members.flatMap((member) => (member.id === id ? change(member) : [member])) }
        : entry,
    );
  }

  private caughtUp(): void {
    if (this.catchingUpTo === undefined || this.received === undefined || this.received.seq < this.catchingUpTo) return;
    this.catchingUpTo = undefined;
    const missed = this.entries.filter((entry) => entry.replay && !this.jumps(entry));
    if (missed.reduce((tips, entry) => tips + entry.members.length, 0) > this.catchUp) this.foldAll(missed);
    if (this.entries.length > 0) this.listener.waiting();
  }

  /** One entry for these, in the place of the first of them. */
  private foldAll(candidates: readonly Entry[]): void {
    const [first, ...others] = candidates.filter(mayFold);
    if (first === undefined || others.length === 0) return;
    const folded = fold([first, ...others]);
    const gone = new Set(others);
    this.entries = this.entries.filter((entry) => !gone.has(entry)).map((entry) => (entry === first ? folded : entry));
  }

  private knows(id: string): boolean {
    return this.shown.has(id) || this.waits(id);
  }

  private waits(id: string): boolean {
    return this.entries.some((entry) => entry.members.some((member) => member.id === id));
  }

  private remember(id: string): void {
    this.shown.delete(id);
    this.shown.add(id);
    for (const oldest of this.shown) {
      if (this.shown.size <= SHOWN_MAX) break;
      this.shown.delete(oldest);
    }
  }

  private save(shown?: readonly string[]): void {
    const { cursor } = this;
    if (cursor !== undefined) this.store.save({ cursor, ...(shown && { shown }) });
  }
}
