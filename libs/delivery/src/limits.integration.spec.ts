import { connect } from 'node:net';
import { once } from 'node:events';
import { MemoryBrokerModule } from '@droppio/broker';
import { afterEach, describe, expect, it } from 'vitest';
import { GatewayHouse, type SettingTexts } from './testing/gateway-house.js';
import { OverlayClient } from './testing/overlay-client.js';

let house: GatewayHouse;
const open = async (settings: SettingTexts = {}): Promise<GatewayHouse> =>
  (house = await GatewayHouse.start({ broker: MemoryBrokerModule, settings }));
afterEach(() => house.stop());

interface Refusal {
  readonly status: number;
  readonly retryAfter: string | undefined;
}

/** Status of the answer to an upgrade; 101 when it was let in. */
function upgrade(path = '/overlay', headers: Record<string, string> = {}): Promise<Refusal> {
  const client = new OverlayClient(`ws://127.0.0.1:${String(house.port)}${path}`, { headers });
  house.clients.push(client);
  return new Promise((resolve) => {
    client.socket.once('open', () => {
      resolve({ status: 101, retryAfter: undefined });
    });
    client.socket.once('unexpected-response', (_, response) => {
      response.resume();
      resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] });
    });
  });
}

describe('the door of a gateway', () => {
  it('leaves pages and API on the same port alone', async () => {
    await open();
    const page = await fetch(`http://127.0.0.1:${String(house.port)}/overlay/`);
    const api = await fetch(`http://127.0.0.1:${String(house.port)}/v1/creators`);
    expect([await page.text(), await api.text()]).toEqual(['the page', 'the api']);
    expect(await upgrade('/overlay')).toMatchObject({ status: 101 });
  });

  it.each(['/', '/overlay/', '/overlays', '/v1/creators', '/overlay/x', '//overlay', '/%6fverlay'])(
    'has no sockets at %s',
    async (path) => {
      await open();
      expect(await upgrade(path)).toMatchObject({ status: 404 });
    },
  );

  it('knows streams and polls by their exact names, and only to read', async () => {
    await open();
    const ask = async (method: string, path: string): Promise<number> =>
      (await fetch(`http://127.0.0.1:${String(house.port)}/overlay/${path}`, { method })).status;
    expect(
      await Promise.all([ask('GET', 'events?token=x'), ask('GET', 'poll?wait=0'), ask('OPTIONS', 'poll'), ask('POST', 'events')]),
    ).toEqual([200, 200, 204, 405]);
    expect(await Promise.all([ask('GET', 'events/x'), ask('GET', 'pollx'), ask('DELETE', 'poll/')])).toEqual([404, 404, 405]);
  });

  it('sends those away that are too many, and says when to come again', async () => {
    await open({ GATEWAY_MAX_SOCKETS: '2' });
    expect([await upgrade(), await upgrade()].map(({ status }) => status)).toEqual([101, 101]);
    expect(await upgrade()).toEqual({ status: 503, retryAfter: '5' });
    await Promise.all(house.clients.map((client) => client.close()));
    await expect.poll(async () => (await upgrade()).status).toBe(101);
  });

  it('sends those away that come too fast', async () => {
    await open({ GATEWAY_UPGRADES_PER_SECOND: '2' });
    const answers = await Promise.all(Array.from({ length: 12 }, () => upgrade()));
    const refused = answers.filter(({ status }) => status === 503);
    expect(refused.length).toBeGreaterThanOrEqual(6);
    expect(refused.every(({ retryAfter }) => retryAfter === '2')).toBe(true);
  });

  it('counts by network, believing only proxies that are listed', async () => {
    await open({ GATEWAY_UPGRADES_PER_MINUTE_PER_IP: '2', GATEWAY_TRUSTED_PROXIES: 'loopback' });
    const from = (address: string) => upgrade('/overlay', { 'X-Forwarded-For': address });
    expect((await Promise.all([from('192.0.2.1'), from('192.0.2.1')])).map(({ status }) => status)).toEqual([101, 101]);
    expect(await from('192.0.2.1')).toEqual({ status: 429, retryAfter: '30' });
    expect(await from('1.1.1.1, 192.0.2.1')).toMatchObject({ status: 429 });
    expect(await from('192.0.2.2')).toMatchObject({ status: 101 });
    await from('2001:db8::1');
    await from('2001:db8::2');
    expect(await from('2001:db8::ffff')).toMatchObject({ status: 429 });
  });

  it('is not fooled by a header that no proxy of ours has written', async () => {
    await open({ GATEWAY_UPGRADES_PER_MINUTE_PER_IP: '2' });
    const made = await Promise.all(['1.1.1.1', '1.1.1.2', '1.1.1.3'].map((address) => upgrade('/overlay', { 'X-Forwarded-For': address })));
    expect(made.map(({ status }) => status).sort()).toEqual([101, 101, 429]);
  });

  it('lets in pages of listed origins only, and programs without one', async () => {
    await open({ GATEWAY_ALLOWED_ORIGINS: 'https://tips.example' });
    const foreign = [
      'https://evil.example',
      'null',
      'https://tips.example.evil',
      'https://evil-tips.example',
      'https://eviltips.example',
      'http://tips.example',
      'https://tips.example:8443',
      'https://TIPS.example',
      'https://tips.example.',
      'https://tips.example@evil.example',
      'https://tips.example, https://evil.example',
      '*',
      'file://',
    ];
    for (const origin of foreign) expect(await upgrade('/overlay', { Origin: origin }), origin).toMatchObject({ status: 403 });
    for (const path of ['events', 'poll?wait=0']) {
      const answer = await fetch(`http://127.0.0.1:${String(house.port)}/overlay/${path}`, { headers: { origin: 'https://evil.example' } });
      expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([403, null]);
    }
    expect(await upgrade('/overlay', { Origin: 'https://tips.example' })).toMatchObject({ status: 101 });
    expect(await upgrade()).toMatchObject({ status: 101 });
  });

  it('opens to no cookie, whatever is in it', async () => {
    await open({ GATEWAY_AUTH_TIMEOUT_MS: '300' });
    const { token } = await house.creator();
    const Cookie = `__Host-droppio_sid=${token}; token=${token}; Authorization=Bearer ${token}`;
    expect(await upgrade('/overlay', { Cookie })).toMatchObject({ status: 101 });
    expect(await house.clients[0]?.ended()).toMatchObject({ code: 4502 });
    expect(house.clients[0]?.frames.map(({ op }) => op)).toEqual(['hello']);
    const polled = await fetch(`http://127.0.0.1:${String(house.port)}/overlay/poll?wait=0`, { headers: { cookie: Cookie } });
    expect(await polled.text()).toContain('4500');
  });

  it('ends a connection that dawdles over its first request, and no other', async () => {
    await open();
    const slow = connect(house.port, '127.0.0.1');
    slow.on('error', () => undefined);
    slow.write('GET /overlay HTTP/1.1\r\nHost: x\r\n');
    const drip = setInterval(() => slow.write('X: y\r\n'), 500);
    const started = Date.now();
    const client = await house.visitor();
    await once(slow, 'close');
    clearInterval(drip);
    expect(Date.now() - started).toBeLessThan(8000);
    expect(client.ending).toBeUndefined();
  }, 15_000);
});

