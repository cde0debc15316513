import { describe, expect, it } from 'vitest';
import { tipMessage } from '../crowd/orders.js';
import { COUNTERS, OutsideOverlay, tipsDue, type Outside, type OutsideSocket } from './outside-overlay.js';

/** One tip of the room every second. */
const PLAN = { rooms: 10, tipsPerSecond: 10 };
const READY = { op: 'ready', epoch: 'e', from: 1 };

class FakeSocket implements OutsideSocket {
  private readonly listeners = new Map<string, (event: { readonly data?: unknown }) => void>();
  isClosed = false;

  constructor(readonly query: string) {}

  addEventListener(type: string, listener: (event: { readonly data?: unknown }) => void): void {
    this.listeners.set(type, listener);
  }

  say(frame: object): void {
    this.listeners.get('message')?.({ data: JSON.stringify(frame) });
  }

  fail(): void {
    this.listeners.get('error')?.({});
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.listeners.get('close')?.({});
  }
}

/** Time passes when the test says so; a pause of the overlay is always the longest. */
function outside() {
  const counts = new Map<string, number>();
  const times = new Map<string, number[]>();
  const shares = new Map<string, boolean[]>();
  const sockets: FakeSocket[] = [];
  let now = 0;
  let timers: { readonly at: number; readonly work: () => void }[] = [];
  const world: Outside = {
    now: () => now,
    random: () => 1,
    open: (query) => {
      const socket = new FakeSocket(query);
      sockets.push(socket);
      return socket;
    },
    later: (ms, work) => {
      const timer = { at: now + ms, work };
      timers.push(timer);
      return () => (timers = timers.filter((one) => one !== timer));
    },
    count: (name, by) => counts.set(name, (counts.get(name) ?? 0) + by),
    time: (name, ms) => times.set(name, [...(times.get(name) ?? []), ms]),
    share: (name, isGood, many) => {
      shares.set(name, [...(shares.get(name) ?? []), ...Array.from({ length: many }, () => isGood)]);
    },
  };
  return {
    overlay: new OutsideOverlay(world, PLAN, { place: 3, token: 'secret' }),
    sockets,
    times,
    shares,
    get last() {
      const socket = sockets.at(-1);
      if (socket === undefined) throw new Error('nothing was opened');
      return socket;
    },
    counts: () => Object.fromEntries(COUNTERS.flatMap((name) => (counts.has(name) ? [[name, counts.get(name)]] : []))),
    until(ms: number) {
      for (;;) {
        const [next] = timers.filter(({ at }) => at <= ms).sort((a, b) => a.at - b.at);
        if (next === undefined) break;
        timers = timers.filter((one) => one !== next);
        now = next.at;
        next.work();
      }
      now = ms;
    },
  };
}

const tip = (seq: number, dueMs: number, room = 3, from?: number) => ({
  op: 'event',
  type: 'tip',
  seq,
  ...(from === undefined ? {} : { from }),
  d: { message: tipMessage(dueMs, room, seq) },
});

