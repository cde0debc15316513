import { setTimeout as sleep } from 'node:timers/promises';
import { ClientOverlay } from './client-overlay.js';
import { knock } from './knock.js';
import { Ledger, Told } from './ledger.js';
import { LightOverlay } from './light-overlay.js';
import { exactNow, Order, type Answer, type Audit, type Open, type Room } from './orders.js';
import type { Overlay } from './overlay.js';

/*
 * A process of its own, started with an IPC channel: holds some thousands of overlays, and tells every half second what they went through. The
 * gateways and whoever makes tips must not share an event loop with those that measure them.
 */
const TICK_MS = 500;
const DUE_EVERY_MS = 4;
const ledger = new Ledger();
const overlays: Overlay[] = [];
let ports: readonly number[] = [];
let next = Number(process.argv[2] ?? 0);
let churn = 0;

const answer = (message: Answer): void => {
  // Whoever started this process may have ended: 'disconnect' ends this one, too, and nobody needs to hear of the word between the two.
  process.send?.(message, undefined, undefined, () => undefined);
};
const pickPort = (): number => {
  next += 1;
  return ports[next % ports.length] ?? 1;
};

process.on('message', (message) => {
  const order = Order.parse(message);
  switch (order.op) {
    case 'open':
      void open(order).then(done);
      break;
    case 'ports':
      ({ ports } = order);
      done();
      break;
    case 'audit':
      answer(audit(order.told));
      break;
    case 'churn':
      churn = order.perSecond;
      done();
      break;
    case 'leave':
      for (const overlay of overlays.splice(Math.max(0, overlays.length - order.overlays))) overlay.stop();
      done();
      break;
    case 'knock':
      void knock(order).then(answer);
  }
});
process.once('disconnect', () => process.exit(0));
setInterval(() => {
  answer(ledger.take());
}, TICK_MS);
void comeAndGo();

function done(): void {
  answer({ op: 'done' });
}

/** Each at its time, however the earlier ones fare. */
async function open(order: Open): Promise<void> {
  ({ ports } = order);
  for (let n = 0; n < order.places.length;) {
    const now = exactNow() - order.startAt;
    for (let due = order.due[n]; due !== undefined && due <= now; due = order.due[n]) {
      const place = order.places[n] ?? 0;
      const room = order.rooms[place];
      if (room === undefined) throw new TypeError('an overlay needs a room');
      const overlay = make(order, room, place);
      overlays.push(overlay);
      overlay.told.since = order.startAt + due;
      overlay.start(order.startAt + due);
      n += 1;
    }
    await sleep(DUE_EVERY_MS);
  }
}

function make({ kind }: Open, room: Room, place: number): Overlay {
  const told = new Told(place, ledger);
  return kind === 'client'
    ? new ClientOverlay(room, told, ledger, pickPort)
    : new LightOverlay(room, told, ledger, pickPort, kind === 'deaf');
}

function audit(told: readonly number[]): Audit {
  const sum = (of: (overlay: Overlay) => number): number => overlays.reduce((total, overlay) => total + of(overlay), 0);
  return {
    op: 'audit',
    overlays: overlays.length,
    open: sum(({ isOpen }) => Number(isOpen)),
    missing: sum((overlay) => overlay.told.missing(told[overlay.told.room] ?? 0)),
    doubled: sum((overlay) => overlay.told.doubled),
    leaked: sum((overlay) => overlay.told.leaked),
    holes: sum((overlay) => overlay.told.holes),
    delivered: sum((overlay) => overlay.told.delivered),
  };
}

async function comeAndGo(): Promise<void> {
  for (let n = 0; ; n += 1) {
    await sleep(churn > 0 ? 1000 / churn : TICK_MS);
    const overlay = overlays[n % Math.max(1, overlays.length)];
    if (churn > 0 && overlay?.isOpen === true) overlay.comeAndGo();
  }
}
