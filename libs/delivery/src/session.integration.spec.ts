import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { MemoryBrokerModule } from '@droppio/broker';
import { DEFAULT_OVERLAY_CONFIG } from '@droppio/tips';
import { afterEach, describe, expect, it } from 'vitest';
import { GatewayHouse, type SettingTexts } from './testing/gateway-house.js';
import { Truth } from './testing/truth.js';

let house: GatewayHouse;
const open = async (settings: SettingTexts = {}): Promise<GatewayHouse> =>
  (house = await GatewayHouse.start({ broker: MemoryBrokerModule, settings }));
afterEach(() => house.stop());

describe('an overlay', () => {
  it('is greeted, admitted at the head with its config, and then gets each event', async () => {
    await open();
    const { truth, token } = await house.creator();
    const client = await house.overlay(token);
    expect(client.frames[0]).toMatchObject({ op: 'hello', v: 1, pingMs: 25_000 });
    expect(await client.ready()).toMatchObject({ epoch: truth.epoch, head: 1, from: 2, recovered: true, config: DEFAULT_OVERLAY_CONFIG });
    const sent = await truth.send();
    await client.caughtUp(2);
    expect(client.events).toMatchObject([{ seq: 2, type: 'tip', id: sent.id, at: sent.at }]);
    expect(client.socket.protocol).toBe('droppio.v1');
  });

  it('gets a burst of events in order, each once', async () => {
    await open();
    const { truth, token } = await house.creator();
    const clients = await Promise.all([house.overlay(token), house.overlay(token), house.overlay(token)]);
    for (let i = 0; i < 200; i += 1) truth.commit(truth.tip());
    await truth.drain();
    for (const client of clients) {
      await client.caughtUp(201);
      expect(client.seqs).toEqual(Array.from({ length: 200 }, (_, i) => i + 2));
    }
  });

  it('may bring its token in the URL, with a place to go on from, and then needs no auth frame', async () => {
    await open();
    const { truth, token } = await house.creator();
    await truth.send();
    const client = await house.visitor(`?token=${token}`, { protocols: [] });
    expect(await client.ready()).toMatchObject({ from: 3, recovered: true });
    const resumed = await house.visitor(`?token=${token}&epoch=${truth.epoch}&seq=1`, { protocols: [] });
    await resumed.caughtUp(2);
    client.auth(token);
    expect(await client.ended()).toEqual({ code: 4501, why: 'already authenticated' });
  });

  it('gets nothing that is for another overlay but keeps count of it', async () => {
    await open();
    const { truth, grant, token } = await house.creator();
    const other = await truth.overlay();
    const [mine, others] = await Promise.all([house.overlay(token), house.overlay(house.tokenFor(truth, other))]);
    await truth.send(truth.test(grant.overlayId));
    await truth.send({ type: 'config', id: other.overlayId, at: { seen: 0 }, ttlMs: 1000, d: other });
    await Promise.all([mine.caughtUp(4), others.caughtUp(4)]);
    expect(mine.events.map(({ type }) => type)).toEqual(['test', 'skip']);
    expect(others.events.map(({ type }) => type)).toEqual(['skip', 'config']);
    expect(JSON.stringify(mine.frames)).not.toContain(other.overlayId);
  });
});

describe('a token', () => {
  it('that we did not sign is refused for good', async () => {
    await open();
    const { truth, grant } = await house.creator();
    const client = await house.visitor();
    const forged = house.tokenFor(truth, grant).replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A'));
    client.auth(forged);
    expect(await client.ended()).toEqual({ code: 4500, why: 'bad token' });
    expect(client.frames.map(({ op }) => op)).toEqual(['hello']);
  });

  it('stops working the moment it is revoked, here and for newcomers', async () => {
    await open();
    const { truth, grant, token } = await house.creator();
    const client = await house.overlay(token);
    const newer = { ...grant, version: 2 };
    await truth.send({ type: 'config', id: grant.overlayId, at: { seen: Date.now() }, ttlMs: 1000, d: newer });
    expect(await client.ended()).toEqual({ code: 4500, why: 'token revoked' });
    expect(client.seqs).toEqual([]);
    const late = await house.visitor(`?token=${token}`);
    expect(await late.ended()).toMatchObject({ code: 4500 });
    const renewed = await house.overlay(house.tokenFor(truth, newer));
    expect(await renewed.ready()).toMatchObject({ head: 2 });
  });

  it('of a disabled overlay is refused for good', async () => {
    await open();
    const { truth, grant, token } = await house.creator();
    const client = await house.overlay(token);
    await truth.send({ type: 'config', id: grant.overlayId, at: { seen: 0 }, ttlMs: 1000, d: { ...grant, enabled: false } });
    expect(await client.ended()).toEqual({ code: 4506, why: 'overlay disabled' });
    expect(await (await house.visitor(`?token=${token}`)).ended()).toMatchObject({ code: 4506 });
  });

  it('of an overlay that is gone is refused, after making sure', async () => {
    await open();
    const { truth, worker } = await house.creator();
    const client = await house.visitor(`?token=${house.tokens.sign({ overlayId: randomUUID(), creatorId: truth.creatorId, version: 1 })}`);
    expect(await client.ended()).toEqual({ code: 4500, why: 'no such overlay' });
    expect(worker.restores).toBeGreaterThan(0);
  });

  it('newer than what the feed knows is admitted once the news is here', async () => {
    await open();
    const { truth, grant } = await house.creator();
    const newer = { ...grant, version: 2 };
    truth.commit({ type: 'config', id: grant.overlayId, at: { seen: 0 }, ttlMs: 1000, d: newer });
    const client = await house.overlay(house.tokenFor(truth, newer));
    expect(await client.ready()).toMatchObject({ head: 2, recovered: true });
  });

  it('of a creator that cannot be looked up lets nobody in, but says come back', async () => {
    await open({ GATEWAY_RESTORE_TIMEOUT_MS: '100' });
    const stranger = new Truth(house.feed);
    const client = await house.visitor(
      `?token=${house.tokens.sign({ overlayId: randomUUID(), creatorId: stranger.creatorId, version: 1 })}`,
    );
    const { code, retryMs } = await client.ended();
    expect(code).toBe(4008);
    expect(retryMs).toBeGreaterThanOrEqual(2000);
  });

  it('must come in time', async () => {
    await open({ GATEWAY_AUTH_TIMEOUT_MS: '300' });
    const client = await house.visitor();
    expect(await client.ended()).toEqual({ code: 4502, why: 'no auth in time' });
  });
});

