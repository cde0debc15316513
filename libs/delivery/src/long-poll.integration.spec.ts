import { Agent, request, type IncomingHttpHeaders } from 'node:http';
import { MemoryBrokerModule } from '@droppio/broker';
import { ServerFrame } from '@droppio/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { GatewayHouse, type SettingTexts } from './testing/gateway-house.js';
import { RawSocket } from './testing/raw-socket.js';

const Answer = z.strictObject({
  frames: z.array(z.custom<ServerFrame>((frame) => ServerFrame.safeParse(frame).success)),
  close: z.optional(z.strictObject({ code: z.number(), reason: z.looseObject({ r: z.string() }) })),
});

interface Polled {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly ops: readonly string[];
  readonly seqs: readonly number[];
  readonly close: z.output<typeof Answer>['close'];
  readonly tookMs: number;
}

let house: GatewayHouse;
const agents: Agent[] = [];
const open = async (settings: SettingTexts = {}): Promise<GatewayHouse> =>
  (house = await GatewayHouse.start({ broker: MemoryBrokerModule, settings }));
afterEach(async () => {
  for (const agent of agents.splice(0)) agent.destroy();
  await house.stop();
});

function poll(query: string, headers: IncomingHttpHeaders = {}, agent?: Agent, signal?: AbortSignal): Promise<Polled> {
  const startedAt = Date.now();
  const path = `/overlay/poll${query}`;
  return new Promise((resolve, reject) => {
    const asked = request(
      { port: house.port, host: '127.0.0.1', path, headers, agent: agent ?? false, ...(signal && { signal }) },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('error', reject);
        response.on('end', () => {
          const { frames, close } = response.statusCode === 200 ? Answer.parse(JSON.parse(text)) : { frames: [], close: undefined };
          resolve({
            status: response.statusCode,
            headers: response.headers,
            ops: frames.map(({ op }) => op),
            seqs: frames.flatMap((frame) => (frame.op === 'event' ? [frame.seq] : [])),
            close,
            tookMs: Date.now() - startedAt,
          });
        });
      },
    );
    asked.on('error', reject);
    asked.end();
  });
}

const seated = async (): Promise<void> => {
  await expect.poll(async () => JSON.stringify(await house.stats())).toContain('"poll":{"live":1,');
};

