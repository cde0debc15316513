import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { startApp, startChild, type AppProcess, type Child } from '@droppio/e2e/houses';
import pg from 'pg';
import * as z from 'zod';

const PEER = resolve(import.meta.dirname, '../../peers/api');
const START_MS = 20_000;
const Created = z.object({ accessToken: z.string(), creator: z.object({ id: z.string(), wallets: z.array(z.unknown()) }) });
const Overlay = z.object({ id: z.string() });
const Document = z.object({ paths: z.record(z.string(), z.looseObject({ get: z.looseObject({}).optional() })) });

export interface BenchCreator {
  readonly id: string;
  readonly wallet: string;
  readonly authorization: string;
  readonly overlayId: string;
}

/** The API as it is shipped, without its limits of how often, on a database of its own; the peer beside it on the same. */
export interface ApiHouse {
  readonly api: AppProcess;
  readonly gateway: AppProcess;
  readonly peer: { readonly child: Child; readonly port: number };
  readonly databaseUrl: string;
  readonly overlayKeys: string;
  creator(): Promise<BenchCreator>;
  /** Is there such a GET in its own OpenAPI document? */
  has(path: string): boolean;
  stop(): Promise<void>;
}

const UNLIMITED = Object.fromEntries(
  ['CALLER', 'CREATOR', 'OVERLAY', 'ADDRESS', 'SIGN_IN', 'TEST_ALERT', 'SETTINGS', 'STATS', 'FAILURES'].map((what) => [
    `API_RATE_${what}`,
    '0',
  ]),
);
const GATEWAY = {
  GATEWAY_MAX_SOCKETS_PER_TOKEN: '0',
  GATEWAY_MAX_SOCKETS_PER_IP: '0',
  GATEWAY_MAX_UNAUTHENTICATED_PER_IP: '0',
  GATEWAY_UPGRADES_PER_SECOND: '100000',
  GATEWAY_UPGRADES_PER_MINUTE_PER_IP: '0',
};

export async function openApiHouse(postgresUrl: string, redisUrl: string): Promise<ApiHouse> {
  const databaseUrl = await newDatabase(postgresUrl);
  const adminToken = randomBytes(32).toString('hex');
  const overlayKeys = `1:${randomBytes(32).toString('hex')}`;
  const shared = { REDIS_URL: redisUrl, INTERNAL_PORT: '0', PORT: '0', OVERLAY_TOKEN_KEYS: overlayKeys, LOG_LEVEL: 'log' };
  const pages = { PUBLIC_PAGE_URL: 'http://127.0.0.1/overlay', PUBLIC_GATEWAY_URL: 'ws://127.0.0.1/overlay' };
  const api = await startApp('api', { ...shared, ...pages, ...UNLIMITED, DATABASE_URL: databaseUrl, ADMIN_TOKEN: adminToken });
  const gateway = await startApp('gateway', { ...shared, ...GATEWAY });
  const env = { PATH: process.env['PATH'], NODE_ENV: 'production', DATABASE_URL: databaseUrl };
  const child = startChild(process.execPath, [resolve(PEER, 'express-pg.mjs')], { cwd: PEER, env });
  const [, peerPort] = await child.until(/listening (\d+)/, START_MS);
  const call = caller(api.port);
  const { paths } = Document.parse(await call('GET', '/openapi.json', ''));
  return {
    api,
    gateway,
    peer: { child, port: Number(peerPort) },
    databaseUrl,
    overlayKeys,
    has: (path) => paths[path]?.get !== undefined,
    async creator() {
      const wallet = `0x${randomBytes(20).toString('hex')}`;
      const body = { handle: `c${randomBytes(6).toString('hex')}`, displayName: 'A creator', wallets: [wallet] };
      const { accessToken, creator } = Created.parse(await call('POST', '/v1/creators', adminToken, body));
      const overlay = Overlay.parse(await call('POST', '/v1/overlays', accessToken, { name: 'Alerts' }));
      return { id: creator.id, wallet, authorization: `Bearer ${accessToken}`, overlayId: overlay.id };
    },
    async stop() {
      await Promise.all([api.child.stop('SIGTERM', START_MS), gateway.child.stop('SIGKILL'), child.stop('SIGKILL')]);
    },
  };
}

export const caller =
  (port: number) =>
  async (method: string, path: string, token: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(`http://127.0.0.1:${String(port)}${path}`, {
      method,
      headers: {
        ...(token === '' ? {} : { authorization: token.startsWith('Bearer ') ? token : `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(START_MS),
    });
    const answer: unknown = await response.json();
    if (!response.ok) throw new Error(`${method} ${path} answered ${String(response.status)}: ${JSON.stringify(answer)}`);
    return answer;
  };

async function newDatabase(postgresUrl: string): Promise<string> {
  const client = new pg.Client({ connectionString: postgresUrl });
  await client.connect();
  await client.query('CREATE DATABASE bench_api');
  await client.end();
  const url = new URL(postgresUrl);
  url.pathname = '/bench_api';
  return url.href;
}
