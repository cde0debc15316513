/*
 * An overlay for programs from outside (k6, Artillery), which bundle this file: it imports nothing, and is told what a socket, a clock and a meter
 * are. Connections and deliveries count from when they were due, returns from the loss.
 */
export interface OutsidePlan {
  readonly rooms: number;
  /** Over all rooms. */
  readonly tipsPerSecond: number;
}

export interface OutsideSocket {
  close(): void;
  addEventListener(type: 'message', listener: (event: { readonly data?: unknown }) => void): void;
  addEventListener(type: 'close' | 'error', listener: () => void): void;
}

export const COUNTERS = ['arrivals', 'deliveries', 'lost', 'doubled', 'leaked', 'closes', 'reconnects'] as const;
export type Counter = (typeof COUNTERS)[number];
export type Trend = 'connect_ms' | 'reconnect_ms' | 'delivery_ms';
export type Share = 'connected' | 'delivered';

export interface Outside {
  /** Unix milliseconds. */
  now(): number;
  random(): number;
  /** `query`: what follows `?`. */
  open(query: string): OutsideSocket;
  /** Once, unless it is called off by what is returned. */
  later(ms: number, work: () => void): () => void;
  count(name: Counter, by: number): void;
  time(name: Trend, ms: number): void;
  share(name: Share, isGood: boolean, times: number): void;
}

interface Frame {
  readonly op: string;
  readonly seq?: number;
  readonly from?: number;
  readonly to?: number;
  readonly type?: string;
  readonly epoch?: string;
  readonly afterMs?: number;
  readonly d?: { readonly message?: string };
}

const TIP = /t(\d+)r(\d+)n(\d+)e/;
const CONNECT_MS = 15_000;
/** As the overlay's own client pauses: anything from nothing to the double of the last time. */
const [PAUSE_MS, LONGEST_PAUSE_MS] = [500, 20_000];
/** Tips of the last seconds may be under way. */
const UNDER_WAY_SECONDS = 5;

/** How many tips an overlay that watches for so long must have heard of, at least. */
export function tipsDue({ rooms, tipsPerSecond }: OutsidePlan, seconds: number): number {
  if (tipsPerSecond === 0) return 0;
  return Math.max(0, Math.floor(((seconds - UNDER_WAY_SECONDS) * tipsPerSecond) / rooms) - 1);
}

export class OutsideOverlay {
  private readonly world: Outside;
  private readonly plan: OutsidePlan;
  private readonly room: { readonly place: number; readonly token: string };
  private socket: OutsideSocket | undefined;
  private epoch: string | undefined;
  private seq = 0;
  private attempts = 0;
  private pauses = 0;
  private heard = 0;
  private missed = 0;
  /** It wants a link since then. */
  private since = 0;
  /** It has had one since then: what was due before is history to it. */
  private watchesSince: number | undefined;
  private hasArrived = false;
  private isOver = false;
  private callOff: () => void = () => undefined;

  constructor(world: Outside, plan: OutsidePlan, room: { readonly place: number; readonly token: string }) {
    this.world = world;
    this.plan = plan;
    this.room = room;
  }

  start(dueMs: number): void {
    this.since = dueMs;
    this.connect();
  }

  /** Its time is over: what it must have heard by now and has not is lost. */
  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.callOff();
    this.socket?.close();
    if (this.watchesSince === undefined) {
      this.arrived(false);
      return;
    }
    const missing = tipsDue(this.plan, (this.world.now() - this.watchesSince) / 1000) - this.heard - this.missed;
    if (missing > 0) this.lose(missing);
  }

  private connect(): void {
    this.attempts += 1;
    const isFirst = this.attempts === 1;
    const from = this.epoch === undefined ? '' : `&epoch=${this.epoch}&seq=${String(this.seq)}`;
    const socket = this.world.open(`token=${this.room.token}${from}`);
    this.socket = socket;
    let [isReady, isMoving] = [false, false];
    let hasEnded = false;
    // Not every program says with which code a socket ended, so that a server's "never come back" is not obeyed here.
    const ended = (): void => {
      noLonger();
      if (this.isOver || hasEnded) return;
      hasEnded = true;
      this.leave(isFirst, isReady, isMoving);
    };
    const noLonger = this.world.later(CONNECT_MS, () => {
      socket.close();
      ended();
    });
    socket.addEventListener('message', ({ data }) => {
      if (this.isOver || hasEnded || typeof data !== 'string') return;
      const frame = JSON.parse(data) as Frame;
      if (frame.op === 'ready' && !isReady) {
        isReady = true;
        noLonger();
        this.admit(frame, isFirst);
      } else if (frame.op === 'event') this.take(frame);
      else if (frame.op === 'gap') this.pass(frame);
      else if (frame.op === 'move') {
        isMoving = true;
        this.callOff = this.world.later(frame.afterMs ?? 0, () => {
          socket.close();
        });
      }
    });
    // In Node 22 a connection that could not be made ends with an error alone.
    socket.addEventListener('error', ended);
    socket.addEventListener('close', ended);
  }

  private leave(isFirst: boolean, wasReady: boolean, isMoving: boolean): void {
    if (isFirst && !wasReady) this.arrived(false);
    if (wasReady) this.since = this.world.now();
    if (wasReady && !isMoving) this.world.count('closes', 1);
    this.callOff();
    this.callOff = this.world.later(isMoving ? 0 : this.pause(wasReady), () => {
      this.connect();
    });
  }

  private pause(wasReady: boolean): number {
    if (wasReady) this.pauses = 0;
    const longest = Math.min(LONGEST_PAUSE_MS, PAUSE_MS * 2 ** this.pauses);
    this.pauses += 1;
    return this.world.random() * longest;
  }

  /** Once, with what became of the first attempt. */
  private arrived(atOnce: boolean): void {
    if (this.hasArrived) return;
    this.hasArrived = true;
    this.world.count('arrivals', 1);
    this.world.share('connected', atOnce, 1);
  }

  private admit({ epoch, from = 1 }: Frame, isFirst: boolean): void {
    const now = this.world.now();
    if (isFirst) this.arrived(true);
    this.world.time(this.watchesSince === undefined ? 'connect_ms' : 'reconnect_ms', now - this.since);
    if (this.watchesSince !== undefined) this.world.count('reconnects', 1);
    this.watchesSince ??= now;
    if (epoch !== this.epoch) this.seq = from - 1;
    this.epoch = epoch;
  }

  private take({ seq = 0, from = seq, type, d }: Frame): void {
    if (seq <= this.seq) {
      this.world.count('doubled', 1);
      return;
    }
    this.lose(from - this.seq - 1);
    this.seq = seq;
    if (type !== 'tip') return;
    const [, due, room] = TIP.exec(d?.message ?? '') ?? [];
    if (due === undefined) return;
    if (Number(room) !== this.room.place) this.world.count('leaked', 1);
    const dueMs = Number(due) / 1000;
    if (dueMs < (this.watchesSince ?? 0)) return;
    this.heard += 1;
    this.world.count('deliveries', 1);
    this.world.share('delivered', true, 1);
    this.world.time('delivery_ms', this.world.now() - dueMs);
  }

  /** The server says itself what it has no more. */
  private pass({ from = this.seq + 1, to = from }: Frame): void {
    this.lose(to - Math.max(from, this.seq + 1) + 1);
    this.seq = Math.max(this.seq, to);
  }

  private lose(tips: number): void {
    if (tips <= 0) return;
    this.missed += tips;
    this.world.count('lost', tips);
    this.world.share('delivered', false, tips);
  }
}
