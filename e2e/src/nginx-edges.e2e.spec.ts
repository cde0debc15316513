import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, request, type IncomingHttpHeaders, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from '@droppio/broker/testing';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import * as z from 'zod';
import { freePort, NginxEdge, SilentPort, startWebEdge, trustedProxyLines } from './houses/index.js';

/** An overlay gives a handshake 15 s. Three who do not answer cost 300 ms each. */
const BOUND_MS = 5000;
const TOKEN = `dro_ov_${'a'.repeat(44)}`;
const FORGED = '203.0.113.9';

/** Stands for a gateway and for the API: takes every socket, and answers every request with its headers. */
class Upstream {
  readonly upgrades: IncomingHttpHeaders[] = [];
  private readonly sockets = new WebSocketServer({ noServer: true });

  private constructor(private readonly server: Server) {
    server.on('upgrade', (message, socket, head) => {
      this.upgrades.push(message.headers);
      this.sockets.handleUpgrade(message, socket, head, () => undefined);
    });
  }

  static async start(): Promise<Upstream> {
    const server = createServer((message, answer) => {
      message.resume();
      answer.setHeader('content-type', 'application/json').end(JSON.stringify(message.headers));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Upstream(server);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  stop(): void {
    for (const socket of this.sockets.clients) socket.terminate();
    this.server.close();
    this.server.closeAllConnections();
  }
}

interface Behind {
  readonly gateways: readonly number[];
  readonly api: readonly number[];
  readonly trustedProxy?: string;
}

/** The files that are shipped, as whole servers. */
const EDGES: Readonly<Record<string, (behind: Behind) => Promise<NginxEdge>>> = {
  'the web image': ({ gateways, api, trustedProxy = '' }) =>
    startWebEdge({ nginxPath: inject('nginxPath'), gateways, api, trustedProxies: trustedProxy }),
  'docker/nginx/house, spread': (behind) => house('spread', behind),
  'docker/nginx/house, sticky': (behind) => house('sticky', behind),
};

function house(balance: 'spread' | 'sticky', { gateways, trustedProxy }: Behind): Promise<NginxEdge> {
  const plan = { nginxPath: inject('nginxPath'), servers: gateways, balance };
  return NginxEdge.start(trustedProxy === undefined ? plan : { ...plan, trustedProxy });
}

const stops: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function upstream(): Promise<Upstream> {
  const started = await Upstream.start();
  stops.push(() => {
    started.stop();
  });
  return started;
}

async function silentPort(): Promise<number> {
  const silent = await SilentPort.open();
  stops.push(() => silent.close());
  return silent.port;
}

async function open(edge: string, behind: Behind): Promise<NginxEdge> {
  const started = await EDGES[edge]?.(behind);
  if (started === undefined) throw new Error(`there is no edge ${edge}`);
  stops.push(() => started.stop());
  return started;
}

interface Call {
  readonly from?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** fetch() cannot choose the address that it calls from. */
async function call({ port }: NginxEdge, path: string, { from = '127.0.0.1', headers = {}, body }: Call = {}) {
  const method = body === undefined ? 'GET' : 'POST';
  const sent = request({ host: '127.0.0.1', port, path, method, localAddress: from, headers: { ...headers }, agent: false });
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    sent.once('response', resolve).once('error', reject).end(body);
  });
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(z.instanceof(Buffer).parse(chunk));
  return { status: answer.statusCode, text: Buffer.concat(chunks).toString('utf8') };
}

async function socketOf({ port }: NginxEdge, { from = '127.0.0.1', headers = {} }: Call = {}): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${String(port)}/overlay`, { localAddress: from, headers });
  stops.push(() => {
    socket.terminate();
  });
  await once(socket, 'open');
}

const forwardedFor = (text: string): string | undefined =>
  z.looseObject({ 'x-forwarded-for': z.string().optional() }).parse(JSON.parse(text))['x-forwarded-for'];

describe.each(Object.keys(EDGES))('%s', (name) => {
  it('brings every newcomer to one that is well, past those that refuse and those that do not answer, and before he loses patience', async () => {
    const well = [await upstream(), await upstream()];
    const refusing = [await freePort(), await freePort(), await freePort()];
    const silent = await Promise.all([silentPort(), silentPort(), silentPort()]);
    const all = [...silent, ...refusing, ...well.map(({ port }) => port)];
    const edge = await open(name, { gateways: all, api: all });
    const began = Date.now();
    const paths = ['/overlay/events', '/overlay/poll', '/overlay/media/x', '/v1/x', '/v1/assets'];
    const statuses = paths.map(async (path) => (await call(edge, path)).status);
    // From addresses of their own: by these a sticky one tells creators apart who are not named.
    const newcomers = Array.from({ length: 12 }, (_, n) => socketOf(edge, { from: `127.0.0.${String(20 + n)}` }));
    await Promise.all([...newcomers, ...statuses]);
    expect(Date.now() - began).toBeLessThan(BOUND_MS);
    expect(await Promise.all(statuses)).toEqual(paths.map(() => 200));
    expect(well.reduce((sum, { upgrades }) => sum + upgrades.length, 0)).toBe(12);
    // Those who come next pay again: nobody is held to be dead, so one that returns is used at once.
    await Promise.all(Array.from({ length: 4 }, () => socketOf(edge)));
  });

  it('passes on the address that a viewer has, and nothing of what he says that he has', async () => {
    const behind = await upstream();
    const edge = await open(name, { gateways: [behind.port], api: [behind.port] });
    const forged = { from: '127.0.0.9', headers: { 'X-Forwarded-For': FORGED, 'x-real-ip': FORGED } };
    for (const path of ['/overlay/events', '/overlay/poll', '/overlay/media/x', '/v1/x', '/docs'])
      expect(forwardedFor((await call(edge, path, forged)).text), path).toBe('127.0.0.9');
    expect(forwardedFor((await call(edge, '/v1/assets', { ...forged, body: 'an image' })).text)).toBe('127.0.0.9');
    await socketOf(edge, forged);
    expect(behind.upgrades.map((headers) => headers['x-forwarded-for'])).toEqual(['127.0.0.9']);
  });

  it('believes the proxy that it is told of, up to the first address that is not his, and still nobody else', async () => {
    const behind = await upstream();
    const edge = await open(name, { gateways: [behind.port], api: [behind.port], trustedProxy: '127.0.0.8' });
    const says = async (from: string, words: string): Promise<string | undefined> =>
      forwardedFor((await call(edge, '/overlay/poll', { from, headers: { 'X-Forwarded-For': words } })).text);
    expect(await says('127.0.0.8', `${FORGED}, 198.51.100.7`)).toBe('198.51.100.7');
    expect(await says('127.0.0.8', `${FORGED}, 198.51.100.7, 127.0.0.8`)).toBe('198.51.100.7');
    expect(await says('127.0.0.8', 'nobody')).toBe('127.0.0.8');
    expect(await says('127.0.0.9', FORGED)).toBe('127.0.0.9');
    expect(await says('127.0.0.1', FORGED)).toBe('127.0.0.1');
  });

  it('writes no token anywhere, wherever it was sent by mistake and whatever goes wrong there', async () => {
    const gone = await freePort();
    const edge = await open(name, { gateways: [gone], api: [gone] });
    const places = [
      '/overlay',
      '/overlay/',
      '/overlay/event',
      '/overlay/events',
      '/overlay/poll',
      '/overlay/poll/',
      '/overlay/assets/x.js',
    ];
    const others = ['/overlay/media', '/overlay/media/', '/overlay/media/x', '/overlays', '/Overlay', '/', '/index.html', '/healthz'];
    for (const place of [...places, ...others]) {
      await call(edge, `${place}?token=${TOKEN}`);
      // Longer than is let in: an error of its own, told with the request line.
      await call(edge, `${place}?token=${TOKEN}`, { body: 'x'.repeat(200_000) }).catch(() => undefined);
    }
    await call(edge, '/v1/x');
    await eventually(() => {
      expect(edge.log()).toContain('"path":"/overlay/poll/"');
      // Errors are looked for where they are.
      expect(edge.errors()).toContain('connect() failed');
    });
    expect(edge.log() + edge.errors()).not.toContain('dro_ov_');
  });
});

describe('the metrics of the web image', () => {
  it('say of its viewers what nginx does with them, in words that Prometheus takes, and at no port that anybody is led to', async () => {
    const behind = await upstream();
    const edge = await open('the web image', { gateways: [behind.port], api: [behind.port] });
    await Promise.all(Array.from({ length: 3 }, () => socketOf(edge)));
    const url = `http://127.0.0.1:${String(edge.internalPort)}`;
    const answer = await fetch(`${url}/metrics`);
    const text = await answer.text();
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4');
    // Three sockets, and the one who asks.
    expect(text).toMatch(/^droppio_web_connections\{state="writing"\} 4$/m);
    expect(text).toMatch(/^droppio_web_connections\{state="(?:reading|waiting)"\} 0$/m);
    const { stdout, stderr } = spawnSync(inject('promtoolPath'), ['check', 'metrics'], { input: text, encoding: 'utf8', timeout: 20_000 });
    expect(stdout + stderr).toBe('');
    expect((await fetch(`${url}/overlay/`)).status).toBe(404);
    expect((await call(edge, '/metrics')).status).toBe(404);
  });
});

describe('WEB_TRUSTED_PROXIES', () => {
  it('is a list of addresses and networks', () => {
    expect(trustedProxyLines('')).toBe('');
    expect(trustedProxyLines('192.0.2.7, 10.0.0.0/8,2001:db8::/32')).toBe(
      ' set_real_ip_from 192.0.2.7; set_real_ip_from 10.0.0.0/8; set_real_ip_from 2001:db8::/32;',
    );
  });

  it.each(['uniquelocal', '10.0.0.0/8;', '10.0.0.0/8,include/x', '$remote_addr', '0.0.0.0/0', '::/0', '*'])(
    'does not start with %s',
    (value) => {
      expect(() => trustedProxyLines(value)).toThrow('WEB_TRUSTED_PROXIES');
    },
  );
});
