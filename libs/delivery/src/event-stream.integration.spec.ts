import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { MemoryBrokerModule } from '@droppio/broker';
import { parseServerFrame, type ServerFrame } from '@droppio/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { GatewayHouse, type SettingTexts } from './testing/gateway-house.js';

interface SentEvent {
  readonly id?: string | undefined;
  readonly event?: string | undefined;
  readonly frame?: ServerFrame | undefined;
  readonly data: string;
}

class EventStream {
  readonly events: SentEvent[] = [];
  ended = false;
  private text = '';

  constructor(readonly response: IncomingMessage) {
    response.setEncoding('utf8');
    response.on('error', () => undefined);
    response.on('data', (chunk: string) => {
      const blocks = (this.text + chunk).split('\n\n');
      this.text = blocks.pop() ?? '';
      this.events.push(...blocks.map(read).filter(({ data }) => data !== ''));
    });
    response.on('end', () => (this.ended = true));
  }

  get seqs(): readonly number[] {
    return this.events.flatMap(({ frame }) => (frame?.op === 'event' ? [frame.seq] : []));
  }

  get closing(): unknown {
    const data = this.events.find(({ event }) => event === 'close')?.data;
    const parsed: unknown = data === undefined ? undefined : JSON.parse(data);
    return parsed;
  }
}

function read(block: string): SentEvent {
  const field = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
  const data = field('data') ?? '';
  return { id: field('id'), event: field('event'), data, frame: parseServerFrame(data) };
}

let house: GatewayHouse;
const streams: EventStream[] = [];
const open = async (settings: SettingTexts = {}): Promise<GatewayHouse> =>
  (house = await GatewayHouse.start({ broker: MemoryBrokerModule, settings }));
const stream = (query = '', headers: IncomingHttpHeaders = {}): Promise<EventStream> =>
  new Promise((resolve, reject) => {
    const asked = request({ port: house.port, host: '127.0.0.1', path: `/overlay/events${query}`, headers }, (response) => {
      const found = new EventStream(response);
      streams.push(found);
      resolve(found);
    });
    asked.on('error', reject);
    asked.end();
  });

afterEach(async () => {
  for (const { response } of streams.splice(0)) response.destroy();
  await house.stop();
});

describe('an overlay on an event stream', () => {
  it('gets the same frames, each with its place as id', async () => {
    await open();
    const { truth, token } = await house.creator();
    const [one, socket] = [await stream('', { authorization: `Bearer ${token}` }), await house.overlay(token)];
    await expect.poll(() => one.events.length).toBeGreaterThanOrEqual(2);
    await truth.send();
    await truth.send();
    await expect.poll(() => one.seqs).toEqual([2, 3]);
    await socket.caughtUp(3);
    expect(one.events.map(({ frame }) => frame).filter((frame) => frame?.op === 'event')).toEqual(socket.events);
    expect(one.events.map(({ id }) => id)).toEqual([undefined, `${truth.epoch}.1`, `${truth.epoch}.2`, `${truth.epoch}.3`]);
    expect(one.response.headers).toMatchObject({ 'content-type': 'text/event-stream; charset=utf-8', 'access-control-allow-origin': '*' });
  });

  it('resumes where its browser says it was, which outweighs the URL', async () => {
    await open();
    const { truth, token } = await house.creator();
    for (let i = 0; i < 4; i += 1) await truth.send();
    const byHeader = await stream(`?token=${token}&epoch=${truth.epoch}&seq=1`, { 'last-event-id': `${truth.epoch}.3` });
    const byQuery = await stream(`?token=${token}&epoch=${truth.epoch}&seq=2`);
    await expect
      .poll(() => [byHeader.seqs, byQuery.seqs])
      .toEqual([
        [4, 5],
        [3, 4, 5],
      ]);
  });

  it('is told why it ends, in the codes of a socket', async () => {
    await open();
    const { truth, grant, token } = await house.creator();
    const [nobody, forged, revoked] = [await stream(), await stream('?token=dro_ov_x'), await stream(`?token=${token}`)];
    await expect.poll(() => revoked.events.length).toBeGreaterThanOrEqual(2);
    await truth.send({ type: 'config', id: grant.overlayId, at: { seen: 0 }, ttlMs: 1000, d: { ...grant, version: 2 } });
    await expect.poll(() => [nobody, forged, revoked].every(({ ended }) => ended)).toBe(true);
    expect([nobody, forged, revoked].map(({ closing }) => closing)).toEqual([
      { code: 4500, reason: { r: 'no token' } },
      { code: 4500, reason: { r: 'bad token' } },
      { code: 4500, reason: { r: 'token revoked' } },
    ]);
  });

  it('is counted and limited like a socket, and let go when it leaves', async () => {
    await open({ GATEWAY_MAX_SOCKETS: '1' });
    const { token } = await house.creator();
    const one = await stream(`?token=${token}`);
    const refused = await stream(`?token=${token}`);
    expect([refused.response.statusCode, refused.response.headers['retry-after']]).toEqual([503, '5']);
    one.response.destroy();
    await expect.poll(async () => (await stream(`?token=${token}`)).response.statusCode).toBe(200);
  });

  it('is handed over at shutdown', async () => {
    await open({ DRAIN_WINDOW_MS: '200', DRAIN_GRACE_MS: '100' });
    const { token } = await house.creator();
    const one = await stream(`?token=${token}`);
    await expect.poll(() => one.events.length).toBeGreaterThanOrEqual(2);
    await house.running.close('test');
    expect(one.events.some(({ frame }) => frame?.op === 'move')).toBe(true);
    expect(one.closing).toMatchObject({ code: 4001 });
  });

  it('that does not read is closed as slow', async () => {
    await open({ GATEWAY_SOCKET_BUFFER_BYTES: '65536' });
    const { truth, token } = await house.creator();
    const one = await stream(`?token=${token}`);
    await expect.poll(() => one.events.length).toBeGreaterThanOrEqual(2);
    one.response.pause();
    const before = /slow_closes_total (\d+)/.exec(await house.metrics())?.[1];
    const message = 'x'.repeat(20_000);
    const tip = truth.tip();
    let now = before;
    while (now === before && truth.head < 2000) {
      await truth.send(tip.type === 'tip' ? { ...tip, d: { ...tip.d, message } } : tip);
      if (truth.head % 20 === 0) now = /slow_closes_total (\d+)/.exec(await house.metrics())?.[1];
    }
    expect(now).not.toBe(before);
  }, 60_000);
});
