import { setTimeout as sleep } from 'node:timers/promises';
import { MemoryBrokerModule } from '@droppio/broker';
import { afterEach, describe, expect, it } from 'vitest';
import { GatewayHouse, type SettingTexts } from './testing/gateway-house.js';
import { OverlayClient } from './testing/overlay-client.js';

let house: GatewayHouse;
const open = async (settings: SettingTexts = {}): Promise<GatewayHouse> =>
  (house = await GatewayHouse.start({ broker: MemoryBrokerModule, settings }));
afterEach(() => house.stop());

describe('a gateway that shuts down', () => {
  it('asks overlays to move, keeps sending to them until they have, and cuts nobody off', async () => {
    await open({ DRAIN_WINDOW_MS: '400', DRAIN_GRACE_MS: '600' });
    const { truth, token } = await house.creator();
    const [mover, stayer, stranger] = [await house.overlay(token), await house.overlay(token), await house.visitor()];
    const started = Date.now();
    const closing = house.running.close('test');
    const move = await mover.until(() => mover.frames.find((frame) => frame.op === 'move'), 'move');
    expect(move).toMatchObject({ graceMs: 600, why: 'drain' });
    expect(move.afterMs).toBeLessThanOrEqual(400);
    await truth.send();
    await Promise.all([mover.caughtUp(2), stayer.caughtUp(2)]);
    await mover.close();
    expect(await stranger.ended()).toMatchObject({ code: 4001, why: 'drain' });
    expect(await stayer.ended()).toMatchObject({ code: 4001, why: 'drain' });
    expect(Date.now() - started).toBeGreaterThanOrEqual(990);
    await closing;
    expect([mover, stayer, stranger].map(({ ending }) => ending?.code)).toEqual([1000, 4001, 4001]);
  });

  it('is not ready at once, but takes newcomers until load balancers have noticed', async () => {
    await open({ DRAIN_DELAY_MS: '600' });
    const { token } = await house.creator();
    await house.overlay(token);
    const closing = house.running.close('test');
    const ready = await fetch(`http://127.0.0.1:${String(house.running.internalPort)}/health/ready`);
    expect(ready.status).toBe(503);
    await house.overlay(token);
    await closing;
    expect(house.clients.map(({ ending }) => ending?.code)).toEqual([4001, 4001]);
  });

  it('goes on answering scrapes, and tells them how long it takes and how many do not follow', async () => {
    await open({ DRAIN_WINDOW_MS: '100', DRAIN_GRACE_MS: '4000' });
    const { token } = await house.creator();
    const [mover, stayer] = [await house.overlay(token), await house.overlay(token)];
    const value = async (name: string): Promise<number> =>
      Number(new RegExp(`^droppio_gateway_${name} (\\S+)$`, 'm').exec(await house.metrics())?.[1]);
    expect(await value('drain_overdue_sockets')).toBe(0);
    const closing = house.running.close('test');
    await mover.until(() => mover.frames.some((frame) => frame.op === 'move'), 'move');
    await mover.close();
    await expect.poll(() => value('drain_overdue_sockets'), { timeout: 2800 }).toBe(1);
    expect(stayer.ending).toBeUndefined();
    expect(await value('draining')).toBe(1);
    expect(await value('drain_seconds')).toBeGreaterThanOrEqual(0.5);
    expect(await value('drain_overrun_seconds')).toBe(0);
    await stayer.close();
    await closing;
  });

  it('refuses newcomers with words once it hands over', async () => {
    await open({ DRAIN_WINDOW_MS: '500', DRAIN_GRACE_MS: '0' });
    const { token } = await house.creator();
    const client = await house.overlay(token);
    const closing = house.running.close('test');
    await client.until(() => client.frames.some((frame) => frame.op === 'move'), 'move');
    const late = new OverlayClient(house.url);
    const answer = await new Promise((resolve) => {
      late.socket.once('unexpected-response', (_, response) => {
        response.resume();
        resolve([response.statusCode, response.headers['retry-after']]);
      });
    });
    expect(answer).toEqual([503, '1']);
    await closing;
  });

  it('tells a crowd to come back at different times', async () => {
    await open({ GATEWAY_MAX_SOCKETS_PER_TOKEN: '0' });
    const { token } = await house.creator();
    const clients = await Promise.all(Array.from({ length: 120 }, () => house.overlay(token)));
    await house.running.close('test');
    const endings = await Promise.all(clients.map((client) => client.ended()));
    expect(new Set(endings.map(({ code }) => code))).toEqual(new Set([4001]));
    expect(new Set(endings.map(({ retryMs }) => retryMs)).size).toBeGreaterThan(60);
  });

  it('does not keep a few waiting for as long as many take to move', async () => {
    await open({ DRAIN_WINDOW_MS: '60000' });
    const clients = await Promise.all(Array.from({ length: 20 }, () => house.visitor()));
    await house.running.close('test');
    const endings = await Promise.all(clients.map((client) => client.ended()));
    expect(Math.max(...endings.map(({ retryMs }) => retryMs ?? Infinity))).toBeLessThanOrEqual(1000);
  });

  it('does not wait where nobody is connected', async () => {
    await open({ DRAIN_DELAY_MS: '5000', DRAIN_WINDOW_MS: '5000' });
    const started = Date.now();
    await house.running.close('test');
    expect(Date.now() - started).toBeLessThan(1500);
  });

  it('lets go in the end of those who do not even answer the goodbye', async () => {
    await open();
    const { token } = await house.creator();
    const client = await house.overlay(token);
    client.socket.pause();
    const started = Date.now();
    await house.running.close('test');
    expect(Date.now() - started).toBeLessThan(9000);
    client.socket.resume();
    await sleep(50);
    expect(client.ending?.code).toBe(4001);
  }, 15_000);
});
