import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventStreamTransport, LongPollTransport, OverlayConnection, WebSocketTransport, type Transport } from '@droppio/client';
import { startApp, type RunningApp } from '@droppio/platform';
import { parseTokenKeys } from '@droppio/protocol/overlay-token';
import { createTestDatabase, type TestDatabase } from '@droppio/storage/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { WebSocket } from 'ws';
import * as z from 'zod';
import { standaloneSettings } from './env.js';
import { standaloneApp } from './standalone.app.js';

const adminToken = randomBytes(24).toString('hex');
const SOON = { timeout: 15_000, interval: 20 };
let database: TestDatabase;
let pageDir: string;
let app: RunningApp;

beforeAll(async () => {
  database = await createTestDatabase(inject('postgresUrl'));
  pageDir = await mkdtemp(join(tmpdir(), 'droppio-standalone-'));
  await writeFile(join(pageDir, 'index.html'), '<meta name="droppio-gateway" content="" />');
  app = await startApp(
    standaloneApp({
      env: standaloneSettings.parse({ LOG_LEVEL: 'error', INTERNAL_PORT: '0', GATEWAY_UPGRADES_PER_MINUTE_PER_IP: '0' }),
      port: 0,
      databaseUrl: database.url,
      broker: { kind: 'memory' },
      chains: [],
      tokenKeys: parseTokenKeys(`1:${randomBytes(32).toString('hex')}`),
      adminToken,
      pageUrl: 'http://127.0.0.1/overlay',
      gatewayUrl: 'ws://127.0.0.1/overlay',
      pageDir,
    }),
  );
});
afterAll(async () => {
  await app.close('test over');
  await database.drop();
  await rm(pageDir, { recursive: true });
});

const origin = (): string => `http://127.0.0.1:${String(app.port)}`;

async function call<S extends z.ZodType>(shape: S, token: string, path: string, body?: object): Promise<z.output<S>> {
  const response = await fetch(`${origin()}/v1/${path}`, {
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
  expect(response.ok, await response.clone().text()).toBe(true);
  return shape.parse(await response.json());
}

async function anOverlay(): Promise<{ overlayToken: string; alert: () => Promise<unknown> }> {
  const wallets = [`0x${randomBytes(20).toString('hex')}`];
  const creator = { handle: `c${randomBytes(6).toString('hex')}`, displayName: 'Tester', wallets };
  const { accessToken } = await call(z.object({ accessToken: z.string() }), adminToken, 'creators', creator);
  const { id } = await call(z.object({ id: z.string() }), accessToken, 'overlays', { name: 'Main' });
  const { pageUrl } = await call(z.object({ pageUrl: z.string() }), accessToken, `overlays/${id}/url`);
  return {
    overlayToken: new URL(pageUrl).hash.slice(1),
    alert: () => call(z.object({ id: z.string() }), accessToken, `overlays/${id}/test`, {}),
  };
}

const ways: [string, (url: string) => Transport][] = [
  ['WebSocket', (url) => new WebSocketTransport(url, WebSocket)],
  ['event stream', (url) => new EventStreamTransport(url)],
  ['long-poll', (url) => new LongPollTransport(url)],
];

describe('a single process', () => {
  it.each(ways)('brings an alert to an overlay by %s, past the guard of the API on the same port', async (_, make) => {
    const { overlayToken, alert } = await anOverlay();
    const types: string[] = [];
    const states: string[] = [];
    const connection = new OverlayConnection(
      { transport: make(`${origin().replace('http', 'ws')}/overlay`), token: overlayToken },
      {
        event: ({ type }) => types.push(type),
        ready: () => undefined,
        gap: () => undefined,
        state: ({ kind }) => states.push(kind),
      },
    );
    connection.start();
    await expect.poll(() => states.at(-1), SOON).toBe('open');
    await alert();
    await expect.poll(() => types, SOON).toEqual(['test']);
    connection.stop();
  });

  it('keeps page, API and guard where they were', async () => {
    const status = async (path: string): Promise<number> => (await fetch(origin() + path)).status;
    expect(await Promise.all([status('/overlay/'), status('/v1/me'), status('/overlay/events/x')])).toEqual([200, 401, 404]);
  });
});
