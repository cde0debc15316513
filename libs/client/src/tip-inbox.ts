import type { EventFrame, ReadyFrame, TipFrame } from '@droppio/protocol';
import type { Clock, FeedPosition, OverlayTier } from '@droppio/tips';
import { alertOf, isPressed, type Showing, type TipAlert } from './alert.js';
import { AlertLine } from './alert-line.js';
import { CatchUp, type CatchUpRule } from './catch-up.js';
import type { CursorStore } from './cursor-store.js';
import { entryOf, Rank, type Entry } from './entry.js';
import { IdMemory } from './id-memory.js';
import { OnScreen, restore } from './showing.js';
import { WallClock } from './wall-clock.js';

export interface InboxListener {
  /** There may be something to `take`. */
  waiting(): void;
  /** Something about a tip that was taken has changed (a reorg moved it, a name was found). */
  patched?(alert: TipAlert): void;
}

/** How a tip takes its place among the others that wait. */
export type Place = Pick<OverlayTier, 'id' | 'queue'>;

export interface InboxOptions {
  readonly clock?: Clock;
  /** More alerts than this waiting are folded into one card. */
  readonly burst?: number;
  /** Asked when a tip comes; `undefined`: at the end of the line. */
  readonly placeOf?: (alert: TipAlert) => Place | undefined;
  /** Asked when the page is back. */
  readonly catchUp?: () => CatchUpRule;
  /** The page before was in this very tab, so that everything it wrote is there. */
  readonly isSameTab?: boolean;
  /** Ids that other pages of this overlay have begun to show. */
  readonly shownElsewhere?: () => readonly string[];
}

const BURST = 15;
const CATCH_UP: CatchUpRule = { mode: 'digest', maxAgeSec: 600, maxAlerts: 10 };

/**
 * What is still to be shown, in order. Shows each tip once, over reconnects and reloads: `take` writes down that an alert has begun
 * before it hands it out, and the stored cursor never passes an event that waits, so a reload asks the server for it again.
 */
export class TipInbox {
  /** What was taken last. */
  readonly screen: OnScreen;
  private readonly line: AlertLine;
  private readonly shown: IdMemory;
  private readonly catchUp: CatchUp;
  private received: FeedPosition | undefined;
  private catchingUpTo: number | undefined;
  private held = false;
  /** How much later it is here than at the server. */
  private aheadMs = 0;
  private isOnAir = true;
  /** What the page before was showing; until the first `ready` says how things look here. */
  private left: Entry | undefined;
  private readonly clock: Clock;

  constructor(
    private readonly store: CursorStore,
    private readonly listener: InboxListener,
    private readonly options: InboxOptions = {},
  ) {
    const bookmark = store.load();
    const { cursor, received, shown } = bookmark;
    const { clock = new WallClock(), burst = BURST, catchUp = () => CATCH_UP } = options;
    this.clock = clock;
    this.received = cursor;
    this.shown = new IdMemory(shown);
    this.line = new AlertLine(burst);
    this.screen = new OnScreen(store, clock);
    this.catchUp = new CatchUp(catchUp, clock, cursor && received !== undefined ? { epoch: cursor.epoch, seq: received } : undefined);
    this.left = restore(bookmark, clock.now(), options.isSameTab ?? true);
  }

  /** Everything up to here is shown or needs no showing: what to resume from. */
  get cursor(): FeedPosition | undefined {
    const { received } = this;
    if (received === undefined) return undefined;
    // What comes back was taken once: it is written down by itself.
    const waiting = this.line.entries.filter((entry) => entry.epoch === received.epoch && entry.appearances === 0);
    return { epoch: received.epoch, seq: Math.min(received.seq, ...waiting.map((entry) => entry.from - 1)) };
  }

  /** What the server's clock shows, as far as can be told from here. */
  get serverNow(): number {
    return this.clock.now() - this.aheadMs;
  }

  get size(): number {
    return this.line.entries.length;
  }

  /** Nothing is on the screen and nothing waits. */
  get isIdle(): boolean {
    return this.screen.isEmpty && this.left === undefined && this.size === 0;
  }

  /** The connection resumes; what was missed follows up to `head`, and is judged as a whole before any of it is shown. */
  resume(ready: Pick<ReadyFrame, 'head' | 'now'>, position: FeedPosition): void {
    if (ready.now !== undefined) this.aheadMs = this.clock.now() - ready.now;
    this.catchingUpTo = ready.head;
    this.catchUp.resumed();
    if (this.left !== undefined) this.line.putFirst(this.catchUp.aged(this.left));
    this.left = undefined;
    this.advance(position);
  }

  /** Events up to here will not come: announced as lost, or before the start. */
  advance(position: FeedPosition): void {
    this.received = position;
    if (this.catchingUpTo !== undefined && position.seq >= this.catchingUpTo) {
      this.catchingUpTo = undefined;
      this.wake();
    }
    this.save();
  }

  /** The link is gone, perhaps before everything missed has come: what is here need not wait for the rest. */
  interrupt(): void {
    this.catchUp.interrupted();
    this.catchingUpTo = undefined;
    this.wake();
  }

  /** While held nothing new is handed out; what comes waits. */
  hold(held: boolean): void {
    this.held = held;
    if (!held) this.wake();
  }

