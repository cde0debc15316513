import { get } from 'node:http';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Knocked, Order } from './orders.js';

const ANSWER_MS = 10_000;
type Outcome = 'refused' | 'told-when' | 'let-in' | 'failed';

/** Newcomers at a constant rate who look at the door's answer and nothing else. */
export async function knock({ ports, token, times, perSecond }: Extract<Order, { op: 'knock' }>): Promise<Knocked> {
  const began = performance.now();
  const all: Promise<Outcome>[] = [];
  for (let n = 0; n < times; n += 1) {
    const aheadMs = (n / perSecond) * 1000 - (performance.now() - began);
    if (aheadMs > 1) await sleep(aheadMs);
    all.push(once(ports[n % ports.length] ?? 1, token));
  }
  const outcomes = await Promise.all(all);
  const count = (...wanted: readonly Outcome[]): number => outcomes.filter((outcome) => wanted.includes(outcome)).length;
  return {
    op: 'knock',
    refused: count('refused', 'told-when'),
    toldWhen: count('told-when'),
    letIn: count('let-in'),
    failed: count('failed'),
  };
}

function once(port: number, token: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const request = get({
      port,
      host: '127.0.0.1',
      path: `/overlay?token=${token}`,
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': randomBytes(16).toString('base64'),
      },
      timeout: ANSWER_MS,
    });
    request.once('upgrade', (_response, socket) => {
      socket.destroy();
      resolve('let-in');
    });
    request.once('response', (response) => {
      response.resume();
      const seconds = Number(response.headers['retry-after']);
      if (response.statusCode !== 503) resolve('failed');
      else resolve(seconds > 0 ? 'told-when' : 'refused');
    });
    request.once('timeout', () => request.destroy());
    request.once('error', () => {
      resolve('failed');
    });
  });
}
