import { setTimeout as sleep } from 'node:timers/promises';
import { exactNow, Order, type Answer, type Connect } from './crowd-orders.js';
import { CrowdSocket } from './crowd-socket.js';
import { StampReader } from './stamp-reader.js';

/*
 * A process of its own, started with an IPC channel: holds some thousands of sockets, and counts what they are sent. A process may open only so
 * many files, and the server that is measured should have a processor for itself, so there are several of these. Its own argument is its
 * number: each speaks from another address of the loopback net.
 */
const HANDSHAKES_AT_ONCE = 48;
const TICK_MS = 10;
const localAddress = `127.0.1.${process.argv[2] ?? '1'}`;
const reader = new StampReader();
const sockets: CrowdSocket[] = [];

const answer = (message: Answer): void => {
  process.send?.(message);
};

process.on('message', (message) => {
  const order = Order.parse(message);
  if (order.op === 'connect') void connectAll(order).then(answer);
  else if (order.op === 'reset') {
    reader.reset();
    answer({ op: 'reset' });
  } else answer({ op: 'report', deliveries: reader.deliveries, buckets: reader.buckets(), lost: reader.lost });
});
process.once('disconnect', () => process.exit(0));

async function connectAll(order: Connect): Promise<Answer> {
  const began = exactNow();
  const handshakesMs: number[] = [];
  const faults: string[] = [];
  const one = async (): Promise<void> => {
    const door = order.doors[sockets.length % order.doors.length];
    if (door === undefined) throw new TypeError('a crowd needs a door');
    const from = exactNow();
    const fault = await new Promise<string | undefined>((done) => sockets.push(new CrowdSocket(order, door, reader, localAddress, done)));
    if (fault === undefined) handshakesMs.push(exactNow() - from);
    else faults.push(fault);
  };
  if (order.perSecond === 0) await Promise.all(Array.from({ length: HANDSHAKES_AT_ONCE }, () => inTurn(order.sockets, one)));
  else await paced(order, one);
  return { op: 'connected', handshakesMs, failed: faults.length, why: faults[0] ?? '', seconds: (exactNow() - began) / 1000 };
}

async function inTurn(wanted: number, one: () => Promise<void>): Promise<void> {
  while (sockets.length < wanted) await one();
}

async function paced(order: Connect, one: () => Promise<void>): Promise<void> {
  const began = exactNow();
  const all: Promise<void>[] = [];
  while (all.length < order.sockets) {
    const due = Math.min(order.sockets, Math.floor(((exactNow() - began) / 1000) * order.perSecond) + 1);
    while (all.length < due) all.push(one());
    await sleep(TICK_MS);
  }
  await Promise.all(all);
}
