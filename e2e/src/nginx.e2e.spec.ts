import { randomBytes } from 'node:crypto';
import { Agent, request as overTls } from 'node:https';
import { get } from 'node:http';
import { OverlayClient } from '@droppio/delivery/testing';
import { eventually } from '@droppio/broker/testing';
import { gatewayFor } from '@droppio/protocol';
import { TEST_CERTIFICATE, TEST_KEY } from '@droppio/webhooks/testing';
import { afterEach, describe, expect, inject, it } from 'vitest';
import * as z from 'zod';
import { TipSource, type Streamer } from './fleet/tip-source.js';
import { NginxEdge, startApp, type AppProcess, type EdgePlan } from './houses/index.js';

const STATS_TOKEN = randomBytes(24).toString('hex');
const Report = z.object({
  connections: z.object({ total: z.number(), byCreator: z.array(z.object({ creatorId: z.string(), sockets: z.number() })) }),
});

let source: TipSource;
const gateways: AppProcess[] = [];
const edges: NginxEdge[] = [];
const clients: OverlayClient[] = [];

afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.terminate();
  await Promise.all(edges.splice(0).map((edge) => edge.stop()));
  await Promise.all(gateways.splice(0).map(({ child }) => child.stop('SIGKILL')));
  await source.close();
});

async function open(
  plan: Omit<EdgePlan, 'servers' | 'nginxPath'>,
  count: number,
  settings: Readonly<Record<string, string>> = {},
  streamers = 1,
) {
  source = await TipSource.open(inject('redisUrl'), streamers);
  gateways.push(...(await Promise.all(Array.from({ length: count }, () => start(settings)))));
  const edge = await NginxEdge.start({ ...plan, nginxPath: inject('nginxPath'), servers: gateways.map(({ port }) => port) });
  edges.push(edge);
  return edge;
}

function start(settings: Readonly<Record<string, string>>, port = 0): Promise<AppProcess> {
  return startApp('gateway', {
    REDIS_URL: inject('redisUrl'),
    OVERLAY_TOKEN_KEYS: source.tokenKeys,
    HOST: '127.0.0.1',
    PORT: String(port),
    INTERNAL_PORT: '0',
    STATS_TOKEN,
    GATEWAY_TRUSTED_PROXIES: 'loopback',
    GATEWAY_MAX_SOCKETS_PER_IP: '0',
    GATEWAY_MAX_UNAUTHENTICATED_PER_IP: '0',
    GATEWAY_UPGRADES_PER_MINUTE_PER_IP: '0',
    ...settings,
  });
}

const socketUrl = ({ port }: NginxEdge): string => `ws://127.0.0.1:${String(port)}/overlay`;

/** As the page connects. */
async function overlay(edge: NginxEdge, { token, epoch, seq }: Streamer): Promise<OverlayClient> {
  const client = await OverlayClient.admitted(gatewayFor(socketUrl(edge), token), token, { epoch, seq });
  clients.push(client);
  return client;
}

/** As any WebSocket client connects that was given the overlay's URL. */
async function plainClient(edge: NginxEdge, { token }: Streamer): Promise<OverlayClient> {
  const client = new OverlayClient(`${socketUrl(edge)}?token=${token}`);
  clients.push(client);
  await client.ready();
  return client;
}

/** Which gateways hold sockets of each creator. */
async function holders(): Promise<ReadonlyMap<string, readonly number[]>> {
  const found = new Map<string, number[]>();
  for (const { child, internalUrl, port } of gateways) {
    if (child.process.exitCode !== null || child.process.signalCode !== null) continue;
    const answer = await fetch(`${internalUrl}/stats?top=1000`, { headers: { authorization: `Bearer ${STATS_TOKEN}` } });
    for (const { creatorId } of Report.parse(await answer.json()).connections.byCreator.filter(({ sockets }) => sockets > 0)) {
      found.set(creatorId, [...(found.get(creatorId) ?? []), port]);
    }
  }
  return found;
}

