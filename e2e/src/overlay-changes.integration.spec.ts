import { randomBytes, randomUUID } from 'node:crypto';
import { RedisBrokerModule } from '@droppio/broker';
import { configureHttp, CreatorsModule, CreatorsOptions } from '@droppio/creators';
import { GatewayHouse, type OverlayClient } from '@droppio/delivery/testing';
import { startApp, type RunningApp } from '@droppio/platform';
import { CloseCode } from '@droppio/protocol';
import { parseTokenKeys } from '@droppio/protocol/overlay-token';
import { RelayModule } from '@droppio/relay';
import { StorageModule } from '@droppio/storage';
import { createTestDatabase, type TestDatabase } from '@droppio/storage/testing';
import { DEFAULT_OVERLAY_CONFIG } from '@droppio/tips';
import { randomHex } from '@droppio/tips/testing';
import { WebhooksModule } from '@droppio/webhooks';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';

/* What a creator changes over HTTP, as the pages see it that are open on two gateways: the real API, Postgres and Redis in between. */
const SOON_MS = 1000;
const adminToken = randomBytes(24).toString('hex');
let database: TestDatabase;
let api: RunningApp;
let gateways: GatewayHouse[];
let pages: OverlayClient[];
let creator: { accessToken: string; overlayId: string; token: string };

beforeAll(async () => {
  const keys = `1:${randomBytes(32).toString('hex')}`;
  database = await createTestDatabase(inject('postgresUrl'));
  const broker = () => RedisBrokerModule.for({ url: inject('redisUrl'), queue: { prefix: `test-${randomUUID()}` } });
  const start = () => GatewayHouse.start({ broker: broker(), settings: { OVERLAY_TOKEN_KEYS: keys } });
  gateways = [await start(), await start()];
  api = await startApp({
    service: 'api',
    settings: { LOG_LEVEL: 'error', INSTANCE_ID: 'api', INTERNAL_HOST: '127.0.0.1', INTERNAL_PORT: 0, SHUTDOWN_TIMEOUT_MS: 10_000 },
    rooms: [
      StorageModule.for({ url: database.url, migrate: false }),
      broker(),
      RelayModule.for({ work: true }),
      WebhooksModule.for({ work: false, keys: parseTokenKeys(keys) }),
      CreatorsModule.for(
        new CreatorsOptions({
          adminToken,
          tokenKeys: parseTokenKeys(keys),
          pageUrl: 'https://tips.test/overlay',
          gatewayUrl: 'wss://tips.test/overlay',
          signIn: { origins: ['https://app.test'], chains: new Set([1]), nodes: new Map(), isSignUpOpen: false },
        }),
      ),
    ],
    http: {
      host: '127.0.0.1',
      port: 0,
      portSetting: 'PORT',
      configure: (app) => {
        configureHttp(app, { corsOrigins: [], trustedProxies: [] });
      },
    },
  });
});

afterAll(async () => {
  await Promise.all(gateways.map((gateway) => gateway.stop()));
  await api.close('the test is over');
  await database.drop();
});

beforeEach(async () => {
  const body = { handle: `c-${randomHex(6).slice(2)}`, displayName: 'A creator', wallets: [randomHex(20)] };
  const { accessToken } = (await call('POST', '/v1/creators', { token: adminToken, body })) as { accessToken: string };
  const { id: overlayId } = (await call('POST', '/v1/overlays', { token: accessToken, body: { name: 'main' } })) as { id: string };
  const { pageUrl } = (await call('GET', `/v1/overlays/${overlayId}/url`, { token: accessToken })) as { pageUrl: string };
  creator = { accessToken, overlayId, token: new URL(pageUrl).hash.slice(1) };
  pages = await Promise.all(gateways.map((gateway) => gateway.overlay(creator.token)));
});

