import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock } from '@droppio/tips/testing';
import { TargetGuard, type TargetRules } from './target-guard.js';
import { answerWith, Receiver, StubNames, TEST_CERTIFICATE, type Answering } from './testing/index.js';
import { retryAfterMs, WebhookSender, type Sent, type SenderOptions } from './webhook-sender.js';

const HOST = 'hooks.example.com';
const isLoopback = (address: string): boolean => address.startsWith('127.0.0.');

const open: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.stop()));
});

async function receiver(answer?: Answering, scheme?: 'http' | 'https', host?: string): Promise<Receiver> {
  const started = await Receiver.start(answer, scheme, host);
  open.push(started);
  return started;
}

interface World {
  readonly names?: StubNames;
  readonly rules?: Partial<TargetRules>;
  readonly options?: Partial<SenderOptions>;
}

function sender(ports: readonly number[], { names, rules, options }: World = {}): WebhookSender {
  const known = names ?? new StubNames().says(HOST, ['127.0.0.1']);
  const guard = new TargetGuard({ ports: new Set(ports), allowHttp: true, isPublic: isLoopback, ...rules }, known);
  return new WebhookSender(guard, { attemptMs: 2000, ca: TEST_CERTIFICATE, ...options }, new ManualClock());
}

const post = (to: Receiver, world?: World, host = HOST, path = '/'): Promise<Sent> =>
  sender([to.port], world).post(to.url(host, path), { 'webhook-id': 'a-1' }, '{"ü":1}');

