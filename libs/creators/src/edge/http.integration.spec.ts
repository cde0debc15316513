import { connect } from 'node:net';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StorageUnavailable, TipArchive } from '@droppio/tips';
import { register } from 'prom-client';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { serveOverlayPage } from '../index.js';
import { startTestApi, type TestApi, type TestCreator } from '../testing/index.js';

const PAGE = '<!doctype html><meta name="droppio-gateway" content=""><script type="module" src="./assets/index-abc.js"></script>';
const pageDir = mkdtempSync(join(tmpdir(), 'overlay-page-'));
let api: TestApi;
let ada: TestCreator;

beforeAll(async () => {
  mkdirSync(join(pageDir, 'assets'));
  writeFileSync(join(pageDir, 'index.html'), PAGE);
  writeFileSync(join(pageDir, 'assets', 'index-abc.js'), 'export {};');
  writeFileSync(join(pageDir, '.secret'), 'secret');
  api = await startTestApi(inject('postgresUrl'), {
    http: { corsOrigins: ['https://app.test'] },
    configure: (app) => {
      serveOverlayPage(app, { dir: pageDir, gatewayUrl: 'wss://gw.test/overlay?a=1&b="' });
    },
  });
  ada = await api.aCreator();
});

afterAll(async () => {
  await api.close();
  rmSync(pageDir, { recursive: true });
});

const post = (body: string, headers: Record<string, string> = {}) =>
  api.call('POST', '/v1/overlays', { token: ada.accessToken, body, headers });

