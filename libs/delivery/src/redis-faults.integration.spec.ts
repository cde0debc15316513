import { setTimeout as sleep } from 'node:timers/promises';
import { RedisBrokerModule } from '@droppio/broker';
import { eventually, RedisServer } from '@droppio/broker/testing';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { GatewayHouse } from './testing/gateway-house.js';
import type { OverlayClient } from './testing/overlay-client.js';

let server: RedisServer;
let admin: Redis;
let house: GatewayHouse;

beforeAll(async () => {
  server = await RedisServer.start(inject('redisServerPath'));
  admin = new Redis(server.url);
  admin.on('error', () => undefined);
});
beforeEach(async () => {
  house = await GatewayHouse.start({
    broker: RedisBrokerModule.for({ url: server.url }),
    settings: { GATEWAY_POSITION_CHECK_MS: '2000', GATEWAY_RESTORE_TIMEOUT_MS: '3000', GATEWAY_PING_MS: '2000' },
  });
});
afterEach(() => house.stop());
afterAll(async () => {
  admin.disconnect();
  await server.stop();
});

const upTo = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

function expectEachOnce(client: OverlayClient, first: number, last: number): void {
  expect(client.seqs).toEqual(upTo(first, last));
  expect(client.frames.filter((frame) => frame.op === 'gap')).toEqual([]);
  expect(client.ending).toBeUndefined();
}

describe('overlays on a gateway whose Redis', () => {
  it('is emptied while they are connected get every event once, and notice nothing but delay', async () => {
    const { truth, token, worker } = await house.creator();
    const client = await house.overlay(token);
    await truth.send();
    await admin.flushall();
    expect(await admin.dbsize()).toBe(0);
    for (let i = 0; i < 3; i += 1) truth.commit(truth.tip());
    await client.caughtUp(5);
    expectEachOnce(client, 2, 5);
    expect(worker.restores).toBeGreaterThan(0);
    const late = await house.overlay(token, { epoch: truth.epoch, seq: 2 });
    expect(await late.ready()).toMatchObject({ recovered: true });
    await late.caughtUp(5);
  }, 60_000);

  it('drops its subscribers again and again in a burst heals every hole', async () => {
    const { truth, token } = await house.creator();
    const client = await house.overlay(token);
    let killed = 0;
    const deadline = Date.now() + 30_000;
    while (killed < 5 && Date.now() < deadline) {
      killed += Number(await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub'));
      for (let i = 0; i < 5; i += 1) await truth.send();
      await sleep(20);
    }
    expect(killed).toBeGreaterThanOrEqual(5);
    await client.caughtUp(truth.head);
    expectEachOnce(client, 2, truth.head);
  }, 60_000);

  it('is killed and comes back empty stay connected, learn of it by their pings, and miss nothing', async () => {
    const { truth, token } = await house.creator();
    const client = await house.overlay(token);
    await truth.send();
    await client.caughtUp(2);
    await server.kill();
    const pinged = client.frames.length;
    await client.until(
      () => client.frames.slice(pinged).some((frame) => frame.op === 'ping' && frame.degraded === true),
      'a degraded ping',
      20_000,
    );
    for (const counted of [
      'probe_failures_total [1-9]',
      'errors_total\\{command="\\w+"\\} [1-9]',
      'command_seconds_count\\{.*outcome="error"',
    ]) {
      await expect.poll(() => house.metrics()).toMatch(new RegExp(`droppio_gateway_redis_${counted}`));
    }
    for (let i = 0; i < 5; i += 1) truth.commit(truth.tip());
    const newcomer = await house.visitor(`?token=${token}`);
    await server.restart();
    await client.caughtUp(7);
    expectEachOnce(client, 2, 7);
    await newcomer.until(() => newcomer.ending ?? newcomer.frames.find((frame) => frame.op === 'ready'), 'an answer', 20_000);
    if (newcomer.ending !== undefined) expect(newcomer.ending).toMatchObject({ code: 4008 });
    await eventually(async () => {
      const ready = await fetch(`http://127.0.0.1:${String(house.running.internalPort)}/health/ready`);
      expect(ready.status).toBe(200);
    }, 20_000);
  }, 90_000);

  it('answers nobody for half a minute keeps its overlays, which are told so and catch up', async () => {
    const { truth, token } = await house.creator();
    const client = await house.overlay(token);
    await truth.send();
    await client.caughtUp(2);
    const heard = client.frames.length;
    server.freeze();
    await sleep(30_000);
    const pings = client.frames.slice(heard).flatMap((frame) => (frame.op === 'ping' ? [frame] : []));
    // A ping every 2 s, and from when the silence was noticed each says so.
    expect(pings.length).toBeGreaterThan(10);
    expect(pings.slice(-5).map(({ degraded }) => degraded)).toEqual([true, true, true, true, true]);
    server.thaw();
    await eventually(() => truth.send(), 20_000);
    await truth.drain();
    await client.caughtUp(truth.head);
    expectEachOnce(client, 2, truth.head);
  }, 90_000);
});