describe('a client that says anything else', () => {
  it.each([
    ['no JSON', 'hello?', 'not a frame of this protocol'],
    ['an unknown frame', '{"op":"subscribe"}', 'not a frame of this protocol'],
    ['a field too many', '{"op":"pong","x":1}', 'not a frame of this protocol'],
    ['auth twice', '{"op":"auth","token":"x"}', 'already authenticated'],
  ])('(%s) is closed for good, with the reason', async (_, text, why) => {
    await open();
    const { token } = await house.creator();
    const client = await house.overlay(token);
    client.send(text);
    expect(await client.ended()).toEqual({ code: 4501, why });
  });

  it('before it has said who it is, too', async () => {
    await open();
    const client = await house.visitor();
    client.send({ op: 'pong' });
    expect(await client.ended()).toEqual({ code: 4501, why: 'auth comes first' });
  });

  it('in bytes, too', async () => {
    await open();
    const { token } = await house.creator();
    const client = await house.overlay(token);
    client.socket.send(Buffer.from('{"op":"pong"}'));
    expect(await client.ended()).toEqual({ code: 4501, why: 'binary frame' });
  });

  it('far too often is sent away for a while', async () => {
    await open();
    const { token } = await house.creator();
    const client = await house.overlay(token);
    for (let i = 0; i < 40; i += 1) client.socket.ping();
    const { code, why, retryMs } = await client.ended();
    expect([code, why]).toEqual([4008, 'too many frames']);
    expect(retryMs).toBeGreaterThanOrEqual(30_000);
  });

  it('in another version of the protocol learns that', async () => {
    await open();
    const client = await house.visitor('', { protocols: ['droppio.v9'] });
    expect(await client.ended()).toEqual({ code: 4505, why: 'protocol version' });
  });
});

describe('a heartbeat', () => {
  it('carries the head, and the answer is measured', async () => {
    await open({ GATEWAY_PING_MS: '500' });
    const { truth, token } = await house.creator();
    const client = await house.overlay(token);
    await truth.send();
    await client.until(() => client.frames.some((frame) => frame.op === 'ping' && frame.head === 2), 'a ping with head 2');
    await sleep(100);
    expect(await house.metrics()).toMatch(/droppio_gateway_ping_rtt_seconds_count [1-9]/);
  });

  it('without an answer ends the socket, and one with answers stays', async () => {
    await open({ GATEWAY_PING_MS: '300', GATEWAY_DEAD_MS: '1000' });
    const { token } = await house.creator();
    const [dead, alive] = [await house.overlay(token), await house.overlay(token)];
    dead.pongs = false;
    expect(await dead.ended()).toMatchObject({ code: 4006, why: 'no pong' });
    expect(alive.ending).toBeUndefined();
  });
});

describe('what clients show', () => {
  it('is measured from the block to the screen', async () => {
    await open();
    const { token } = await house.creator();
    const client = await house.overlay(token);
    const count = async () => Number(/tip_latency_seconds_count\{stage="shown"\} (\d+)/.exec(await house.metrics())?.[1] ?? 0);
    const before = await count();
    client.send({ op: 'shown', seq: 1, ms: 1234 });
    client.send({ op: 'pong' });
    await expect.poll(count).toBe(before + 1);
  });
});
