import { MemoryBrokerModule } from '@droppio/broker';
import { aDisplay } from '@droppio/tips/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { GatewayHouse } from './testing/gateway-house.js';

let house: GatewayHouse;
afterEach(() => house.stop());

describe('an overlay that does not read', () => {
  it('is closed as a slow consumer, does not hold up the others, and completes when it comes back', async () => {
    house = await GatewayHouse.start({ broker: MemoryBrokerModule, settings: { GATEWAY_SOCKET_BUFFER_BYTES: '65536' } });
    const { truth, token } = await house.creator();
    const [slow, ...others] = [await house.overlay(token), await house.overlay(token), await house.overlay(token)];
    slow.socket.pause();
    const big = () => truth.tip({ d: aDisplay({ message: 'x'.repeat(20_000) }) });
    let isSlow = false;
    // The kernel takes some megabytes before anything queues up here.
    while (!isSlow && truth.head < 2000) {
      await truth.send(big());
      if (truth.head % 20 === 0) isSlow = /slow_closes_total [1-9]/.test(await house.metrics());
    }
    expect(isSlow).toBe(true);
    for (const other of others) await other.caughtUp(truth.head);
    slow.socket.resume();
    const { code, why, retryMs } = await slow.ended();
    expect([code, why]).toEqual([4005, 'slow consumer']);
    expect(retryMs).toBeGreaterThan(0);
    const last = slow.seqs.at(-1) ?? 0;
    expect(last).toBeLessThan(truth.head);
    expect(slow.seqs).toEqual(Array.from({ length: last - 1 }, (_, i) => i + 2));
    const again = await house.overlay(token, { epoch: truth.epoch, seq: last });
    await again.caughtUp(truth.head);
    expect(again.seqs).toEqual(Array.from({ length: truth.head - last }, (_, i) => last + 1 + i));
  }, 60_000);
});

/** Only what is needed to see the order: a full client each would be most of the test's work. */
class Viewer {
  readonly seqs: number[] = [];
  readonly socket: WebSocket;
  readonly ready: Promise<this>;

  constructor(url: string) {
    this.socket = new WebSocket(url);
    this.ready = new Promise((resolve) => {
      this.socket.on('message', (data: Buffer) => {
        const [, op, seq] = /^\{"op":"(\w+)"(?:,"seq":(\d+))?/.exec(data.toString('latin1')) ?? [];
        if (seq !== undefined) this.seqs.push(Number(seq));
        if (op === 'ready') resolve(this);
      });
    });
  }
}

describe('a room of more than a thousand', () => {
  it('gets every event in order, whoever joins meanwhile too', async () => {
    const settings = { GATEWAY_MAX_SOCKETS_PER_TOKEN: '0', GATEWAY_UPGRADES_PER_SECOND: '5000', GATEWAY_MAX_UNAUTHENTICATED: '5000' };
    house = await GatewayHouse.start({ broker: MemoryBrokerModule, settings });
    const { truth, token } = await house.creator();
    const url = `${house.url}?token=${token}`;
    const viewers: Viewer[] = [];
    for (let i = 0; i < 11; i += 1) viewers.push(...(await Promise.all(Array.from({ length: 100 }, () => new Viewer(url).ready))));
    const joining = Array.from({ length: 5 }, () => new Viewer(`${url}&epoch=${truth.epoch}&seq=1`).ready);
    for (let i = 0; i < 5; i += 1) await truth.send();
    viewers.push(...(await Promise.all(joining)));
    await expect.poll(() => viewers.filter(({ seqs }) => seqs.length < 5).length, { timeout: 30_000 }).toBe(0);
    expect(viewers.filter(({ seqs }) => seqs.join() !== '2,3,4,5,6')).toHaveLength(0);
    for (const { socket } of viewers) socket.terminate();
  }, 60_000);
});
