import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { COUNTERS, OutsideOverlay, type Outside } from '../src/targets/outside-overlay.ts';

/*
 * Overlays for Artillery, whose own engine for WebSockets measures neither connecting nor receiving: a virtual user is so many overlays with
 * sockets of Node's own. DROPPIO_WS_URL names the fleet (wss://…/overlay), DROPPIO_ROOMS the file that `npm run load:feed` writes, which must go on
 * telling tips meanwhile.
 */
interface Context {
  readonly vars: Record<string, unknown>;
}
interface Events {
  emit(kind: 'counter' | 'histogram', name: string, value: number): void;
}
type Done = (error?: Error) => void;

const url = process.env['DROPPIO_WS_URL'] ?? 'ws://127.0.0.1:8081/overlay';
const rooms = JSON.parse(readFileSync(resolve(process.env['DROPPIO_ROOMS'] ?? '../rooms.json'), 'utf8')) as { readonly token: string }[];
const SHARES = ['connected', 'not_connected', 'delivered', 'not_delivered'];
let arrived = 0;

function worldOf(events: Events): Outside {
  return {
    now: () => performance.timeOrigin + performance.now(),
    random: () => Math.random(),
    open: (query) => {
      const socket = new WebSocket(`${url}?${query}`);
      return {
        close: () => {
          socket.close();
        },
        addEventListener: (type: 'message' | 'close' | 'error', listener: (event: { readonly data?: unknown }) => void) => {
          socket.addEventListener(type, (event) => {
            listener('data' in event ? { data: event.data } : {});
          });
        },
      };
    },
    later: (ms, work) => {
      const timer = setTimeout(work, Math.max(0, ms));
      return () => {
        clearTimeout(timer);
      };
    },
    count: (name, by) => {
      events.emit('counter', `droppio.${name}`, by);
    },
    time: (name, ms) => {
      events.emit('histogram', `droppio.${name}`, ms);
    },
    share: (name, isGood, times) => {
      events.emit('counter', `droppio.${isGood ? name : `not_${name}`}`, times);
    },
  };
}

/** What one virtual user does: opens its overlays at a constant rate until the next one comes, and watches until its time is over. */
export function watch({ vars }: Context, events: Events, done: Done): void {
  const number = (name: string): number => Number(vars[name]);
  const world = worldOf(events);
  const plan = { rooms: number('rooms'), tipsPerSecond: number('tipsPerSecond') };
  // A counter that nobody touched cannot be compared.
  for (const name of [...COUNTERS, ...SHARES]) events.emit('counter', `droppio.${name}`, 0);
  const startsAt = world.now();
  const overlays: OutsideOverlay[] = [];
  for (let n = 0; n < number('overlaysEach'); n += 1) {
    const place = arrived % plan.rooms;
    arrived += 1;
    const overlay = new OutsideOverlay(world, plan, { place, token: rooms[place]?.token ?? '' });
    const dueMs = (n / number('overlaysEach')) * number('secondsEach') * 1000;
    overlays.push(overlay);
    world.later(dueMs, () => {
      overlay.start(startsAt + dueMs);
    });
  }
  world.later((number('secondsEach') + number('holdSeconds')) * 1000, () => {
    for (const overlay of overlays) overlay.end();
    done();
  });
}