async function sockets({ internalUrl }: AppProcess): Promise<number> {
  const answer = await fetch(`${internalUrl}/stats`, { headers: { authorization: `Bearer ${STATS_TOKEN}` } });
  return Report.parse(await answer.json()).connections.total;
}

const at = (index: number): AppProcess => {
  const gateway = gateways[index];
  if (gateway === undefined) throw new Error('there is no such gateway');
  return gateway;
};

describe('sticky by creator', () => {
  it('brings all overlays of a creator to one gateway, moves only those of a lost one, and back when it returns', async () => {
    const edge = await open({ balance: 'sticky' }, 4, {}, 60);
    const come = async (): Promise<ReadonlyMap<string, readonly number[]>> => {
      for (const { socket } of clients.splice(0)) socket.terminate();
      await eventually(async () => {
        expect((await holders()).size).toBe(0);
      }, 10_000);
      for (const streamer of source.streamers) await Promise.all([overlay(edge, streamer), plainClient(edge, streamer)]);
      const found = await holders();
      expect([...found.values()].filter((ports) => ports.length !== 1)).toEqual([]);
      return new Map(source.streamers.map(({ creatorId }) => [creatorId, found.get(creatorId) ?? []]));
    };
    const first = await come();
    const shares = gateways.map(({ port }) => [...first.values()].filter(([holder]) => holder === port).length);
    expect(Math.min(...shares)).toBeGreaterThan(3);
    expect(await come()).toEqual(first);

    const lost = at(1);
    await lost.child.stop('SIGKILL');
    const without = await come();
    for (const [creatorId, [port]] of first) {
      if (port === lost.port) expect(without.get(creatorId)).not.toEqual([port]);
      else expect(without.get(creatorId)).toEqual([port]);
    }
    gateways.splice(1, 1, await start({}, lost.port));
    expect(await come()).toEqual(first);
  });

  it('gives the next one what is aimed at one that is full: who names any creator he likes shuts nobody out', async () => {
    const edge = await open({ balance: 'sticky' }, 2, { GATEWAY_MAX_SOCKETS: '4' }, 2);
    const [aimedAt, stranger] = source.streamers;
    if (aimedAt === undefined || stranger === undefined) throw new Error('nobody streams');
    // nginx cannot know that the token is another's.
    for (let n = 0; n < 6; n += 1) clients.push(await OverlayClient.admitted(gatewayFor(socketUrl(edge), aimedAt.token), stranger.token));
    expect((await Promise.all(gateways.map(sockets))).sort()).toEqual([2, 4]);
    await overlay(edge, aimedAt);
    expect((await Promise.all(gateways.map(sockets))).sort()).toEqual([3, 4]);
  });

  it('knows the creator of a stream and of a poll by the header alone', async () => {
    const edge = await open({ balance: 'sticky' }, 3, { GATEWAY_POLL_MS: '500' }, 12);
    for (const streamer of source.streamers) await overlay(edge, streamer);
    const held = await holders();
    const calls = source.streamers.map(async ({ token, creatorId, epoch }) => {
      const url = `http://127.0.0.1:${String(edge.port)}/overlay/poll?wait=0&epoch=${epoch}&seq=0`;
      const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
      expect(answer.status).toBe(200);
      return creatorId;
    });
    await Promise.all(calls);
    await eventually(() => {
      expect(edge.log().match(/"path":"\/overlay\/poll"/g)).toHaveLength(12);
    });
    const polled = gateways.map(
      ({ port }) =>
        edge
          .log()
          .split('\n')
          .filter((line) => line.includes('/overlay/poll') && line.includes(`:${String(port)}"`)).length,
    );
    expect(polled).toEqual(gateways.map(({ port }) => [...held.values()].filter(([holder]) => holder === port).length));
  });
});

