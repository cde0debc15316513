import type { EventFrame, ReadyFrame, SummaryFrame, TipFrame } from '@droppio/protocol';
import type { Clock, FeedPosition } from '@droppio/tips';
import { alertOf, isPressed, type Showing, type TipAlert } from './alert.js';
import { AlertLine } from './alert-line.js';
import { CatchUp } from './catch-up.js';
import type { CursorStore } from './cursor-store.js';
import { entryOf, idsIn, isWaiting, Rank, withoutKnown, type Entry } from './entry.js';
import { BURST, CATCH_UP, type InboxListener, type InboxOptions, type Place } from './inbox-options.js';
import { ShownAlerts } from './shown-alerts.js';
import { OnScreen, restore } from './showing.js';
import { Sight } from './sight.js';
import { StreamPlace } from './stream-place.js';
import { WallClock } from './wall-clock.js';

/**
 * What is still to be shown, in order. Shows each tip once, over reconnects and reloads: `take` writes down that an alert has begun
 * before it hands it out, and the stored cursor never passes an event that waits, so a reload asks the server for it again.
 */
export class TipInbox {
  /** What was taken last. */
  readonly screen: OnScreen;
  private readonly line: AlertLine;
  private readonly shown: ShownAlerts;
  private readonly place: StreamPlace;
  private readonly catchUp: CatchUp;
  private held = false;
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
    const { cursor, received, seenAt, shown } = bookmark;
    const { clock = new WallClock(), burst = BURST, catchUp = () => CATCH_UP, shownElsewhere = () => [] } = options;
    this.clock = clock;
    this.shown = new ShownAlerts(store, shownElsewhere, shown);
    this.line = new AlertLine(burst);
    const sight = new Sight(clock, seenAt);
    this.place = new StreamPlace(store, clock, () => this.line.entries, cursor, sight);
    this.screen = new OnScreen(store, clock);
    const inLine = cursor && received !== undefined ? { epoch: cursor.epoch, seq: received } : undefined;
    this.catchUp = new CatchUp(catchUp, clock, inLine, sight);
    this.left = restore(bookmark, clock.now(), options.isSameTab ?? true);
  }

  /** What to resume from. */
  get cursor(): FeedPosition | undefined {
    return this.place.cursor;
  }

  /** What the server's clock shows, as far as can be told from here. */
  get serverNow(): number {
    return this.clock.now() - this.place.aheadMs;
  }

  get size(): number {
    return this.line.entries.length;
  }

  /**
   * Nothing is on the screen, and nothing is about to be. What waits for the link, for its turn on the air or for the end of a pause waits
   * over a reload too: the stored cursor stands before it.
   */
  get isIdle(): boolean {
    return this.screen.isEmpty && (this.size === 0 || this.held || !this.isOnAir);
  }

  /** The connection resumes; what was missed follows up to `head`, and is judged as a whole before any of it is shown. */
  resume(ready: Pick<ReadyFrame, 'head' | 'now'>, position: FeedPosition): void {
    this.place.resume(ready);
    this.catchUp.resumed(this.line);
    if (this.left !== undefined) this.line.putFirst(this.catchUp.aged(this.left));
    this.left = undefined;
    this.advance(position);
  }

  /** Events up to here will not come: announced as lost, or before the start. */
  advance(position: FeedPosition): void {
    if (this.place.advance(position)) this.wake();
  }

  /** The link is gone, perhaps before everything missed has come: what is here need not wait for the rest. */
  interrupt(): void {
    this.catchUp.interrupted(this.place.isCatchingUp);
    this.place.interrupt();
    this.wake();
  }

  /** While held nothing new is handed out; what comes waits. */
  hold(held: boolean): void {
    this.held = held;
    if (!held) this.wake();
  }

  /** While nobody can see this page, or nobody is to, nothing is handed out; what comes then was missed, and after a while what waits as well. */
  setOnAir(isOnAir: boolean): void {
    if (isOnAir === this.isOnAir) return;
    this.isOnAir = isOnAir;
    if (isOnAir) {
      this.shown.leaveOut(this.line, isWaiting);
      this.catchUp.regainedSight(this.line);
      this.wake();
      return;
    }
    this.catchUp.lostSight(this.line);
    // The page may end here. Before the first `ready` nothing that waited is here, and stands as it was written.
    if (this.size > 0) this.place.save();
  }

  receive(frame: EventFrame, position: FeedPosition): void {
    switch (frame.type) {
      case 'tip':
      case 'tip.updated':
        this.hearTip(frame, position);
        break;
      case 'tip.retracted':
        this.line.changeMember(frame.id, () => undefined);
        this.screen.retract(frame.id);
        break;
      case 'test':
        this.push(frame, position);
        break;
      case 'summary':
        this.hearSummary(frame, position);
        break;
      case 'config':
      case 'control':
      case 'skip':
        break;
    }
    // What another page shows meanwhile need not hold this one's cursor back.
    if (!this.isOnAir) this.shown.leaveOut(this.line, isWaiting);
    this.advance(position);
    this.wake();
  }

  /**
   * The next alert, written down as taken: it is handed out again only if `putBack` says that hardly anybody saw it, or if the page ends
   * before it is `painted`. `screen` is told how far it is.
   */
  take(): Showing | undefined {
    if (!this.isOnAir || this.place.isCatchingUp) return undefined;
    // A pause lets the current one come to its end, over a reload too.
    if (this.held && this.line.first?.rank !== Rank.goesOn) return undefined;
    this.shown.leaveOut(this.line);
    this.shown.remember(this.catchUp.judge(this.line));
    this.line.foldAll(this.line.entries.filter((entry) => entry.missed === undefined && this.catchUp.isOutdated(entry)));
    const entry = this.line.shift();
    if (entry === undefined) return undefined;
    this.catchUp.taken(entry);
    this.shown.add(idsIn(entry));
    const showing = this.screen.begin(entry, this.shown.list);
    this.place.save();
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
    this.place.save();
  }

  /** The stored cursor may stand before tips that have overtaken others. */
  private hearSummary(frame: SummaryFrame, position: FeedPosition): void {
    const isShown = this.shown.anywhere();
    const d = withoutKnown(frame.d, (id) => isShown(id) || this.line.has(id));
    if (d !== undefined) this.push({ ...frame, d }, position);
  }

  private hearTip(frame: TipFrame, position: FeedPosition): void {
    const alert = alertOf(frame);
    this.line.changeReplays(alert);
    if (this.line.has(alert.id)) this.line.changeMember(alert.id, (member) => ({ ...member, view: alert.view }));
    else if (this.shown.has(alert.id)) this.patch(alert);
    // An update of a tip that this page never had is news only when the tip (again) counts: it was retracted before it could play. One from before
    // this page's time is nobody's news.
    else if (frame.type === 'tip' || (frame.state === 'confirmed' && this.place.wasHere(frame.at.block))) this.push(frame, position);
  }

  /** A reload in the midst of it brings back what it says now. */
  private patch(alert: TipAlert): void {
    this.screen.change(alert);
    this.listener.patched?.(alert);
  }

  private push(frame: Parameters<typeof entryOf>[0], { epoch }: FeedPosition): void {
    const entry = entryOf(frame, epoch, this.clock.now(), this.place.aheadMs);
    const [tip] = entry.members;
    if (tip !== undefined && (this.shown.has(tip.id) || this.line.has(tip.id))) return;
    const place = this.placeOf(tip);
    if (tip !== undefined && place.queue === 'dropIfBusy' && this.isBusy) {
      this.shown.remember([tip.id]);
      return;
    }
    this.line.add({
      ...entry,
      missed: this.catchUp.missedAs(entry, frame.replay === true, this.isOnAir),
      rank: place.queue === 'jump' ? Rank.first : Rank.normal,
      tier: place.queue === 'mergeSame' ? place.id : undefined,
      priority: place.priority,
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

  private wake(): void {
    if (this.size > 0) this.listener.waiting();
  }
}
