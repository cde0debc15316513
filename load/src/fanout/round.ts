import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../percentiles.js';
import { Crowds } from './crowds.js';
import { stamp } from './crowd-orders.js';
import { aTip } from './droppio-server.js';
import { cpuMicroseconds, kernelBytes, residentBytes } from './process-cost.js';
import type { FanServer, RunningServer } from './server.js';

export interface Setting {
  readonly sockets: number;
  readonly rooms: number;
  /** Deliveries a second that are asked for. */
  readonly rate: number;
  readonly seconds: number;
}

export interface Outcome {
  readonly handshakesPerSecond: number;
  readonly connectP99Ms: number;
  readonly idleBytes: number;
  readonly kernelBytes: number;
  readonly cpuMicroseconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly deliveriesPerSecond: number;
  /** Of what was published. */
  readonly missing: number;
}

const SETTLE_MS = 2000;
const TICK_MS = 4;
const LATE_MS = 4000;
/** Of the rate: what a server is warmed up with, for the compilers of those that have one. */
const WARM_UP_SECONDS = 2;

/** Starts a server, fills it, lets it rest, then publishes; everything ends with the round. */
export async function playRound(server: FanServer, setting: Setting): Promise<Outcome> {
  const running = await server.start(setting.rooms);
  const crowds = Crowds.open(setting.sockets);
  try {
    await sleep(SETTLE_MS);
    const before = { resident: residentBytes(running.pids), kernel: kernelBytes() };
    const connected = await crowds.connect({ ...callOn(running, setting), perSecond: 0 });
    await sleep(SETTLE_MS);
    const after = { resident: residentBytes(running.pids), kernel: kernelBytes() };
    await publish(running, { ...setting, seconds: WARM_UP_SECONDS });
    await sleep(SETTLE_MS);
    const flow = await measure(running, crowds, setting);
    return {
      handshakesPerSecond: setting.sockets / connected.seconds,
      connectP99Ms: percentile(connected.handshakesMs, 99),
      idleBytes: (after.resident - before.resident) / setting.sockets,
      kernelBytes: (after.kernel - before.kernel) / setting.sockets,
      ...flow,
    };
  } finally {
    await crowds.close();
    await running.stop();
  }
}

export type Flow = Pick<Outcome, 'cpuMicroseconds' | 'p50Ms' | 'p99Ms' | 'deliveriesPerSecond' | 'missing'>;

/** What a stretch of publishing at one rate costs, and how late its deliveries are. */
export async function measure(running: RunningServer, crowds: Crowds, setting: Setting): Promise<Flow> {
  await crowds.reset();
  const cpuBefore = cpuMicroseconds(running.pids);
  const began = performance.now();
  const expected = (await publish(running, setting)) * (setting.sockets / setting.rooms);
  const seconds = (performance.now() - began) / 1000;
  let report = await crowds.report();
  for (const deadline = Date.now() + LATE_MS; report.deliveries < expected && Date.now() < deadline; report = await crowds.report())
    await sleep(50);
  if (report.lost > 0) throw new Error(`the server has ended ${String(report.lost)} sockets`);
  return {
    cpuMicroseconds: (cpuMicroseconds(running.pids) - cpuBefore) / report.deliveries,
    p50Ms: report.latencies.percentile(50),
    p99Ms: report.latencies.percentile(99),
    deliveriesPerSecond: report.deliveries / seconds,
    missing: expected - report.deliveries,
  };
}

export function callOn(running: RunningServer, { sockets, rooms }: Setting): Omit<Parameters<Crowds['connect']>[0], 'perSecond'> {
  return { port: running.port, doors: Array.from({ length: rooms }, (_, room) => running.door(room)), sockets, ...running.manners };
}

/** The number of messages that were published. */
async function publish(running: RunningServer, { sockets, rooms, rate, seconds }: Setting): Promise<number> {
  const perSecond = rate / (sockets / rooms);
  const wanted = Math.max(1, Math.round(perSecond * seconds));
  const isOurs = running.manners.protocol !== undefined;
  const began = performance.now();
  for (let sent = 0; sent < wanted;) {
    const due = Math.min(wanted, Math.floor(((performance.now() - began) / 1000) * perSecond) + 1);
    // Ours puts a message into an event; to the others goes the text that it would become.
    for (; sent < due; sent += 1) running.publish(sent % rooms, isOurs ? stamp() : JSON.stringify({ op: 'event', ...aTip(sent, stamp()) }));
    await sleep(TICK_MS);
  }
  return wanted;
}
