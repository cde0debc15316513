import { randomBytes, randomUUID } from 'node:crypto';
import { RedisBrokerModule } from '@droppio/broker';
import { configureHttp, CreatorsModule, CreatorsOptions } from '@droppio/creators';
import { GatewayHouse } from '@droppio/delivery/testing';
import { startApp, type RunningApp } from '@droppio/platform';
import { parseTokenKeys } from '@droppio/protocol/overlay-token';
import { RelayModule } from '@droppio/relay';
import { StorageModule } from '@droppio/storage';
import { createTestDatabase, type TestDatabase } from '@droppio/storage/testing';
import { randomHex } from '@droppio/tips/testing';
import { WebhooksModule } from '@droppio/webhooks';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { createSiweMessage } from 'viem/siwe';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

/* Three replicas of the API and two gateways, and nothing that one of them knows alone: Postgres and Redis are all they share. */
const ORIGIN = 'https://app.test';
const SOON_MS = 1000;
const REPLICAS = ['one', 'two', 'three'] as const;
let database: TestDatabase;
let apis: RunningApp[];
let gateways: GatewayHouse[];

beforeAll(async () => {
  const keys = `1:${randomBytes(32).toString('hex')}`;
  database = await createTestDatabase(inject('postgresUrl'));
  const prefix = `test-${randomUUID()}`;
  const broker = () => RedisBrokerModule.for({ url: inject('redisUrl'), queue: { prefix } });
  const gateway = () => GatewayHouse.start({ broker: broker(), settings: { OVERLAY_TOKEN_KEYS: keys } });
  gateways = [await gateway(), await gateway()];
  apis = await Promise.all(REPLICAS.map((name) => startReplica(name, broker(), keys)));
});

afterAll(async () => {
  await Promise.all(gateways.map((gateway) => gateway.stop()));
  await Promise.all(apis.map((api) => api.close('the test is over')));
  await database.drop();
});

function startReplica(name: string, broker: ReturnType<typeof RedisBrokerModule.for>, keys: string): Promise<RunningApp> {
  const options = new CreatorsOptions({
    adminToken: randomBytes(24).toString('hex'),
    tokenKeys: parseTokenKeys(keys),
    pageUrl: 'https://tips.test/overlay',
    gatewayUrl: 'wss://tips.test/overlay',
    signIn: { origins: [ORIGIN], chains: new Set([1]), nodes: new Map(), isSignUpOpen: true },
  });
  return startApp({
    service: 'api',
    settings: { LOG_LEVEL: 'error', INSTANCE_ID: name, INTERNAL_HOST: '127.0.0.1', INTERNAL_PORT: 0, SHUTDOWN_TIMEOUT_MS: 10_000 },
    rooms: [
      StorageModule.for({ url: database.url, migrate: false }),
      broker,
      RelayModule.for({ work: true }),
      WebhooksModule.for({ work: false, keys: parseTokenKeys(keys) }),
      CreatorsModule.for(options),
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
}

interface Ask {
  readonly cookie?: string;
  readonly body?: unknown;
}

async function call(replica: number, method: string, path: string, { cookie, body }: Ask = {}) {
  const response = await fetch(`http://127.0.0.1:${String(apis[replica]?.port)}${path}`, {
    method,
    headers: { origin: ORIGIN, 'content-type': 'application/json', ...(cookie !== undefined && { cookie }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  const json: unknown = text === '' ? undefined : JSON.parse(text);
  return { status: response.status, json, cookie: (response.headers.get('set-cookie') ?? '').split(';', 1)[0] ?? '' };
}

async function aSignIn(replica: number): Promise<{ message: string; signature: string; signUp: object }> {
  const wallet = privateKeyToAccount(generatePrivateKey());
  const { nonce } = (await call(replica, 'POST', '/v1/auth/siwe/nonce')).json as { nonce: string };
  const fields = { address: wallet.address, chainId: 1, domain: new URL(ORIGIN).host, issuedAt: new Date(), nonce, version: '1' } as const;
  const message = createSiweMessage({ ...fields, statement: 'Sign in to Droppio.', uri: `${ORIGIN}/login` });
  const signUp = { handle: `w-${randomHex(6).slice(2)}`, displayName: 'Wallet owner' };
  return { message, signature: await wallet.signMessage({ message }), signUp };
}

describe('three replicas of the API and two gateways', () => {
  it('take a nonce that another one gave out, once, though all are asked at the same moment', async () => {
    const body = await aSignIn(0);
    const answers = await Promise.all(REPLICAS.map((_, replica) => call(replica, 'POST', '/v1/auth/siwe/verify', { body })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401]);
  });

  it('know a session wherever it began, and none of them does once it has ended at one', async () => {
    const { cookie } = await call(1, 'POST', '/v1/auth/siwe/verify', { body: await aSignIn(2) });
    const me = () => Promise.all(REPLICAS.map(async (_, replica) => (await call(replica, 'GET', '/v1/me', { cookie })).status));
    expect(await me()).toEqual([200, 200, 200]);
    await call(2, 'DELETE', '/v1/auth/session', { cookie });
    expect(await me()).toEqual([401, 401, 401]);
  });

  it('reach the pages on both gateways with the word of any, in one order', async () => {
    const { cookie } = await call(0, 'POST', '/v1/auth/siwe/verify', { body: await aSignIn(0) });
    const made = await call(1, 'POST', '/v1/overlays', { cookie, body: { name: 'main' } });
    const { id } = made.json as { id: string };
    const { pageUrl } = (await call(2, 'GET', `/v1/overlays/${id}/url`, { cookie })).json as { pageUrl: string };
    const token = new URL(pageUrl).hash.slice(1);
    const pages = await Promise.all(gateways.map((gateway) => gateway.overlay(token)));
    const asked = REPLICAS.flatMap((_, replica) => [
      call(replica, 'POST', `/v1/overlays/${id}/test`, { cookie, body: { message: String(replica) } }),
    ]);
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([202, 202, 202]);
    const heard = await Promise.all(
      pages.map(async (page) => {
        const tests = () => page.events.filter(({ type }) => type === 'test');
        await page.until(() => (tests().length === 3 ? true : undefined), 'three tests', SOON_MS);
        return tests().map((event) => [event.seq, 'd' in event && 'message' in event.d ? event.d.message : '']);
      }),
    );
    expect(heard[0]).toEqual(heard[1]);
    expect(new Set(heard[0]?.map(([, message]) => message))).toEqual(new Set(['0', '1', '2']));
  });
});