describe('an overlay that polls', () => {
  it('gets at once what came after its place, else what comes while it waits', async () => {
    await open();
    const { truth, token } = await house.creator();
    for (let i = 0; i < 3; i += 1) await truth.send();
    const missed = await poll(`?epoch=${truth.epoch}&seq=2`, { authorization: `Bearer ${token}` });
    expect([missed.ops, missed.seqs]).toEqual([
      ['hello', 'ready', 'event', 'event'],
      [3, 4],
    ]);
    expect(missed.headers).toMatchObject({ 'cache-control': 'no-store', 'access-control-allow-origin': '*' });
    expect(missed.headers).not.toHaveProperty('etag');
    const waiting = poll(`?token=${token}&epoch=${truth.epoch}&seq=4`);
    await seated();
    await Promise.all([truth.send(), truth.send()]);
    const live = await waiting;
    expect(live.seqs[0]).toBe(5);
    expect(live.tookMs).toBeLessThan(5000);
  });

  it('is answered after a while without, or at once when it does not want to wait', async () => {
    await open({ GATEWAY_POLL_MS: '300' });
    const { truth, token } = await house.creator();
    const quiet = await poll(`?token=${token}&epoch=${truth.epoch}&seq=1&wait=60000`);
    expect([quiet.ops, quiet.tookMs >= 290, quiet.tookMs < 5000]).toEqual([['hello', 'ready'], true, true]);
    const hasty = await poll(`?token=${token}&wait=0`);
    expect(hasty.ops).toEqual(['hello', 'ready']);
    expect(hasty.tookMs).toBeLessThan(250);
  });

  it('misses nothing and gets nothing twice over many polls while events pour in', async () => {
    await open();
    const { truth, token } = await house.creator();
    const agent = new Agent({ keepAlive: true });
    agents.push(agent);
    const flood = { isOn: true };
    const pouring = (async () => {
      while (flood.isOn) {
        await truth.send();
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    })();
    const seqs: number[] = [];
    for (let polls = 0; polls < 30; polls += 1) {
      const answer = await poll(`?token=${token}&epoch=${truth.epoch}&seq=${String(seqs.at(-1) ?? 1)}`, {}, agent);
      seqs.push(...answer.seqs);
    }
    flood.isOn = false;
    await pouring;
    expect(seqs.length).toBeGreaterThanOrEqual(30);
    expect(seqs).toEqual(seqs.map((_, i) => i + 2));
  });

  it('is told why it is not served, in the codes of a socket', async () => {
    await open();
    const { truth, grant, token } = await house.creator();
    expect((await poll('')).close).toEqual({ code: 4500, reason: { r: 'no token' } });
    expect((await poll('?token=dro_ov_x')).close).toEqual({ code: 4500, reason: { r: 'bad token' } });
    const waiting = poll(`?token=${token}&epoch=${truth.epoch}&seq=1`);
    await seated();
    await truth.send({ type: 'config', id: grant.overlayId, at: { seen: 0 }, ttlMs: 1000, d: { ...grant, enabled: false } });
    expect((await waiting).close).toEqual({ code: 4506, reason: { r: 'overlay disabled' } });
  });

  it('is counted and limited like a socket, and let go when it gives up', async () => {
    await open({ GATEWAY_MAX_SOCKETS: '1', GATEWAY_ALLOWED_ORIGINS: 'https://tips.example' });
    const { token } = await house.creator();
    const gone = new AbortController();
    const one = poll(`?token=${token}`, {}, undefined, gone.signal).catch(() => undefined);
    await expect.poll(async () => (await poll(`?token=${token}&wait=0`)).status).toBe(503);
    const refused = await poll(`?token=${token}`, { origin: 'https://tips.example' });
    expect(refused).toMatchObject({
      status: 503,
      headers: { 'retry-after': '5', connection: 'close', 'access-control-allow-origin': 'https://tips.example' },
    });
    expect((await poll(`?token=${token}`, { origin: 'https://evil.example' })).status).toBe(403);
    gone.abort();
    await one;
    await expect.poll(async () => (await poll(`?token=${token}&wait=0`)).status).toBe(200);
  });

  it('leaves nobody behind who is counted for ever, though it asks again and again without waiting for an answer', async () => {
    await open();
    const { token } = await house.creator();
    const raw = await RawSocket.connect(house.port);
    const asks = [token, 'x', 'x', 'x'].map((one) => `GET /overlay/poll?token=${one} HTTP/1.1\r\nHost: x\r\n\r\n`);
    raw.socket.write(asks.join(''));
    await expect.poll(() => house.metrics()).toMatch(/upgrades_total\{[^}]*transport="poll"[^}]*\} [1-9]/);
    raw.end();
    await expect.poll(async () => JSON.stringify(await house.stats()), { timeout: 3000 }).toContain('"connections":{"total":0,');
  });

  it('counts a quarter against the rate of newcomers', async () => {
    await open({ GATEWAY_UPGRADES_PER_MINUTE_PER_IP: '3' });
    const { token } = await house.creator();
    const statuses: (number | undefined)[] = [];
    for (let i = 0; i < 14; i += 1) statuses.push((await poll(`?token=${token}&wait=0`)).status);
    expect(statuses.filter((status) => status === 200).length).toBe(12);
    expect(statuses.at(-1)).toBe(429);
  });

  it('is answered at a time of its own when the gateway shuts down, and its connection is not kept', async () => {
    await open({ DRAIN_WINDOW_MS: '300', DRAIN_GRACE_MS: '5000' });
    const { truth, token } = await house.creator();
    const agent = new Agent({ keepAlive: true });
    agents.push(agent);
    const waiting = poll(`?token=${token}&epoch=${truth.epoch}&seq=1`, {}, agent);
    await seated();
    const startedAt = Date.now();
    const closing = house.running.close('test');
    const answer = await waiting;
    expect(answer).toMatchObject({ status: 200, ops: ['hello', 'ready'], close: undefined, headers: { connection: 'close' } });
    await closing;
    expect(Date.now() - startedAt).toBeLessThan(3000);
  });
});