describe('spread', () => {
  it('sends to the next one what a full gateway refuses, and says so when all are full', async () => {
    const edge = await open({ balance: 'spread' }, 2, { GATEWAY_MAX_SOCKETS: '5' });
    const [streamer] = source.streamers;
    if (streamer === undefined) throw new Error('nobody streams');
    for (let n = 0; n < 10; n += 1) await overlay(edge, streamer);
    expect(await Promise.all(gateways.map(sockets))).toEqual([5, 5]);
    const refused = new OverlayClient(socketUrl(edge));
    clients.push(refused);
    const answer = await new Promise<{ status: number | undefined; retryAfter: string | undefined }>((resolve) => {
      refused.socket.once('unexpected-response', (_, { statusCode, headers }) => {
        resolve({ status: statusCode, retryAfter: headers['retry-after'] });
      });
    });
    expect(answer.status).toBe(503);
    expect(Number(answer.retryAfter)).toBeGreaterThan(0);
    // The one that is not full gets everybody, whomever nginx asks first.
    const [leaver] = clients;
    await leaver?.close();
    await overlay(edge, streamer);
    expect(await Promise.all(gateways.map(sockets))).toEqual([5, 5]);
  });

  it('fills a gateway that has come back before the others, and gives its share to one that joins', async () => {
    const edge = await open({ balance: 'spread' }, 2, {}, 10);
    const everybody = async (times: number): Promise<void> => {
      for (let n = 0; n < times; n += 1) for (const streamer of source.streamers) await overlay(edge, streamer);
    };
    await everybody(2);
    expect(await Promise.all(gateways.map(sockets))).toEqual([10, 10]);
    const lost = at(0);
    await lost.child.stop('SIGKILL');
    await everybody(1);
    expect(await sockets(at(1))).toBe(20);
    gateways.splice(0, 1, await start({}, lost.port));
    await everybody(2);
    expect(await Promise.all(gateways.map(sockets))).toEqual([20, 20]);

    // A reload forgets what there is, so one that joins gets its share and no more; nobody is cut off for it.
    gateways.push(await start({}));
    await edge.point(gateways.map(({ port }) => port));
    await everybody(3);
    expect(await Promise.all(gateways.map(sockets))).toEqual([30, 30, 10]);
    expect(clients.filter(({ ending }) => ending !== undefined && ending.code !== 1006)).toEqual([]);
  });
});