describe(WebhookSender.name, () => {
  it('posts the body as it is, for the host that was named', async () => {
    const to = await receiver();
    expect(await post(to, {}, HOST, '/in?k=v')).toEqual({ kind: 'answered', status: 204 });
    expect(to.received).toMatchObject([{ path: '/in?k=v', id: 'a-1', body: '{"ü":1}' }]);
    expect(to.received[0]?.headers).toMatchObject({
      host: `${HOST}:${String(to.port)}`,
      'content-type': 'application/cloudevents+json; charset=utf-8',
      connection: 'close',
    });
  });

  it('connects to what was checked, though the name leads elsewhere a moment later', async () => {
    const allowed = await receiver(undefined, 'https', '127.0.0.2');
    const names = new StubNames().says(HOST, ['127.0.0.2'], ['127.0.0.1']);
    const rules = { isPublic: (address: string) => address === '127.0.0.2' };
    const one = sender([allowed.port], { names, rules });
    expect(await one.post(allowed.url(HOST), {}, '{}')).toMatchObject({ status: 204 });
    expect(names.asked).toEqual([HOST]);
    expect(await one.post(allowed.url(HOST), {}, '{}')).toEqual({ kind: 'fault', fault: 'refused-address' });
    expect(allowed.connections).toBe(1);
  });

  it('opens no connection to an address of ours, whatever name or number it is given by', async () => {
    const to = await receiver();
    const guard = new TargetGuard({ ports: new Set([to.port]), allowHttp: true }, new StubNames().says(HOST, ['127.0.0.1']));
    const strict = new WebhookSender(guard, { attemptMs: 2000, ca: TEST_CERTIFICATE }, new ManualClock());
    for (const host of [HOST, '127.0.0.1', 'localhost', '2130706433', '[::ffff:127.0.0.1]', '[::1]', '0.0.0.0']) {
      expect(await strict.post(to.url(host), {}, '{}'), host).toEqual({ kind: 'fault', fault: 'refused-address' });
    }
    expect(to.connections).toBe(0);
  });

  it('goes to one of several addresses that answers', async () => {
    const to = await receiver(undefined, 'https', '127.0.0.3');
    const names = new StubNames().says(HOST, ['127.0.0.4', '127.0.0.3']);
    expect(await post(to, { names })).toMatchObject({ status: 204 });
  });

  it('follows no redirect', async () => {
    const other = await receiver();
    const to = await receiver(answerWith(307, { location: other.url(HOST) }));
    expect(await sender([to.port, other.port]).post(to.url(HOST), {}, '{}')).toEqual({ kind: 'answered', status: 307 });
    expect(other.connections).toBe(0);
  });

  it('knows no proxy', async () => {
    const [to, proxy] = [await receiver(), await receiver(undefined, 'http')];
    const before = { ...process.env };
    for (const name of ['HTTPS_PROXY', 'HTTP_PROXY', 'https_proxy', 'http_proxy', 'ALL_PROXY']) process.env[name] = proxy.url('127.0.0.1');
    try {
      expect(await post(to)).toMatchObject({ status: 204 });
    } finally {
      process.env = before;
    }
    expect(proxy.connections).toBe(0);
  });

  it('trusts no certificate but those of the world, and only for the name that it asked for', async () => {
    const to = await receiver();
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    try {
      const guard = new TargetGuard(
        { ports: new Set([to.port]), allowHttp: false, isPublic: isLoopback },
        new StubNames().says(HOST, ['127.0.0.1']),
      );
      const careful = new WebhookSender(guard, { attemptMs: 2000 }, new ManualClock());
      expect(await careful.post(to.url(HOST), {}, '{}')).toEqual({ kind: 'fault', fault: 'tls-failed' });
      const names = new StubNames().says('hooks.elsewhere.com', ['127.0.0.1']);
      expect(await post(to, { names }, 'hooks.elsewhere.com')).toEqual({ kind: 'fault', fault: 'tls-failed' });
    } finally {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
    }
    expect(to.received).toEqual([]);
  });

  it('is over in time when nobody answers', async () => {
    const to = await receiver(() => undefined);
    const began = Date.now();
    expect(await post(to, { options: { attemptMs: 200 } })).toEqual({ kind: 'fault', fault: 'timed-out' });
    const names = new StubNames();
    names.addressesOf = () => new Promise(() => undefined);
    expect(await post(to, { names, options: { attemptMs: 200 } })).toEqual({ kind: 'fault', fault: 'timed-out' });
    expect(Date.now() - began).toBeLessThan(1500);
  });

  it('counts the status of an answer whose body never ends, and reads little of it', async () => {
    let written = 0;
    const drips = await receiver((_received, response) => {
      response.writeHead(200).write('.');
    });
    const floods = await receiver((_received, response) => {
      const flood = (): void => {
        while (response.write('x'.repeat(16_384))) written += 16_384;
        response.once('drain', flood);
      };
      flood();
    });
    expect(await post(drips, { options: { attemptMs: 200 } })).toEqual({ kind: 'answered', status: 200 });
    const began = Date.now();
    expect(await post(floods)).toEqual({ kind: 'answered', status: 200 });
    expect(Date.now() - began).toBeLessThan(1500);
    expect(written).toBeLessThan(8 * 1024 * 1024);
  });

  it.each([
    ['nothing', ''],
    ['nonsense', 'SSH-2.0-OpenSSH_9.9\r\n'],
    ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'],
    ['headers without end', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'],
  ])('takes %s for no answer', async (_what, bytes) => {
    const raw = await rawServer((socket) => socket.end(bytes));
    const sent = await sender([raw.port]).post(`http://${HOST}:${String(raw.port)}/`, {}, '{}');
    expect(sent).toEqual({ kind: 'fault', fault: 'broken-answer' });
  });

  it('says that nobody is there', async () => {
    const gone = await Receiver.start();
    await gone.stop();
    expect(await post(gone)).toEqual({ kind: 'fault', fault: 'not-connected' });
    expect(await post(gone, { names: new StubNames() })).toEqual({ kind: 'fault', fault: 'no-address' });
  });

  it('passes on how long a busy server wants to be left alone', async () => {
    const busy = await receiver(answerWith(503, { 'retry-after': '120' }));
    expect(await post(busy)).toEqual({ kind: 'answered', status: 503, retryAfterMs: 120_000 });
    const odd = await receiver(answerWith(200, { 'retry-after': '120' }));
    expect(await post(odd)).toEqual({ kind: 'answered', status: 200 });
  });

  it.each([
    ['30', 30_000],
    ['Wed, 15 Nov 2023 00:00:00 GMT', 1_700_006_400_000 - 1_700_000_000_000],
    ['Wed, 15 Nov 2022 00:00:00 GMT', 0],
    ['soon', undefined],
    ['-1', undefined],
    ['1e9', undefined],
    ['99999999999999999999', undefined],
    [undefined, undefined],
  ])('reads Retry-After %j as %j', (header, ms) => {
    expect(retryAfterMs(header, 1_700_000_000_000)).toBe(ms);
  });
});

async function rawServer(answer: (socket: Socket) => void): Promise<{ readonly port: number }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => {
      answer(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({
    stop: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => {
          resolve();
        });
      }),
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return { port: address.port };
}
