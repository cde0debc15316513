import { MemoryBrokerModule } from '@droppio/broker';
import { aDisplay } from '@droppio/tips/testing';
import { afterEach, describe, expect, it } from 'vitest';
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

describe('a room of thousands', () => {
  it('gets every event in order while the gateway goes on answering others', async () => {
    const settings = { GATEWAY_MAX_SOCKETS_PER_TOKEN: '0', GATEWAY_UPGRADES_PER_SECOND: '5000', GATEWAY_MAX_UNAUTHENTICATED: '5000' };
    house = await GatewayHouse.start({ broker: MemoryBrokerModule, settings });
    const { truth, token } = await house.creator();
    const clients = [];
    for (let i = 0; i < 12; i += 1) clients.push(...(await Promise.all(Array.from({ length: 100 }, () => house.overlay(token)))));
    for (let i = 0; i < 20; i += 1) await truth.send();
    await Promise.all(clients.map((client) => client.caughtUp(21)));
    const expected = Array.from({ length: 20 }, (_, i) => i + 2).join();
    expect(clients.filter((client) => client.seqs.join() !== expected)).toEqual([]);
  }, 60_000);
});