  /** While nobody can see this page, or nobody is to, nothing is handed out; what comes then was missed. */
  setOnAir(isOnAir: boolean): void {
    if (isOnAir === this.isOnAir) return;
    this.isOnAir = isOnAir;
    if (!isOnAir) return;
    this.line.change((entry) => this.catchUp.aged(entry));
    this.forgetSeenElsewhere();
    this.wake();
  }

  receive(frame: EventFrame, position: FeedPosition): void {
    switch (frame.type) {
      case 'tip':
      case 'tip.updated':
        this.hearTip(frame, position);
        break;
      case 'tip.retracted':
        this.line.changeMember(frame.id, () => undefined);
        break;
      case 'test':
      case 'summary':
        this.push(frame, position);
        break;
      case 'config':
      case 'control':
      case 'skip':
        break;
    }
    this.advance(position);
    this.wake();
  }

  /**
   * The next alert, written down as taken: it is handed out again only if `putBack` says that hardly anybody saw it, or if the page ends
   * before it is `painted`. `screen` is told how far it is.
   */
  take(): Showing | undefined {
    if (!this.isOnAir || this.catchingUpTo !== undefined) return undefined;
    // A pause lets the current one come to its end, over a reload too.
    if (this.held && this.line.first?.rank !== Rank.goesOn) return undefined;
    this.remember(this.catchUp.judge(this.line));
    const now = this.clock.now();
    this.line.foldAll(this.line.entries.filter((entry) => entry.missed === undefined && now - entry.sinceMs > entry.ttlMs));
    const entry = this.line.shift();
    if (entry === undefined) return undefined;
    this.shown.add(entry.members.map(({ id }) => id));
    const showing = this.screen.begin(entry, this.shown.list);
    this.save();
    return showing;
  }

  /** What was taken was out of sight for most of its time. It comes back once, as far as the catch-up rule lets it. */
  putBack(): void {
    const entry = this.screen.giveBack();
    if (entry !== undefined) this.line.putFirst(entry);
  }

  /** Resolves when what was taken is written down for good. */
  settled(): Promise<void> {
    return this.store.settled();
  }

  /** Nothing that waits now will be shown. */
  clear(): void {
    this.shown.add(this.line.ids);
    this.line.clear();
    this.left = undefined;
    // What was to come back will not, over a reload either.
    this.store.save({ shown: this.shown.list, ...(this.screen.isEmpty && { playing: '' }) });
    this.save();
  }

  private hearTip(frame: TipFrame, position: FeedPosition): void {
    const alert = alertOf(frame);
    if (this.line.has(alert.id)) this.line.changeMember(alert.id, (member) => ({ ...member, view: alert.view }));
    else if (this.shown.has(alert.id)) this.listener.patched?.(alert);
    // An update of a tip that this page never had is news only when the tip (again) counts: it was retracted before it could play.
    else if (frame.type === 'tip' || frame.state === 'confirmed') this.push(frame, position);
  }

  private push(frame: Parameters<typeof entryOf>[0], { epoch }: FeedPosition): void {
    const entry = entryOf(frame, epoch, this.clock.now(), this.aheadMs);
    const [tip] = entry.members;
    if (tip !== undefined && (this.shown.has(tip.id) || this.line.has(tip.id))) return;
    const place = this.placeOf(tip);
    if (tip !== undefined && place.queue === 'dropIfBusy' && this.isBusy) {
      this.remember([tip.id]);
      return;
    }
    this.line.add({
      ...entry,
      missed: this.catchUp.missedAs(entry, frame.replay === true, this.isOnAir),
      rank: place.queue === 'jump' ? Rank.first : Rank.normal,
      tier: place.queue === 'mergeSame' ? place.id : undefined,
    });
  }

  private placeOf(tip: TipAlert | undefined): Place {
    // What the creator plays once more does not wait behind everybody else.
    if (tip?.replayOf !== undefined) return { id: '', queue: 'jump' };
    return (tip === undefined || isPressed(tip) ? undefined : this.options.placeOf?.(tip)) ?? { id: '', queue: 'queue' };
  }

  /** It could not play at once. */
  private get isBusy(): boolean {
    return !this.screen.isEmpty || this.size > 0 || this.held || !this.isOnAir;
  }

  /** While this page was out of sight another one of the overlay stood in for it. */
  private forgetSeenElsewhere(): void {
    const unseen = new Set(
      this.line.entries.filter(({ missed }) => missed === 'unseen').flatMap(({ members }) => members.map(({ id }) => id)),
    );
    if (unseen.size === 0) return;
    const seen = (this.options.shownElsewhere?.() ?? []).filter((id) => unseen.has(id));
    for (const id of seen) this.line.changeMember(id, () => undefined);
    this.remember(seen);
  }

  private remember(ids: readonly string[]): void {
    if (ids.length === 0) return;
    this.shown.add(ids);
    this.store.save({ shown: this.shown.list });
  }

  private wake(): void {
    if (this.size > 0) this.listener.waiting();
  }

  private save(): void {
    const { cursor, received } = this;
    if (cursor !== undefined && received !== undefined) this.store.save({ cursor, received: received.seq });
  }
}