describe('headers', () => {
  it('of the API let no page frame it, run it or keep it', async () => {
    const { headers } = await api.call('GET', '/v1/me', { token: ada.accessToken });
    const sent = Object.fromEntries(
      [...headers].filter(([name]) => !/^(date|connection|keep-alive|content-length|x-request-id)$/.test(name)),
    );
    expect(sent).toMatchInlineSnapshot(`
      {
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "ETag,Idempotency-Replayed,RateLimit,RateLimit-Policy,Retry-After,X-Request-Id",
        "cache-control": "no-store",
        "content-security-policy": "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none';object-src 'none'",
        "content-type": "application/json; charset=utf-8",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "origin-agent-cluster": "?1",
        "referrer-policy": "no-referrer",
        "strict-transport-security": "max-age=31536000; includeSubDomains",
        "vary": "Origin",
        "x-content-type-options": "nosniff",
        "x-dns-prefetch-control": "off",
        "x-download-options": "noopen",
        "x-frame-options": "DENY",
        "x-permitted-cross-domain-policies": "none",
        "x-xss-protection": "0",
      }
    `);
  });

  it('of the docs page allow its own files and nothing else', async () => {
    const { headers, text } = await api.call('GET', '/docs');
    expect(headers.get('content-security-policy')).toMatchInlineSnapshot(
      `"default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none';object-src 'none';script-src 'self';style-src 'self' 'unsafe-inline';img-src 'self' data:;connect-src 'self'"`,
    );
    expect(text).not.toMatch(/(src|href)=["']?(https?:)?\/\//);
  });

  it.each(['/v1/me', '/v1/nothing', '/openapi.json', '/docs', '/docs/problems', '/overlay/', '/overlay/assets/index-abc.js'])(
    'of %s are never less',
    async (path) => {
      const { headers } = await api.call('GET', path);
      expect(headers.get('content-security-policy')).toMatch(/^default-src 'none';.*base-uri 'none'.*frame-ancestors '(none|self)'/);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('strict-transport-security')).toBe('max-age=31536000; includeSubDomains');
      expect(headers.get('x-powered-by')).toBeNull();
      expect(headers.get('x-request-id')).toMatch(/^[\w-]{36}$/);
    },
  );

  it('repeat a sane request id and no other', async () => {
    const ask = async (id: string) => (await api.call('GET', '/v1/me', { headers: { 'x-request-id': id } })).headers.get('x-request-id');
    expect(await ask('trace-0123456789')).toBe('trace-0123456789');
    for (const id of ['short', 'a'.repeat(65), 'with space', '{"forged":1}']) expect(await ask(id)).toMatch(/^[\da-f-]{36}$/);
  });

  it('open the API to the listed origin only', async () => {
    const ask = async (origin: string) =>
      (await api.call('GET', '/v1/me', { headers: { origin } })).headers.get('access-control-allow-origin');
    expect(await ask('https://app.test')).toBe('https://app.test');
    for (const origin of ['https://evil.test', 'https://app.test.evil.test', 'null', 'http://app.test', 'https://sub.app.test']) {
      expect(await ask(origin), origin).not.toBe(origin);
    }
  });
});

describe('bodies', () => {
  it.each([
    ['malformed', '{"name":', 400, 'invalid-request'],
    ['that are no object', '[]', 400, 'invalid-request'],
    ['that are nothing', 'null', 400, 'invalid-request'],
    ['nested too deep', `${'['.repeat(17)}${']'.repeat(17)}`, 400, 'invalid-request', 'The body is nested too deep.'],
    ['nested absurdly deep', '['.repeat(60_000), 400, 'invalid-request', 'The body is nested too deep.'],
    [
      'with a poisonous key',
      '{"name":"x","__proto__":{"admin":true}}',
      400,
      'invalid-request',
      'The body has a key that no object may have.',
    ],
    [
      'with a poisonous key inside',
      '{"name":"x","config":{"constructor":{"prototype":{}}}}',
      400,
      'invalid-request',
      'The body has a key that no object may have.',
    ],
    ['with an unknown field', '{"name":"x","creatorId":"1"}', 400, 'invalid-request'],
    ['that are too large', JSON.stringify({ name: 'x'.repeat(70_000) }), 413, 'body-too-large'],
    ['that are absurdly large', 'x'.repeat(3_000_000), 413, 'body-too-large'],
  ])('%s are refused', async (_what, body, status, code, detail?: string) => {
    expect((await post(body)).json).toMatchObject({ status, code, ...(detail === undefined ? {} : { detail }) });
  });

  it.each([
    ['text/plain', {}],
    ['application/x-www-form-urlencoded', {}],
    ['multipart/form-data; boundary=x', {}],
    ['application/json; charset=utf-16', {}],
    ['application/jsonx', {}],
    ['application/json', { 'content-encoding': 'gzip' }],
  ])('as %s %j are refused', async (type, headers) => {
    expect((await post('{"name":"x"}', { 'content-type': type, ...headers })).json).toMatchObject({
      status: 415,
      code: 'unsupported-media-type',
    });
  });

  it('that are no UTF-8 are refused', async () => {
    const head =
      'POST /v1/overlays HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n';
    const answer = await raw(Buffer.concat([Buffer.from(`${head}{"name":"`), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]));
    expect(answer).toMatch(/^HTTP\/1\.1 400 [^]*"code":"invalid-request"/);
  });

  it('that never end are refused by size, whatever they announce', async () => {
    const answer = await raw(
      `POST /v1/overlays HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
      () => {
        const chunk = 'x'.repeat(65_536);
        return `${chunk.length.toString(16)}\r\n${chunk}\r\n`;
      },
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('say where they do not fit', async () => {
    const { json, headers } = await post('{"name":"x","config":{"schemaVersion":1,"defaults":{"durationMs":"long"}}}');
    expect(headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(json).toEqual({
      type: '/docs/problems#invalid-request',
      title: expect.any(String) as unknown,
      status: 400,
      detail: 'Some values do not fit.',
      code: 'invalid-request',
      instance: '/v1/overlays',
      requestId: headers.get('x-request-id'),
      errors: [{ in: 'body', pointer: '/config/defaults/durationMs', message: expect.any(String) as unknown }],
    });
  });
});

describe('routes', () => {
  it.each([
    ['GET', '/nothing?token=dro_pat_canary', 404, 'not-found'],
    ['PUT', '/v1/overlays', 404, 'not-found'],
    ['TRACE', '/v1/me', 404, 'not-found'],
    ['GET', '/v1/overlays/%E0%A4%A', 400, 'bad-request'],
    ['GET', '/docs/package.json', 404, 'not-found'],
    ['GET', '/docs/swagger-ui-bundle.js.map', 404, 'not-found'],
    ['GET', '/metrics', 404, 'not-found'],
  ])('answer %s %s with a problem', async (method, path, status, code) => {
    const text = await raw(
      `${method} ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ada.accessToken}\r\nConnection: close\r\n\r\n`,
    );
    expect(text).toContain(`HTTP/1.1 ${String(status)} `);
    expect(text).toContain(`"code":"${code}"`);
    expect(text).not.toContain('canary');
  });

  it('say where a value in the address does not fit', async () => {
    expect((await api.call('GET', '/v1/overlays/abc', { token: ada.accessToken })).json).toMatchObject({
      errors: [{ in: 'path', pointer: '/id' }],
    });
    expect((await api.call('GET', '/v1/tips?limit=0&x=1', { token: ada.accessToken })).json).toMatchObject({
      errors: [{ in: 'query', pointer: '/limit' }, { in: 'query' }],
    });
  });
});

describe('the docs', () => {
  it('explain every problem type at its address', async () => {
    const { json } = await api.call('GET', '/v1/me');
    const { type } = json as { type: string };
    const [page = '', anchor = ''] = type.split('#');
    const { text, headers } = await api.call('GET', page);
    expect(headers.get('content-type')).toContain('text/html');
    expect(text).toContain(`<dt id="${anchor}">`);
  });

  it.each(['swagger-ui.css', 'swagger-ui-bundle.js', 'swagger-ui-standalone-preset.js', 'swagger-ui-init.js'])(
    'bring %s along',
    async (file) => {
      expect((await api.call('GET', `/docs/${file}`)).status).toBe(200);
    },
  );
});

describe('faults of ours', () => {
  it('tell the caller nothing but whether to come back, and the log what happened', async () => {
    const archive = api.app.get(TipArchive, { strict: false });
    const broken = vi.spyOn(archive, 'list');
    try {
      broken.mockRejectedValueOnce(new StorageUnavailable('canary postgres://user:canary@db'));
      const passing = await api.call('GET', '/v1/tips', { token: ada.accessToken });
      expect(passing.json).toMatchObject({ status: 503, code: 'storage-unavailable' });
      expect(passing.headers.get('retry-after')).toBe('1');
      broken.mockRejectedValueOnce(new TypeError('canary is undefined'));
      const bug = await api.call('GET', '/v1/tips', { token: ada.accessToken });
      expect(bug.json).toMatchObject({ status: 500, code: 'internal' });
      expect(passing.text + bug.text).not.toContain('canary');
      const requestId = (bug.json as { requestId: string }).requestId;
      expect(api.logger.text()).toMatch(new RegExp(`error 'http.failed'[^]*${requestId}[^]*canary is undefined`));
    } finally {
      broken.mockRestore();
    }
  });
});

describe('metrics', () => {
  it('count by route template, never by address', async () => {
    await api.call('GET', `/v1/overlays/${ada.overlayId}`, { token: ada.accessToken });
    await api.call('GET', '/made-up-address');
    await raw('PROPFIND / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    const text = await register.getSingleMetricAsString('droppio_http_request_duration_seconds');
    expect(text).toMatch(/_count\{method="GET",route="\/v1\/overlays\/:id",status_class="2xx"\} [1-9]/);
    expect(text).toMatch(/_count\{method="OTHER",route="other",status_class="4xx"\} [1-9]/);
    expect(text).not.toMatch(new RegExp(`made-up|${ada.overlayId}|PROPFIND`));
    expect(await register.getSingleMetricAsString('droppio_creators_auth_refused_total')).toMatch(/reason="none"\} [1-9]/);
  });
});

describe('secrets', () => {
  it('are in no log line, whatever is done with them', async () => {
    const eve = await api.aCreator();
    const canaries = [eve.accessToken, eve.overlayToken, api.adminToken, 'canary-message'];
    for (const token of [...canaries, `${eve.accessToken}x`]) {
      await api.call('GET', `/v1/me?token=${token}`, { token });
      await api.call('POST', `/v1/overlays/${eve.overlayId}/test`, { token, body: { message: 'canary-message', amount: token } });
      await api.call('GET', `/v1/${token}`, { token, headers: { 'x-request-id': token, cookie: `sid=${token}` } });
    }
    await api.call('POST', `/v1/overlays/${eve.overlayId}/test`, { token: eve.accessToken, body: { message: 'canary-message' } });
    const log = api.logger.text();
    expect(log).toContain('auth.refused');
    for (const canary of canaries) expect(log).not.toContain(canary);
  });
});

describe('the overlay page', () => {
  it('is sent from its folder, told where its gateway is, and never kept', async () => {
    const { status, text, headers } = await api.call('GET', '/overlay/');
    expect(status).toBe(200);
    expect(text).toBe(PAGE.replace('content=""', 'content="wss://gw.test/overlay?a=1&amp;b=&quot;"'));
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-frame-options')).toBeNull();
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline' data:; img-src 'self' data:; media-src 'self'; " +
        "font-src 'self'; connect-src 'self' wss://gw.test https://gw.test; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; " +
        "require-trusted-types-for 'script'; trusted-types default",
    );
  });

  it('keeps its hashed files for ever', async () => {
    const { headers, text } = await api.call('GET', '/overlay/assets/index-abc.js');
    expect(text).toBe('export {};');
    expect(headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  });

  it('is found without its slash; the browser carries the fragment along', async () => {
    const { status, headers } = await api.call('GET', '/overlay');
    expect(status).toBe(308);
    expect(new URL(headers.get('location') ?? '', `${api.url}/overlay`).pathname).toBe('/overlay/');
  });

  it.each(['/overlay/nothing.js', '/overlay/.secret', '/overlay/..%2f..%2fetc/passwd', '/overlay/assets/'])('has no %s', async (path) => {
    expect((await api.call('GET', path)).status).toBeGreaterThanOrEqual(400);
  });

  it.each([
    ['is missing', () => join(pageDir, 'nowhere'), /^There is no overlay page in .*OVERLAY_PAGE_DIR/],
    ['holds something else', () => join(pageDir, 'else'), /is not a build of the overlay page/],
  ])('stops the start with a sentence when its folder %s', (_what, dir, sentence) => {
    mkdirSync(join(pageDir, 'else'), { recursive: true });
    writeFileSync(join(pageDir, 'else', 'index.html'), '<title>hello</title>');
    expect(() => {
      serveOverlayPage(api.app, { dir: dir(), gatewayUrl: 'wss://gw.test/overlay' });
    }).toThrow(sentence);
  });
});

/** HTTP as a hostile client writes it. `more` goes on until the server answers. */
function raw(head: string | Buffer, more?: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1', () => {
      socket.write(head);
      pump();
    });
    const pump = (): void => {
      if (more !== undefined && answer === '' && !socket.destroyed) socket.write(more(), () => setImmediate(pump));
    };
    socket.setTimeout(10_000, () => {
      reject(new Error('no answer'));
      socket.destroy();
    });
    socket.on('data', (data) => {
      answer += data.toString();
    });
    socket.on('close', () => {
      resolve(answer);
    });
    socket.on('error', () => undefined);
  });
}
