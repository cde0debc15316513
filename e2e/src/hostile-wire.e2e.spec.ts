import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { HouseClient, startStandalone, startTrio, type House, type TestCreator } from './houses/index.js';
import { lines, say, type Heard } from './wire.js';

const houses: readonly (readonly [string, () => Promise<House>])[] = [
  ['standalone', () => startStandalone({ anvilPath: inject('anvilPath') })],
  [
    'api, listener and gateway',
    () => startTrio({ anvilPath: inject('anvilPath'), redisUrl: inject('redisUrl'), postgresUrl: inject('postgresUrl'), gateways: 1 }),
  ],
];

const POST = ['POST /v1/overlays HTTP/1.1', 'Host: x', 'Content-Type: application/json'] as const;
/** What a parser in front and ours might take for one request and for two. */
const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n';
const SMUGGLERS: readonly (readonly [string, string])[] = [
  ['two lengths', `${lines(...POST, 'Content-Length: 2', `Content-Length: ${String(2 + SMUGGLED.length)}`)}{}${SMUGGLED}`],
  ['a list of lengths', `${lines(...POST, 'Content-Length: 2, 2')}{}${SMUGGLED}`],
  ['a length and chunks', `${lines(...POST, 'Content-Length: 6', 'Transfer-Encoding: chunked')}0\r\n\r\nX${SMUGGLED}`],
  ['chunks under another name', `${lines(...POST, 'Transfer-Encoding: xchunked')}0\r\n\r\n${SMUGGLED}`],
  ['chunks that are not last', `${lines(...POST, 'Transfer-Encoding: chunked, identity')}0\r\n\r\n${SMUGGLED}`],
  ['a blank before the colon', `${lines(...POST, 'Transfer-Encoding : chunked')}0\r\n\r\n${SMUGGLED}`],
  ['a folded header', `${lines(...POST, 'X: y', ' Transfer-Encoding: chunked')}0\r\n\r\n${SMUGGLED}`],
  ['a length with a sign', `${lines(...POST, 'Content-Length: +2')}{}${SMUGGLED}`],
  ['a length below nothing', `${lines(...POST, 'Content-Length: -1')}{}${SMUGGLED}`],
  ['a length in hex', `${lines(...POST, 'Content-Length: 0x2')}{}${SMUGGLED}`],
  ['a chunk longer than any number', `${lines(...POST, 'Transfer-Encoding: chunked')}fffffffffffffffff\r\n{}\r\n0\r\n\r\n${SMUGGLED}`],
  ['a chunk that ends elsewhere', `${lines(...POST, 'Transfer-Encoding: chunked')}2\r\n{}XX0\r\n\r\n${SMUGGLED}`],
  ['bare line feeds', `${POST.join('\n')}\nTransfer-Encoding: chunked\n\n0\n\n${SMUGGLED}`],
  ['a bare carriage return', `${lines(...POST, 'X: y\rTransfer-Encoding: chunked')}0\r\n\r\n${SMUGGLED}`],
  ['a NUL in a header', `${lines(...POST, 'X: \0', 'Content-Length: 2')}{}${SMUGGLED}`],
  ['a header without a name', `${lines(...POST, ': y', 'Content-Length: 2')}{}${SMUGGLED}`],
  ['no host at all', lines('GET /v1/me HTTP/1.1')],
  ['HTTP of another century', lines('GET /v1/me HTTP/4.2', 'Host: x')],
  ['no HTTP', 'hello\r\n\r\n'],
  ['TLS', Buffer.from('16030100c8010000c40303', 'hex').toString('latin1')],
];

const SECRETS = /root:x:|"workspaces"|BEGIN |DATABASE_URL/;
const ELSEWHERE = [
  '/overlay/../package.json',
  '/overlay/..%2f..%2fpackage.json',
  '/overlay/%2e%2e/%2e%2e/package.json',
  '/overlay/%252e%252e/package.json',
  '/overlay/..%5c..%5cpackage.json',
  '/overlay/assets/../../../../../../etc/passwd',
  '/overlay/assets/..%2f..%2f..%2f..%2f..%2fetc%2fpasswd',
  '/overlay/assets//etc/passwd',
  '/overlay/index.html%00.js',
  '/overlay/.git/config',
  '/overlay/media/..%2f..%2fpackage.json',
  '/overlay/media/%00',
  '/overlay/%ff',
  '/overlay/%',
];
const INSIDE = ['/metrics', '/health', '/health/live', '/health/ready', '/stats', '/debug', '/queues', '/admin', '/.env', '/server-status'];

