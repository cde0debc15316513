import { randomBytes } from 'node:crypto';
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
