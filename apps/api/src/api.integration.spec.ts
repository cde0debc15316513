import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { InvalidSettings, loadEnv, startApp, type RunningApp } from '@droppio/platform';
import { createTestDatabase, type TestDatabase } from '@droppio/storage/testing';
import { TipFeed } from '@droppio/tips';
import { randomHex } from '@droppio/tips/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { apiApp } from './api.app.js';
import { apiSettings } from './env.js';

const adminToken = randomBytes(24).toString('hex');
let database: TestDatabase;
let api: RunningApp;

beforeAll(async () => {
  database = await createTestDatabase(inject('postgresUrl'));
  const settings = loadEnv(apiSettings, {
    LOG_LEVEL: 'error',
    PORT: '0',
    INTERNAL_PORT: '0',
    DATABASE_URL: database.url,
    REDIS_URL: inject('redisUrl'),
    ADMIN_TOKEN: adminToken,
    OVERLAY_TOKEN_KEYS: `1:${randomBytes(32).toString('hex')}`,
    PUBLIC_PAGE_URL: 'https://tips.test/overlay',
    PUBLIC_GATEWAY_URL: 'wss://tips.test',
  });
  api = await startApp(apiApp(settings));
});

afterAll(async () => {
  await api.close('the test is over');
  await database.drop();
});

async function call(method: string, path: string, token: string, body?: unknown): Promise<{ status: number; json: unknown }> {
  const response = await fetch(`http://127.0.0.1:${String(api.port)}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
  return { status: response.status, json: await response.json() };
}

/** What came back on a connection of its own, once that has ended. */
async function talk(head: string, drip?: string): Promise<{ answer: string; ms: number }> {
  const socket = connect(api.port ?? 0, '127.0.0.1').on('error', () => undefined);
  const begun = performance.now();
  let answer = '';
  socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
  socket.write(head);
  const dripping = drip === undefined ? undefined : setInterval(() => socket.write(drip), 200);
  await once(socket, 'close');
  clearInterval(dripping);
  return { answer, ms: performance.now() - begun };
}

describe('the api', () => {
  it('has a change in the live feed by the time it answers', async () => {
    const made = await call('POST', '/v1/creators', adminToken, { handle: 'ada', displayName: 'Ada', wallets: [randomHex(20)] });
    const { creator, accessToken } = made.json as { creator: { id: string }; accessToken: string };
    const overlay = await call('POST', '/v1/overlays', accessToken, { name: 'main' });
    const { id } = overlay.json as { id: string };
    const feed = api.app.get(TipFeed, { strict: false });
    expect(await feed.grant(creator.id, id)).toMatchObject({ overlayId: id, version: 1, enabled: true });
    await call('PATCH', `/v1/overlays/${id}`, accessToken, { enabled: false });
    expect(await feed.grant(creator.id, id)).toMatchObject({ enabled: false });
    const test = await call('POST', `/v1/overlays/${id}/test`, accessToken, {});
    expect(test.status).toBe(202);
    const page = await feed.after(creator.id, 0, 10);
    expect(page?.events.map(({ type }) => type)).toEqual(['config', 'config', 'test']);
  });

  it('is ready, and counts its requests on the internal port only', async () => {
    const internal = `http://127.0.0.1:${String(api.internalPort)}`;
    expect(await (await fetch(`${internal}/health/ready`)).json()).toEqual({ ok: true, faults: {} });
    await call('GET', '/v1/me', 'nobody');
    expect(await (await fetch(`${internal}/metrics`)).text()).toContain(
      'droppio_http_request_duration_seconds_count{method="GET",route="/v1/me"',
    );
    expect((await call('GET', '/metrics', adminToken)).status).toBe(404);
  });

  it('waits for nobody who drips, and answers others meanwhile', async () => {
    const post = 'POST /v1/overlays HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n';
    const bodies = Promise.all(Array.from({ length: 500 }, () => talk(post, ' ')));
    const heads = Promise.all(Array.from({ length: 20 }, () => talk('GET /v1/me HTTP/1.1\r\n', 'X-A: b\r\n')));
    expect((await call('GET', '/v1/me', 'nobody')).status).toBe(401);
    for (const { answer, ms } of await heads) {
      expect(answer).toContain('408 Request Timeout');
      expect(ms).toBeLessThan(8000);
    }
    for (const { answer, ms } of await bodies) {
      expect(answer).toMatch(/^HTTP\/1\.1 408 .*"code":"body-too-slow"/s);
      expect(ms).toBeLessThan(10_000);
    }
  }, 20_000);

  it('lists all faults of its settings at once', () => {
    const start = (): unknown => loadEnv(apiSettings, { PORT: '70000', ADMIN_TOKEN: 'short', PUBLIC_GATEWAY_URL: 'https://x' });
    expect(start).toThrow(InvalidSettings);
    try {
      start();
    } catch (error) {
      const names = error instanceof InvalidSettings ? error.faults.map((fault) => fault.split(' ', 1)[0]).sort() : [];
      expect(names).toEqual(
        ['ADMIN_TOKEN', 'DATABASE_URL', 'OVERLAY_TOKEN_KEYS', 'PORT', 'PUBLIC_GATEWAY_URL', 'PUBLIC_PAGE_URL', 'REDIS_URL'].sort(),
      );
    }
  });
});
