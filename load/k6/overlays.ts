import exec from 'k6/execution';
import { Counter, Rate, Trend } from 'k6/metrics';
import { clearTimeout, setTimeout } from 'k6/timers';
import { WebSocket } from 'k6/websockets';
import { COUNTERS, OutsideOverlay, type Outside, type OutsidePlan } from '../src/targets/outside-overlay.ts';

/*
 * Overlays for k6: many sockets a VU, each due at its time. DROPPIO_WS_URL names the fleet (wss://…/overlay), DROPPIO_ROOMS the file that
 * `npm run load:feed` writes, which must go on telling tips meanwhile.
 */
interface Plan extends OutsidePlan {
  readonly overlays: number;
  readonly vus: number;
  readonly rampSeconds: number;
  readonly holdSeconds: number;
}

const url = __ENV['DROPPIO_WS_URL'] ?? 'ws://127.0.0.1:8081/overlay';
const rooms = JSON.parse(open(__ENV['DROPPIO_ROOMS'] ?? '../rooms.json')) as { readonly token: string }[];

const counters = new Map(COUNTERS.map((name) => [name, new Counter(`droppio_${name}`)]));
const shares = { connected: new Rate('droppio_connected'), delivered: new Rate('droppio_delivered') };
const trends = {
  connect_ms: new Trend('droppio_connect_ms', true),
  reconnect_ms: new Trend('droppio_reconnect_ms', true),
  delivery_ms: new Trend('droppio_delivery_ms', true),
};

const world: Outside = {
  now: () => Date.now(),
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
    counters.get(name)?.add(by);
  },
  time: (name, ms) => {
    trends[name].add(ms);
  },
  share: (name, isGood, times) => {
    for (let n = 0; n < times; n += 1) shares[name].add(isGood);
  },
};

/** What one VU does: its share of the overlays. */
export function watching(plan: Plan): () => void {
  return () => {
    const mine = Math.ceil(plan.overlays / plan.vus);
    const first = (exec.vu.idInTest - 1) * mine;
    const { startTime } = exec.scenario;
    const endsAt = startTime + (plan.rampSeconds + plan.holdSeconds) * 1000;
    for (let n = first; n < Math.min(plan.overlays, first + mine); n += 1) {
      const place = n % plan.rooms;
      const overlay = new OutsideOverlay(world, plan, { place, token: rooms[place]?.token ?? '' });
      const dueAt = startTime + (n / plan.overlays) * plan.rampSeconds * 1000;
      world.later(dueAt - Date.now(), () => {
        overlay.start(dueAt);
      });
      world.later(endsAt - Date.now(), () => {
        overlay.end();
      });
    }
  };
}

/** A counter that nobody touched has no value to hold a bound against: k6 leaves such a bound out. */
export function setup(): void {
  for (const counter of counters.values()) counter.add(0);
}