describe('a crowd', () => {
  it('of sockets on one token is limited, and those that fell silent make room first', async () => {
    await open({ GATEWAY_MAX_SOCKETS_PER_TOKEN: '2', GATEWAY_PING_MS: '25000' });
    const { token } = await house.creator();
    await Promise.all([house.overlay(token), house.overlay(token)]);
    const third = await house.visitor(`?token=${token}`);
    expect(await third.ended()).toMatchObject({ code: 4504 });
    await house.clients[0]?.close();
    await house.overlay(token);
  });

  it('from one network is told so in words that a browser can read', async () => {
    await open({ GATEWAY_MAX_SOCKETS_PER_IP: '2' });
    const [one] = [await house.visitor(), await house.visitor()];
    expect(await (await house.visitor()).ended()).toEqual({ code: 4009, why: 'too many from this network', retryMs: 60_000 });
    await one.close();
    const next = await house.visitor();
    expect(next.ending).toBeUndefined();
  });

  it('that does not say who it is is limited apart from those who do', async () => {
    await open({ GATEWAY_MAX_UNAUTHENTICATED_PER_IP: '2', GATEWAY_MAX_UNAUTHENTICATED: '2' });
    const { token } = await house.creator();
    for (let i = 0; i < 5; i += 1) await house.overlay(token);
    await house.visitor();
    await house.visitor();
    expect(await upgrade()).toMatchObject({ status: 503 });
  });

  it('of silent ones from a few networks cannot keep the others out', async () => {
    await open({ GATEWAY_MAX_UNAUTHENTICATED: '4', GATEWAY_TRUSTED_PROXIES: 'loopback' });
    const from = (address: string) => ({ headers: { 'X-Forwarded-For': address } });
    const silent = [];
    for (const n of [1, 1, 2, 2]) silent.push(await house.visitor('', from(`192.0.2.${String(n)}`)));
    const { status } = await upgrade('/overlay', from('192.0.2.3').headers);
    expect(status).toBe(503);
    await expect.poll(async () => (await upgrade('/overlay', from('192.0.2.3').headers)).status, { timeout: 5000 }).toBe(101);
    expect((await silent[0]?.ended())?.code).toBe(4008);
    expect(silent.slice(1).map(({ ending }) => ending)).toEqual([undefined, undefined, undefined]);
  });
});