describe.each(houses)('a stranger at the wire (%s)', (name, start) => {
  let house: House;
  let creator: TestCreator;
  let ports: Readonly<Record<string, number>>;
  let internal: Readonly<Record<string, number>>;
  const portOf = (url: string): number => Number(new URL(url).port);
  const get = (port: number, path: string, ...more: string[]): Promise<Heard> =>
    say(port, lines(`GET ${path} HTTP/1.1`, 'Host: x', 'Connection: close', ...more));

  beforeAll(async () => {
    house = await start();
    creator = await new HouseClient(house).creator();
    ports = name === 'standalone' ? { all: portOf(house.apiUrl) } : { api: portOf(house.apiUrl), gateway: house.gatewayPorts?.[0] ?? 0 };
    internal = Object.fromEntries(Object.entries(house.internalUrls).map(([app, url]) => [`${app}, inside`, portOf(url)]));
  });
  afterAll(() => house.stop());

  it('gets no second answer to one request, however it is written', async () => {
    const all = Object.entries({ ...ports, ...internal });
    const heard = await Promise.all(
      all.flatMap(([app, port]) =>
        SMUGGLERS.map(async ([what, bytes]) => ({ app, what, ...(await say(port, Buffer.from(bytes, 'latin1'))) })),
      ),
    );
    expect(heard).toHaveLength(all.length * SMUGGLERS.length);
    // What is answered before its body has come may be told, once, that the body is none; that is the end of the connection.
    const isOver = ({ statuses: [first = 400, ...more], isEnded }: Heard): boolean =>
      first >= 400 && more.length <= 1 && more.every((status) => status === 400) && isEnded;
    const wrong = heard.filter((answer) => !isOver(answer));
    expect(wrong.map(({ app, what, statuses, isEnded }) => ({ app, what, statuses, isEnded }))).toEqual([]);
    expect(heard.filter(({ text }) => text.includes('smuggled'))).toEqual([]);
  });

  it('keeps no port busy by dripping heads, bodies or nothing', async () => {
    const all = Object.entries({ ...ports, ...internal });
    const heads = all.map(async ([app, port]) => ({
      app,
      what: 'head',
      ...(await say(port, 'GET / HTTP/1.1\r\n', { ms: 9000, drip: 'X: y\r\n' })),
    }));
    // A gateway reads no bodies; Node ends such a connection when it looks at all of them, every half minute.
    const readers = all.filter(([app]) => !['all', 'gateway'].includes(app));
    const bodies = readers.map(async ([app, port]) => ({
      app,
      what: 'body',
      ...(await say(port, lines(...POST, 'Content-Length: 60000'), { ms: 9000, drip: ' ' })),
    }));
    const heard = await Promise.all([...heads, ...bodies]);
    expect(heard.filter(({ isEnded }) => !isEnded).map(({ app, what }) => `${app}: ${what}`)).toEqual([]);
  });

  it('is refused with a head that is too large, or has a request in its value', async () => {
    for (const port of [...Object.values(ports), ...Object.values(internal)]) {
      expect((await get(port, '/', `X: ${'x'.repeat(20_000)}`)).statuses).toEqual([431]);
      expect((await get(port, `/${'x'.repeat(20_000)}`)).statuses).toEqual([431]);
    }
  });

  it('finds no file but those of the page', async () => {
    for (const port of Object.values(ports)) {
      const heard = await Promise.all(ELSEWHERE.map(async (path) => ({ path, ...(await get(port, path)) })));
      expect(heard.filter(({ statuses }) => ![400, 404].includes(statuses[0] ?? 0)).map(({ path, statuses }) => [path, statuses])).toEqual(
        [],
      );
      expect(heard.filter(({ text }) => SECRETS.test(text)).map(({ path }) => path)).toEqual([]);
    }
  });

  it('finds nothing of the inside on a public port, and nothing public inside', async () => {
    for (const [app, port] of Object.entries(ports)) {
      const heard = await Promise.all(INSIDE.map((path) => get(port, path)));
      expect(
        heard.map(({ statuses }) => statuses[0]),
        app,
      ).toEqual(INSIDE.map(() => 404));
    }
    for (const [app, port] of Object.entries(internal)) {
      const heard = await Promise.all(['/overlay/', '/v1/me', '/docs', '/openapi.json'].map((path) => get(port, path)));
      expect(
        heard.map(({ statuses }) => statuses[0]),
        app,
      ).toEqual([404, 404, 404, 404]);
    }
  });

  it('is told nothing of what runs here, and gets no text that a browser would run', async () => {
    const paths = [
      '/%3Cscript%3Ealert(1)%3C/script%3E',
      '/v1/<script>alert(1)</script>',
      '/overlay/<img src=x>',
      '/v1/overlays/%ff',
      '/\r\nX-Bad: 1',
    ];
    for (const [app, port] of Object.entries({ ...ports, ...internal })) {
      for (const path of paths) {
        const { text } = await get(port, path);
        const [head = '', body = ''] = text.split('\r\n\r\n', 2);
        expect(head, app).not.toMatch(/^x-powered-by:|^server:|^x-bad:/im);
        // Node's own answer to what is no HTTP has no body.
        if (body !== '') {
          expect(head, `${app} ${path}`).toMatch(/^content-type: application\/(?:problem\+)?json/im);
          expect(head, `${app} ${path}`).toMatch(/^x-content-type-options: nosniff/im);
        }
        expect(body).not.toMatch(/node_modules|\bat .+\.[jt]s:\d/);
      }
    }
  });

  it('sends nobody elsewhere, whatever host or forwarding headers say', async () => {
    const tricks = [
      'Host: evil.test',
      'X-Forwarded-Host: evil.test',
      'X-Forwarded-Proto: http',
      'X-Original-URL: /metrics',
      'X-Rewrite-URL: /metrics',
    ];
    const paths = [
      '/overlay',
      '//evil.test/overlay',
      '/overlay?to=https://evil.test',
      '/%5Cevil.test',
      '//evil.test/%2e%2e',
      '/docs',
      '/v1/me',
    ];
    for (const port of Object.values(ports)) {
      for (const path of paths) {
        const { text } = await say(port, lines(`GET ${path} HTTP/1.1`, ...tricks, 'Connection: close'));
        expect(/^location: (.*)$/im.exec(text)?.[1] ?? 'overlay/').toMatch(/^(?:\.\/)?[\w./-]*$/);
        expect(/^location: \/\//im.test(text)).toBe(false);
      }
    }
  });

  it('has no method but those of the routes', async () => {
    for (const port of Object.values(ports)) {
      const ask = (method: string, ...more: string[]) =>
        say(port, lines(`${method} /v1/me HTTP/1.1`, 'Host: x', 'Connection: close', ...more));
      for (const method of ['TRACE', 'TRACK', 'CONNECT', 'PROPFIND', 'DELETE', 'PUT']) {
        const { statuses, text } = await ask(method, 'X-Echo: canary-of-a-cookie');
        expect(statuses[0] ?? 400, method).toBeGreaterThanOrEqual(400);
        expect(text).not.toContain('canary-of-a-cookie');
      }
      const override = await ask('GET', 'X-HTTP-Method-Override: DELETE', `Authorization: Bearer ${creator.accessToken}`);
      expect(override.statuses[0]).toBe(ports['gateway'] === port ? 404 : 200);
    }
  });

  it('reads nothing from another site, and no answer is packed, whose length would tell of its secrets', async () => {
    for (const port of Object.values(ports)) {
      for (const path of ['/v1/me', '/openapi.json', '/overlay/']) {
        const { text } = await get(
          port,
          path,
          'Origin: https://evil.test',
          'Accept-Encoding: gzip, br',
          `Authorization: Bearer ${creator.accessToken}`,
        );
        expect(text).not.toMatch(/^access-control-allow-origin:|^content-encoding:/im);
      }
    }
  });

  it('reaches no prototype by a question or a body', async () => {
    const query = '?__proto__[polluted]=1&constructor[prototype][polluted]=1&__proto__.polluted=1';
    const body = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"name":"x"}';
    for (const port of Object.values(ports)) {
      await get(port, `/v1/tips${query}`, `Authorization: Bearer ${creator.accessToken}`);
      const post = lines(
        ...POST,
        'Connection: close',
        `Authorization: Bearer ${creator.accessToken}`,
        `Content-Length: ${String(body.length)}`,
      );
      expect((await say(port, post + body)).statuses[0]).toBeGreaterThanOrEqual(400);
      const { text } = await get(port, '/v1/me', `Authorization: Bearer ${creator.accessToken}`);
      expect(text).not.toContain('polluted');
    }
  });

  it('writes no line into a log but those of ours', async () => {
    const forged = '{"level":"fatal","message":"forged"}';
    for (const port of Object.values(ports)) {
      await get(port, `/v1/x%0d%0a${encodeURIComponent(forged)}`, `X-Request-Id: a\x0b${forged}`, `User-Agent: \x1b[31m${forged}`);
      await get(port, `/overlay/poll?token=${encodeURIComponent(`\n${forged}`)}&wait=0`, `Authorization: Bearer x${forged}`);
      await get(port, '/v1/me', `Authorization: Bearer ${forged}`, `Cookie: __Host-droppio_sid=${forged}`);
    }
    const printed = house
      .output()
      .split('\n')
      .filter((line) => line.includes('forged'));
    expect(printed).toEqual([]);
    expect(house.output()).not.toContain('\x1b[31m');
  });

  it('has ended no process, and made none say that a person should look', async () => {
    expect((await get(ports['all'] ?? ports['api'] ?? 0, '/v1/me', `Authorization: Bearer ${creator.accessToken}`)).statuses).toEqual([
      200,
    ]);
    for (const [app, port] of Object.entries(internal)) expect((await get(port, '/health/ready')).statuses, app).toEqual([200]);
    const alarms = house
      .output()
      .split('\n')
      .filter((line) => /"level":"(?:error|fatal)"/.test(line));
    expect(alarms).toEqual([]);
  });
});