describe(OutsideOverlay.name, () => {
  it('counts its arrival from when it was due, and every tip from when that was', () => {
    const run = outside();
    run.until(40);
    run.overlay.start(10);
    run.until(60);
    run.last.say(READY);
    run.until(1025);
    run.last.say(tip(1, 1000));
    expect(run.times).toEqual(
      new Map([
        ['connect_ms', [50]],
        ['delivery_ms', [25]],
      ]),
    );
    expect(run.counts()).toEqual({ arrivals: 1, deliveries: 1 });
    expect(run.shares.get('connected')).toEqual([true]);
  });

  it('takes a run in which nothing is told for one in which everything is lost', () => {
    const run = outside();
    run.overlay.start(0);
    run.last.say(READY);
    run.until(60_000);
    run.overlay.end();
    expect(run.counts()).toEqual({ arrivals: 1, lost: tipsDue(PLAN, 60) });
    expect(run.shares.get('delivered')).toHaveLength(54);
    expect(run.shares.get('delivered')).not.toContain(true);
  });

  it('misses the end of what was told, which no hole between two tips shows', () => {
    const run = outside();
    run.overlay.start(0);
    run.last.say(READY);
    for (let n = 1; n <= 30; n += 1) {
      run.until(n * 1000);
      run.last.say(tip(n, n * 1000));
    }
    run.until(60_000);
    run.overlay.end();
    expect(run.counts()).toEqual({ arrivals: 1, deliveries: 30, lost: 24 });
  });

  it('finds nothing wrong with all tips in order, the last ones still under way', () => {
    const run = outside();
    run.overlay.start(0);
    run.last.say(READY);
    for (let n = 1; n <= 55; n += 1) {
      run.until(n * 1000 + 5);
      run.last.say(tip(n, n * 1000));
    }
    run.until(60_000);
    run.overlay.end();
    expect(run.counts()).toEqual({ arrivals: 1, deliveries: 55 });
  });

  it('sees holes, gaps, doubles and leaks, and counts a hole once', () => {
    const run = outside();
    run.overlay.start(0);
    run.last.say(READY);
    run.last.say(tip(1, 0));
    run.last.say(tip(4, 0));
    run.last.say({ op: 'gap', from: 5, to: 7 });
    run.last.say(tip(10, 0, 3, 8));
    run.last.say(tip(10, 0));
    run.last.say(tip(11, 0, 4));
    run.until(17_000);
    run.overlay.end();
    expect(run.counts()).toEqual({ arrivals: 1, deliveries: 4, lost: 7, doubled: 1, leaked: 1 });
  });

  it('does not count its own end as a connection that ended', () => {
    const run = outside();
    run.overlay.start(0);
    run.last.say(READY);
    run.overlay.end();
    expect(run.last.isClosed).toBe(true);
    run.until(60_000);
    expect(run.sockets).toHaveLength(1);
    expect(run.counts()).toEqual({ arrivals: 1 });
  });

  it('comes back where it was, and counts that from the loss, with attempts that fail', () => {
    const run = outside();
    run.overlay.start(0);
    run.last.say({ ...READY, from: 8 });
    run.last.say(tip(8, 0));
    run.until(1000);
    run.last.close();
    run.until(1500);
    expect(run.last.query).toBe('token=secret&epoch=e&seq=8');
    run.last.close();
    run.until(2499);
    expect(run.sockets).toHaveLength(2);
    run.until(2510);
    run.last.say({ ...READY, from: 9 });
    run.last.say(tip(9, 2505));
    expect(run.times.get('reconnect_ms')).toEqual([1510]);
    expect(run.counts()).toEqual({ arrivals: 1, deliveries: 2, closes: 1, reconnects: 1 });
  });

  it('moves when it is asked to, which is no connection that ended', () => {
    const run = outside();
    run.overlay.start(0);
    run.last.say(READY);
    run.last.say({ op: 'move', afterMs: 300 });
    run.until(299);
    expect(run.sockets).toHaveLength(1);
    run.until(300);
    expect(run.sockets).toHaveLength(2);
    expect(run.counts()).toEqual({ arrivals: 1 });
  });

  it('has arrived late when its first attempt failed, and not at all when none was answered', () => {
    const run = outside();
    run.overlay.start(0);
    run.last.close();
    run.until(1000);
    run.last.say(READY);
    expect(run.shares.get('connected')).toEqual([false]);
    expect(run.times.get('connect_ms')).toEqual([1000]);
    const silent = outside();
    silent.overlay.start(0);
    silent.until(100);
    silent.overlay.end();
    expect(silent.shares.get('connected')).toEqual([false]);
    expect(silent.counts()).toEqual({ arrivals: 1 });
  });

  it('comes again after a connection that could not be made, which Node tells as an error alone', () => {
    const run = outside();
    run.overlay.start(0);
    run.last.fail();
    run.until(500);
    expect(run.sockets).toHaveLength(2);
    run.last.fail();
    run.last.close();
    run.until(2000);
    expect(run.sockets).toHaveLength(3);
    expect(run.counts()).toEqual({ arrivals: 1 });
  });

  it('does not wait for ever for a gateway that says nothing', () => {
    const run = outside();
    run.overlay.start(0);
    const [first] = run.sockets;
    run.until(15_600);
    expect(first?.isClosed).toBe(true);
    expect(run.sockets).toHaveLength(2);
  });
});
