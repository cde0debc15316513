import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../percentiles.js';
import { Crowds } from './crowds.js';
import { callOn, measure, type Flow } from './round.js';
import type { FanServer } from './server.js';

/** Centrifugo's published bound on its p99. */
const BOUND_MS = 200;
const STEP = 10_000;
const MOST = 200_000;
const UPGRADES_PER_SECOND = 500;

/** How far one process goes: newcomers at a fixed pace, then more and more deliveries until they come late. */
export async function limitsOf(server: FanServer, isQuick: boolean): Promise<string> {
  const setting = { sockets: isQuick ? 2000 : 15_000, rooms: isQuick ? 200 : 1000, rate: 2 * STEP, seconds: isQuick ? 2 : 4 };
  const running = await server.start(setting.rooms);
  const crowds = Crowds.open(setting.sockets);
  try {
    const { handshakesMs } = await crowds.connect({ ...callOn(running, setting), perSecond: UPGRADES_PER_SECOND });
    await sleep(1000);
    const flows: (Flow & { readonly rate: number })[] = [];
    await measure(running, crowds, setting);
    for (let rate = 2 * STEP; rate <= MOST; rate += STEP) {
      const flow = await measure(running, crowds, { ...setting, rate });
      flows.push({ ...flow, rate });
      if (flow.p99Ms > BOUND_MS || flow.missing > 0 || flow.deliveriesPerSecond < rate * 0.9) break;
    }
    return [
      `### ${server.name} alone: ${setting.sockets.toLocaleString('en')} sockets in ${String(setting.rooms)} rooms, let in at ${String(UPGRADES_PER_SECOND)}/s`,
      '',
      `Connecting, until admitted: p50 ${percentile(handshakesMs, 50).toFixed(1)} ms, p99 ${percentile(handshakesMs, 99).toFixed(1)} ms, max ${percentile(handshakesMs, 100).toFixed(0)} ms.`,
      '',
      '| deliveries/s asked for | done | p50 ms | p99 ms | CPU µs a delivery | missing |',
      '|---:|---:|---:|---:|---:|---:|',
      ...flows.map(
        ({ rate, deliveriesPerSecond, p50Ms, p99Ms, cpuMicroseconds, missing }) =>
          `| ${rate.toLocaleString('en')} | ${Math.round(deliveriesPerSecond).toLocaleString('en')} | ${p50Ms.toFixed(1)} | ${p99Ms.toFixed(1)} | ${cpuMicroseconds.toFixed(1)} | ${String(missing)} |`,
      ),
    ].join('\n');
  } finally {
    await crowds.close();
    await running.stop();
  }
}
