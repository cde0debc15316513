import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { RedisBrokerModule } from '@droppio/broker';
import { configureHttp, CreatorsModule, CreatorsOptions } from '@droppio/creators';
import { GatewayHouse } from '@droppio/delivery/testing';
import { startApp, type RunningApp } from '@droppio/platform';
import { parseTokenKeys } from '@droppio/protocol/overlay-token';
import { RelayModule } from '@droppio/relay';
import { StorageModule } from '@droppio/storage';
import { createTestDatabase, query, type TestDatabase } from '@droppio/storage/testing';
import { randomHex } from '@droppio/tips/testing';
import { WebhooksModule } from '@droppio/webhooks';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { ROOT } from './houses/app-process.js';

/* The users that docs/database.md tells operators to make, made by those very lines, and the apps as these users. */
const page = readFileSync(resolve(ROOT, 'docs/database.md'), 'utf8').split('## Rights')[1] ?? '';
const blocks = [...page.matchAll(/```(\w*)\n([^`]*)```/g)].map(([, , text = '']) => text.trim().split('\n'));
const [sql = [], acl = []] = blocks;

const own = randomBytes(4).toString('hex');
const password = randomBytes(16).toString('hex');
const prefix = `test-${randomUUID()}`;
const role = `droppio_app_${own}`;
const adminToken = randomBytes(24).toString('hex');

let database: TestDatabase;
let redis: Redis;
let api: RunningApp;
let gateway: GatewayHouse;

const as = (url: string, user: string): string => {
  const to = new URL(url);
  [to.username, to.password] = [user, password];
  return to.href;
};

beforeAll(async () => {
  database = await createTestDatabase(inject('postgresUrl'));
  for (const line of sql) await query(database.url, line.replaceAll('droppio_app', role).replace('change-me', password));
  redis = new Redis(inject('redisUrl'));
  for (const line of acl) {
    const words = line.replace('change-me', password).replace('~{droppio}:*', `~${prefix}:*`).split(' ');
    const [command = '', ...rest] = words.map((word) => (word.startsWith('droppio-') ? `${word}-${own}` : word));
    expect(await redis.call(command, ...rest)).toBe('OK');
  }
  const keys = `1:${randomBytes(32).toString('hex')}`;
  const broker = (user: string) => RedisBrokerModule.for({ url: as(inject('redisUrl'), `${user}-${own}`), queue: { prefix } });
  gateway = await GatewayHouse.start({ broker: broker('droppio-gateway'), settings: { OVERLAY_TOKEN_KEYS: keys } });
  api = await startApp({
    service: 'api',
    settings: { LOG_LEVEL: 'error', INSTANCE_ID: 'api', INTERNAL_HOST: '127.0.0.1', INTERNAL_PORT: 0, SHUTDOWN_TIMEOUT_MS: 10_000 },
    rooms: [
      StorageModule.for({ url: as(database.url, role), migrate: false }),
      broker('droppio-app'),
      RelayModule.for({ work: true }),
      WebhooksModule.for({ work: true, keys: parseTokenKeys(keys) }),
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
  await gateway.stop();
  await api.close('the test is over');
  for (const user of ['droppio-gateway', 'droppio-app']) await redis.call('ACL', 'DELUSER', `${user}-${own}`);
  await redis.quit();
  await query(database.url, `DROP OWNED BY ${role}`);
  await database.drop();
  await query(inject('postgresUrl'), `DROP ROLE ${role}`);
});

async function call<T = unknown>(method: string, path: string, token: string, body?: unknown): Promise<T> {
  const response = await fetch(`http://127.0.0.1:${String(api.port)}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${text}`);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

const aCreator = async (): Promise<{ creatorId: string; accessToken: string; overlayId: string; overlayToken: string }> => {
  const body = { handle: `c-${randomHex(6).slice(2)}`, displayName: 'A creator', wallets: [randomHex(20)] };
  const made = await call<{ accessToken: string; creator: { id: string } }>('POST', '/v1/creators', adminToken, body);
  const { accessToken } = made;
  const { id: overlayId } = await call<{ id: string }>('POST', '/v1/overlays', accessToken, { name: 'main' });
  const { pageUrl } = await call<{ pageUrl: string }>('GET', `/v1/overlays/${overlayId}/url`, accessToken);
  return { creatorId: made.creator.id, accessToken, overlayId, overlayToken: new URL(pageUrl).hash.slice(1) };
};

const metaOf = async (creatorId: string): Promise<string> => (await redis.keys(`creator:*${creatorId}*:meta`))[0] ?? '';

describe('the rights in docs/database.md', () => {
  it('are all that the API needs, and change no table', async () => {
    const { accessToken, overlayId } = await aCreator();
    await call('PATCH', `/v1/overlays/${overlayId}`, accessToken, { name: 'other' });
    await call('POST', '/v1/webhooks', accessToken, { url: 'https://hooks.example.com/x', events: ['tip.confirmed'] }).catch(
      () => undefined,
    );
    for (const path of ['/v1/me', '/v1/tips', '/v1/overlays', '/v1/audit', '/v1/tokens', '/v1/webhooks', '/v1/me/export'])
      await call('GET', path, accessToken);
    await call('DELETE', `/v1/overlays/${overlayId}`, accessToken);
    const forbidden = [
      'CREATE TABLE mine (id int)',
      'DROP TABLE tips',
      'ALTER TABLE tips DISABLE TRIGGER ALL',
      'TRUNCATE tips',
      'CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$SELECT 1$$',
      'CREATE ROLE another',
      "COPY tips TO PROGRAM 'cat'",
    ];
    for (const statement of forbidden)
      await expect(query(as(database.url, role), statement), statement).rejects.toMatchObject({ code: '42501' });
  });

  it('are all that a gateway needs, and neither empty nor command Redis', async () => {
    const { creatorId, accessToken, overlayId, overlayToken } = await aCreator();
    const overlay = await gateway.overlay(overlayToken);
    await call('POST', `/v1/overlays/${overlayId}/test`, accessToken, { message: 'hello' });
    await expect.poll(() => JSON.stringify(overlay.frames)).toContain('hello');
    // A feed that nobody has is asked for through the queue.
    expect(await redis.del(await metaOf(creatorId))).toBe(1);
    const later = await gateway.overlay(overlayToken);
    expect(later.frames.map(({ op }) => op)).toContain('ready');
    for (const user of ['droppio-gateway', 'droppio-app']) {
      const stranger = new Redis(as(inject('redisUrl'), `${user}-${own}`), { retryStrategy: () => null });
      try {
        for (const command of [
          ['FLUSHALL'],
          ['CONFIG', 'GET', '*'],
          ['KEYS', '*'],
          ['SHUTDOWN'],
          ['ACL', 'LIST'],
          ['MODULE', 'LIST'],
          ['REPLICAOF', 'NO', 'ONE'],
        ]) {
          await expect(stranger.call(command[0] ?? '', ...command.slice(1)), command.join(' ')).rejects.toThrow(/NOPERM/);
        }
        if (user === 'droppio-gateway') await expect(stranger.get('somebody:else')).rejects.toThrow(/NOPERM/);
      } finally {
        stranger.disconnect();
      }
    }
  });
});
