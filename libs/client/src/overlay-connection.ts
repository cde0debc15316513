import { CloseCode, mayReconnect, type AuthFrame, type EventFrame, type ReadyFrame } from '@droppio/protocol';
import { backoffMs, type Backoff, type Clock, type FeedPosition } from '@droppio/tips';
import { Link, type LinkEvents } from './link.js';
import { ReportBudget } from './report-budget.js';
import { Sequence, type Gap } from './sequence.js';
import type { Closing, Transport } from './transport.js';
import { WallClock } from './wall-clock.js';

export type ConnectionState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'open' }
  /** Let go on purpose, until `wake`. */
  | { readonly kind: 'resting' }
  /** The server said that coming back cannot help (a code of 4500 or more; some of them are asked about again, seldom), or `stop` was called (1000). */
  | { readonly kind: 'stopped'; readonly code: number; readonly why?: string };

/** Called in the order of things. An exception in one of these is the caller's own: it must not throw. */
export interface ConnectionListener {
  /** Each event once, in seq order, never past a hole. `position` is the event's own. */
  event(frame: EventFrame, position: FeedPosition): void;
  /** Events follow from `frame.from` on; `position` is what counts as dealt with. Again after every reconnect, and with every poll. */
  ready(frame: ReadyFrame, position: FeedPosition): void;
  /** Comes before whatever follows the gap. */
  gap(gap: Gap, position: FeedPosition): void;
  state(state: ConnectionState): void;
}

export interface ConnectionOptions {
  readonly transport: Transport;
  readonly token: string;
  /** Last event dealt with by an earlier connection; without one the server starts at its head. */
  readonly cursor?: FeedPosition | undefined;
  /** Name and version for support, ≤ 64 characters. */
  readonly client?: string;
  readonly clock?: Clock;
  readonly random?: () => number;
}

const BACKOFF: Backoff = { baseMs: 500, capMs: 20_000 };
/** A link that lived shorter proves nothing: the back-off goes on where it was. */
const STABLE_MS = 10_000;
/** How long a ping may know of more than has come before the link counts as lossy. */
const BEHIND_MS = 5000;
/** Refusals that may be over one day: a handshake that was too slow, too many sockets, an overlay that is switched off. Up to twice as long. */
const ASK_AGAIN_MS: ReadonlyMap<number, number> = new Map([
  [CloseCode.authTimeout, 5000],
  [CloseCode.tooManySocketsOnToken, 60_000],
  [CloseCode.overlayDisabled, 60_000],
]);
const GOING = 1000;
/** What a server may ask for; above it `setTimeout` would overflow one day. */
const WAIT_MAX_MS = 300_000;

/**
 * Keeps one overlay connected for ever: reconnects with back-off, resumes at its position, moves to another gateway without a pause when
 * asked to, and passes on each event exactly once in order or announces the gap.
 */
export class OverlayConnection {
  private readonly sequence: Sequence;
  private readonly clock: Clock;
  private readonly random: () => number;
  /** Delivers. Two links live at once only during a move. */
  private current: Link | undefined;
  /** On its way to `ready`. */
  private next: Link | undefined;
  private wait: AbortController | undefined;
  private life = new AbortController();
  private moving = false;
  private readonly reports = new ReportBudget();
  private attempt = 0;
  private state: ConnectionState = { kind: 'stopped', code: GOING };

  constructor(
    private readonly options: ConnectionOptions,
    private readonly listener: ConnectionListener,
  ) {
    this.sequence = new Sequence(options.cursor);
    this.clock = options.clock ?? new WallClock();
    this.random = options.random ?? Math.random;
  }

  get position(): FeedPosition | undefined {
    return this.sequence.position;
  }

  start(): void {
    if (this.state.kind === 'stopped') this.begin();
  }

  /** Lets go of the connection but not of its place: nothing comes until `wake`. */
  rest(): void {
    if (this.isUp) this.halt({ kind: 'resting' });
  }

  /** Goes on where it rested. */
  wake(): void {
    if (this.state.kind === 'resting') this.begin();
  }

  stop(): void {
    this.halt({ kind: 'stopped', code: GOING });
  }

  /** The network is back, says the page: do not sit out the back-off. */
  hurry(): void {
    if (this.current === undefined) this.wait?.abort();
  }

  /** Tells the server that an alert is on the screen, `ms` after its block. Best effort, and not more often than a server takes. */
  shown(seq: number, ms: number): void {
    if (!this.reports.take(this.clock.now())) return;
    this.current?.send({ op: 'shown', seq, ms: Math.min(86_400_000, Math.max(0, Math.round(ms))) });
  }

  private get isUp(): boolean {
    return this.state.kind === 'connecting' || this.state.kind === 'open';
  }

  private begin(): void {
    this.attempt = 0;
    this.life = new AbortController();
    this.change({ kind: 'connecting' });
    this.connect();
  }

  private connect(): void {
    if (!this.isUp || this.next !== undefined) return;
    this.next = new Link(this.options.transport, () => this.auth(), this.clock, this.events);
  }