interface Ask {
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

async function call(method: string, path: string, { token = creator.accessToken, body, headers }: Ask = {}): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${String(api.port)}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

/** How each page was closed, and how long after the change was asked for. */
async function closings(change: () => Promise<unknown>): Promise<{ code: number; isSoon: boolean }[]> {
  const startedAt = performance.now();
  const ends = pages.map(async (page) => {
    const { code } = await page.ended();
    return { code, isSoon: performance.now() - startedAt < SOON_MS };
  });
  await change();
  return Promise.all(ends);
}

const ofOverlay = (rest = ''): string => `/v1/overlays/${creator.overlayId}${rest}`;

describe('the pages of an overlay on two gateways', () => {
  it('begin with its whole config and are sent each new one', async () => {
    for (const page of pages) expect((await page.ready()).config).toEqual(DEFAULT_OVERLAY_CONFIG);
    const config = { ...DEFAULT_OVERLAY_CONFIG, motion: 'none', restAfterSec: 60 };
    expect(await call('PUT', ofOverlay('/config'), { body: config, headers: { 'if-match': '"v1"' } })).toEqual(config);
    for (const page of pages) {
      const frame = await page.until(() => page.events.find(({ type, seq }) => type === 'config' && seq > 1), 'the new config', SOON_MS);
      expect(frame).toMatchObject({ d: { overlayId: creator.overlayId, config } });
    }
    // One that comes now begins with it.
    const late = await gateways[0]?.overlay(creator.token);
    expect((await late?.ready())?.config).toEqual(config);
  });

  it('are closed within a second when it is disabled, and let in again when it is not', async () => {
    const closed = await closings(() => call('PATCH', ofOverlay(), { body: { enabled: false } }));
    expect(closed).toEqual(pages.map(() => ({ code: CloseCode.overlayDisabled, isSoon: true })));
    const refused = await gateways[1]?.visitor(`?token=${creator.token}`);
    expect(await refused?.ended()).toMatchObject({ code: CloseCode.overlayDisabled });
    await call('PATCH', ofOverlay(), { body: { enabled: true } });
    for (const gateway of gateways) await gateway.overlay(creator.token);
  });

  it('are closed within a second when its token is rotated, for good', async () => {
    const closed = await closings(() => call('POST', ofOverlay('/token/rotate')));
    expect(closed).toEqual(pages.map(() => ({ code: CloseCode.badToken, isSoon: true })));
    for (const gateway of gateways) {
      const refused = await gateway.visitor(`?token=${creator.token}`);
      expect(await refused.ended()).toMatchObject({ code: CloseCode.badToken });
    }
    const { pageUrl } = (await call('GET', ofOverlay('/url'))) as { pageUrl: string };
    await gateways[0]?.overlay(new URL(pageUrl).hash.slice(1));
  });

  it('are closed within a second when it is removed, and not let in again', async () => {
    const closed = await closings(() => call('DELETE', ofOverlay()));
    expect(closed).toEqual(pages.map(() => ({ code: CloseCode.overlayDisabled, isSoon: true })));
    const refused = await gateways[1]?.visitor(`?token=${creator.token}`);
    expect(await refused?.ended()).toMatchObject({ code: CloseCode.overlayDisabled });
  });

  it('are told to load themselves anew, those of another overlay are not', async () => {
    const { id } = (await call('POST', '/v1/overlays', { body: { name: 'other' } })) as { id: string };
    await call('POST', `/v1/overlays/${id}/reload`);
    await call('POST', ofOverlay('/reload'));
    for (const page of pages) {
      const frame = await page.until(() => page.events.find(({ type }) => type === 'control'), 'the command', SOON_MS);
      expect(frame).toMatchObject({ seq: 4, d: { action: 'reload', overlayId: creator.overlayId } });
    }
  });

  it('tell its creator how it is doing', async () => {
    const health = async (): Promise<unknown> => call('GET', ofOverlay('/health'));
    for (const [at, ms] of [100, 200, 300, 1000].entries()) pages[at % 2]?.send({ op: 'shown', seq: 1, ms });
    // Whoever only looks is nobody who shows it.
    const preview = await gateways[0]?.visitor(`?token=${creator.token}&preview=1`);
    await preview?.ready();
    preview?.send({ op: 'shown', seq: 1, ms: 5 });
    await expect.poll(health, { timeout: 10_000, interval: 100 }).toMatchObject({
      instances: 2,
      lastShownAt: expect.any(String) as unknown,
      chainToScreenMs: { count: 4, p50: 200, p95: 1000 },
    });
    for (const page of pages) await page.close();
    await expect
      .poll(health, { timeout: 10_000, interval: 100 })
      .toMatchObject({ instances: 0, lastSeenAt: expect.any(String) as unknown, chainToScreenMs: { count: 4 } });
  });
});