describe('any of them', () => {
  it('carries events over TLS, and sends who comes without it there', async () => {
    const edge = await open({ balance: 'sticky', tls: { certificate: TEST_CERTIFICATE, key: TEST_KEY } }, 1);
    const [streamer] = source.streamers;
    if (streamer === undefined) throw new Error('nobody streams');
    const url = gatewayFor(`wss://127.0.0.1:${String(edge.port)}/overlay`, streamer.token);
    const agent = new Agent({ ca: TEST_CERTIFICATE, servername: 'tips.example.com' });
    const client = new OverlayClient(url, { agent });
    clients.push(client);
    await client.opened();
    client.auth(streamer.token);
    await client.ready();
    await source.tip(streamer);
    await client.caughtUp(1);
    expect(client.socket.protocol).toBe('droppio.v1');
    const page = await new Promise<{ status: number | undefined; sts: string | undefined }>((resolve, reject) => {
      const options = { port: edge.port, path: '/healthz', ca: TEST_CERTIFICATE, servername: 'tips.example.com' };
      overTls(options, (answer) => {
        answer.resume();
        resolve({ status: answer.statusCode, sts: answer.headers['strict-transport-security'] });
      })
        .once('error', reject)
        .end();
    });
    expect(page).toEqual({ status: 200, sts: 'max-age=31536000' });
    // nginx itself says that this port speaks TLS.
    expect((await fetch(`http://127.0.0.1:${String(edge.port)}/healthz`)).status).toBe(400);
  });

  it('holds a socket that nobody tips for longer than its own patience, because it is pinged; and cuts one that is not', async () => {
    const changes = { 'proxy_read_timeout 75s': 'proxy_read_timeout 1500ms' };
    const edge = await open({ balance: 'sticky', changes }, 1, { GATEWAY_PING_MS: '500' });
    const [streamer] = source.streamers;
    if (streamer === undefined) throw new Error('nobody streams');
    const quiet = await overlay(edge, streamer);
    const pings = (): number => quiet.frames.filter(({ op }) => op === 'ping').length;
    await quiet.until(() => pings() >= 6, 'six pings');
    expect(quiet.ending).toBeUndefined();
    await source.tip(streamer);
    await quiet.caughtUp(1);

    gateways.push(await start({ GATEWAY_PING_MS: '60000' }));
    await edge.point([at(1).port]);
    const silent = await overlay(edge, streamer);
    expect(await silent.ended()).toMatchObject({ code: 1006 });
  });

  it('counts viewers by their own addresses, and believes nobody who makes one up', async () => {
    const edge = await open({ balance: 'sticky' }, 1, { GATEWAY_MAX_SOCKETS_PER_IP: '2' });
    const come = async (localAddress: string, headers: Record<string, string> = {}): Promise<number | undefined> => {
      const client = new OverlayClient(socketUrl(edge), { localAddress, headers });
      clients.push(client);
      await client.until(() => client.frames.length > 0 || client.ending, 'hello');
      return client
        .until(() => client.ending ?? client.frames.length > 1, 'a word', 300)
        .then(
          () => client.ending?.code,
          () => undefined,
        );
    };
    // Where viewers come from a range that is believed, as behind a NAT in the proxies' own network.
    expect(await Promise.all([come('127.0.0.4'), come('127.0.0.4')])).toEqual([undefined, undefined]);
    expect(await come('127.0.0.4', { 'x-forwarded-for': '203.0.113.9' })).toBe(4009);
    // As from three machines; 127.0.0.1 alone is trusted to speak for others.
    await at(0).child.stop('SIGTERM');
    gateways.splice(0, 1, await start({ GATEWAY_MAX_SOCKETS_PER_IP: '2', GATEWAY_TRUSTED_PROXIES: '127.0.0.1' }, at(0).port));
    expect(await Promise.all([come('127.0.0.2'), come('127.0.0.2')])).toEqual([undefined, undefined]);
    expect(await Promise.all([come('127.0.0.3'), come('127.0.0.3')])).toEqual([undefined, undefined]);
    expect(await come('127.0.0.2')).toBe(4009);
    expect(await come('127.0.0.3', { 'x-forwarded-for': '203.0.113.9' })).toBe(4009);
  });

  it('writes no token anywhere, also not when something goes wrong, and lets in nothing but what is meant for everybody', async () => {
    const edge = await open({ balance: 'sticky' }, 1);
    const [streamer] = source.streamers;
    if (streamer === undefined) throw new Error('nobody streams');
    const client = await plainClient(edge, streamer);
    await client.close();
    const base = `http://127.0.0.1:${String(edge.port)}`;
    const statusOf = async (path: string, headers: Record<string, string> = {}): Promise<number> =>
      (await fetch(base + path, { headers, redirect: 'manual' })).status;
    expect(await statusOf('/overlay')).toBe(308);
    for (const path of ['/metrics', '/health/ready', '/stats', '/', '/v1']) expect(await statusOf(path)).toBe(404);
    await at(0).child.stop('SIGKILL');
    const ways = [`/overlay/poll?token=${streamer.token}`, `/overlay/events?token=${streamer.token}`, `/overlay/?token=${streamer.token}`];
    for (const way of ways) expect(await statusOf(way)).toBe(502);
    expect(await statusOf('/overlay/poll', { authorization: `Bearer ${streamer.token}` })).toBe(502);
    const cut = new OverlayClient(`${socketUrl(edge)}?token=${streamer.token}`);
    clients.push(cut);
    await cut.ended();
    await eventually(() => {
      expect(edge.log().match(/"path":"\/overlay"/g)).toHaveLength(3);
    });
    expect(edge.log() + edge.errors()).not.toContain('dro_ov_');
    expect(edge.log()).toContain('"upstreamStatus":"502"');
    // What the API is asked may be told: that a process is gone is worth a line.
    await new Promise<void>((resolve) => {
      get(`${base}/v1/creators`, (answer) => {
        answer.resume().once('end', resolve);
      });
    });
    await eventually(() => {
      expect(edge.errors()).toContain('connect() failed');
    });
  });
});