  private auth(): AuthFrame {
    const { token, client } = this.options;
    const cursor = this.sequence.position;
    return { op: 'auth', token, ...(cursor && { cursor }), ...(client !== undefined && { client }) };
  }

  private readonly events: LinkEvents = {
    ready: (link, frame) => {
      // A way that asks again and again is admitted every time.
      if (link === this.current) this.resume(frame);
      if (link !== this.next) return;
      // Make before break: the old link delivered until this moment, and nothing that it still says is heard.
      this.current?.close(GOING, 'moved');
      this.current = link;
      this.next = undefined;
      this.moving = false;
      this.change({ kind: 'open' });
      this.resume(frame);
    },
    event: (link, frame) => {
      if (link !== this.current) return;
      const verdict = this.sequence.take(frame);
      const { position } = this.sequence;
      if (verdict === 'next' && position !== undefined) this.listener.event(frame, position);
      if (verdict === 'hole') this.resync(link);
    },
    gap: (link, frame) => {
      if (link !== this.current) return;
      const gap = this.sequence.lose(frame.from, frame.to);
      const { position } = this.sequence;
      if (gap === 'hole') this.resync(link);
      else if (typeof gap === 'object' && position !== undefined) this.listener.gap(gap, position);
    },
    ping: (link, frame) => {
      // With the store behind it away the server knows of events that it cannot send: coming back would not bring them.
      if (link === this.current && frame.degraded !== true && this.sequence.isBehind(frame.head)) void this.expect(link, frame.head);
    },
    move: (link, frame) => {
      if (link === this.current && !this.moving) void this.move(link, bounded(frame.afterMs), bounded(frame.graceMs));
    },
    over: (link, closing) => {
      this.lost(link, closing);
    },
  };

  private resume(frame: ReadyFrame): void {
    const gap = this.sequence.resume(frame);
    const position = this.sequence.position ?? { epoch: frame.epoch, seq: frame.from - 1 };
    if (gap !== undefined) this.listener.gap(gap, position);
    this.listener.ready(frame, position);
  }

  private lost(link: Link, closing: Closing): void {
    if (link.readyForMs >= STABLE_MS) this.attempt = 0;
    if (link === this.next) this.next = undefined;
    if (link === this.current) {
      this.current = undefined;
      this.moving = false;
    }
    // A successor that was refused says nothing about the link that still works; that one gets its own verdict.
    if (this.current === undefined && !mayReconnect(closing.code)) {
      this.halt({ kind: 'stopped', code: closing.code, ...(closing.why !== undefined && { why: closing.why }) });
      void this.askAgain(closing.code);
      return;
    }
    if (this.current === undefined) this.change({ kind: 'connecting' });
    if (this.next === undefined) void this.retry(closing.retryMs ?? 0);
  }

  private resync(link: Link): void {
    link.close(CloseCode.resync, 'hole');
    this.lost(link, { code: CloseCode.resync });
  }

  /** Never before the time the server asked for, and spread after it: those told the same number come back apart. */
  private async retry(afterMs: number): Promise<void> {
    const delayMs = bounded(afterMs) + backoffMs(this.attempt, BACKOFF, this.random);
    this.attempt += 1;
    if (await this.waited(delayMs)) this.connect();
  }

  /** Nobody stands beside a browser source to reload it once its overlay is switched on again. */
  private async askAgain(code: number): Promise<void> {
    const ms = ASK_AGAIN_MS.get(code);
    if (ms === undefined) return;
    const mine = (this.wait = new AbortController());
    await this.clock.sleep(ms * (1 + this.random()), mine.signal);
    if (!mine.signal.aborted && this.state.kind === 'stopped') this.begin();
  }

  private async move(old: Link, afterMs: number, graceMs: number): Promise<void> {
    this.moving = true;
    if (old.readyForMs >= STABLE_MS) this.attempt = 0;
    if (!(await this.waited(afterMs))) return;
    this.connect();
    await this.clock.sleep(graceMs, this.life.signal);
    // Without a successor it goes on: it is the server that ends it, if it has to, and nobody is better off with no link at all.
    if (this.current === old) this.moving = false;
  }

  private async expect(link: Link, head: number): Promise<void> {
    await this.clock.sleep(BEHIND_MS, this.life.signal);
    if (link === this.current && this.sequence.isBehind(head)) this.resync(link);
  }

  /** One wait at a time: a newer one replaces the older. False when it was replaced or everything stopped. */
  private async waited(ms: number): Promise<boolean> {
    this.wait?.abort();
    const mine = (this.wait = new AbortController());
    await this.clock.sleep(ms, mine.signal);
    return this.wait === mine && this.isUp;
  }

  private halt(state: ConnectionState): void {
    this.change(state);
    this.wait?.abort();
    this.wait = undefined;
    this.life.abort();
    for (const link of [this.current, this.next]) link?.close(GOING, state.kind);
    this.current = this.next = undefined;
  }

  private change(state: ConnectionState): void {
    if (state.kind === this.state.kind) return;
    this.state = state;
    this.listener.state(state);
  }
}

function bounded(ms: number): number {
  return Number.isFinite(ms) ? Math.min(WAIT_MAX_MS, Math.max(0, ms)) : 0;
}
