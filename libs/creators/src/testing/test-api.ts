import { randomBytes } from 'node:crypto';
import { Global, Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { MemoryBrokerModule, RedisBrokerModule } from '@droppio/broker';
import { attachOverlaySockets, deliveryEnv, DeliveryModule, deliverySettings } from '@droppio/delivery';
import { Health, Instance, PlatformModule } from '@droppio/platform';
import { OverlayTokens } from '@droppio/protocol/overlay-token';
import { RelayModule } from '@droppio/relay';
import { StorageModule } from '@droppio/storage';
import { createTestDatabase, query } from '@droppio/storage/testing';
import { EventRelay, type AssetQuota } from '@droppio/tips';
import { randomHex } from '@droppio/tips/testing';
import { NameResolver, WebhooksModule } from '@droppio/webhooks';
import * as z from 'zod';
import { configureHttp, CreatorsModule, CreatorsOptions, type HttpOptions } from '../index.js';
import type { RateLimits } from '../edge/rates/rate-limits.js';
import { RecordingLogger } from './recording-logger.js';
import { RecordingRelay } from './recording-relay.js';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: unknown;
}

export interface TestCreator {
  readonly id: string;
  readonly handle: string;
  readonly accessToken: string;
  /** An overlay of theirs, and its token. */
  readonly overlayId: string;
  readonly overlayToken: string;
}

export interface TestApi {
  readonly app: NestExpressApplication;
  readonly url: string;
  readonly adminToken: string;
  readonly tokens: OverlayTokens;
  readonly relay: RecordingRelay;
  readonly logger: RecordingLogger;
  call(method: string, path: string, options?: { token?: string; body?: unknown; headers?: Record<string, string> }): Promise<Answer>;
  aCreator(wallet?: string): Promise<TestCreator>;
  /** Past the API, for what time alone would do. */
  sql(statement: string, values?: readonly unknown[]): Promise<readonly unknown[]>;
  close(): Promise<void>;
}

export const SIGN_IN_ORIGIN = 'https://app.test';

const NO_LIMITS: RateLimits = {
  caller: 0,
  creator: 0,
  overlay: 0,
  address: 0,
  signIn: 0,
  testAlert: 0,
  settings: 0,
  stats: 0,
  upload: 0,
  media: 0,
  failures: 0,
};

interface Plan {
  readonly nodes?: ReadonlyMap<number, string>;
  readonly isSignUpOpen?: boolean;
  /** None, as a rule: tests are in a hurry. */
  readonly rates?: Partial<RateLimits>;
  readonly quota?: AssetQuota;
  readonly http?: Partial<HttpOptions>;
  readonly configure?: (app: NestExpressApplication) => void;
  /** A real relay, and a gateway for overlays on the same port; on Redis, or in memory without an address. */
  readonly live?: { readonly redisUrl?: string };
}

/** The room on a real port and a real Postgres of its own. */
export async function startTestApi(postgresUrl: string, plan: Plan = {}): Promise<TestApi> {
  const database = await createTestDatabase(postgresUrl);
  const relay = new RecordingRelay();
  const logger = new RecordingLogger();
  const secret = randomBytes(32);
  const options = new CreatorsOptions({
    adminToken: randomBytes(24).toString('base64url'),
    tokenKeys: [{ id: 1, secret }],
    pageUrl: 'https://tips.test/overlay',
    gatewayUrl: 'wss://tips.test/overlay',
    signIn: {
      origins: [SIGN_IN_ORIGIN],
      chains: new Set([1, 31_337, ...(plan.nodes?.keys() ?? [])]),
      nodes: plan.nodes ?? new Map<number, string>(),
      isSignUpOpen: plan.isSignUpOpen ?? true,
    },
    rates: { ...NO_LIMITS, ...plan.rates },
    ...(plan.quota === undefined ? {} : { quota: plan.quota }),
  });
  const app = await NestFactory.create<NestExpressApplication>(houseOf(database.url, options, relay, plan), {
    logger,
    abortOnError: false,
    bodyParser: false,
  });
  if (plan.live !== undefined) attachOverlaySockets(app);
  configureHttp(app, { corsOrigins: [], trustedProxies: [], ...plan.http });
  plan.configure?.(app);
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const call = callerOf(url);
  const adminToken = options.adminToken ?? '';
  return {
    app,
    url,
    adminToken,
    tokens: new OverlayTokens(options.tokenKeys),
    relay,
    logger,
    call,
    sql: (statement, values) => query(database.url, statement, values),
    aCreator: (wallet) => aCreator(call, adminToken, wallet ?? randomHex(20)),
    close: async () => {
      await app.close();
      await database.drop();
    },
  };
}

function houseOf(url: string, options: CreatorsOptions, relay: RecordingRelay, { live }: Plan): DynamicModule {
  class House {}
  const platform = PlatformModule.for(new Instance('test', 'api'), new Health());
  return {
    module: House,
    imports: [
      platform,
      StorageModule.for({ url, migrate: false }),
      live?.redisUrl === undefined ? MemoryBrokerModule : RedisBrokerModule.for({ url: live.redisUrl }),
      live === undefined ? RelayStub.for(relay) : RelayModule.for({ work: true }),
      WebhooksModule.for({ work: false, keys: options.tokenKeys, world: { resolver: new ExampleNames() } }),
      CreatorsModule.for(options),
      ...(live === undefined ? [] : [DeliveryModule.for(aGateway(options))]),
    ],
  };
}

/** Without the limits that a test on one address would run into. */
function aGateway({ tokenKeys }: CreatorsOptions): ReturnType<typeof deliverySettings> {
  const keys = tokenKeys.map(({ id, secret }) => `${String(id)}:${Buffer.from(secret).toString('hex')}`).join(',');
  return deliverySettings(
    z.object(deliveryEnv).parse({
      OVERLAY_TOKEN_KEYS: keys,
      GATEWAY_MAX_SOCKETS_PER_IP: '0',
      GATEWAY_UPGRADES_PER_MINUTE_PER_IP: '0',
      DRAIN_DELAY_MS: '0',
      DRAIN_WINDOW_MS: '0',
    }),
  );
}

@Global()
@Module({})
class RelayStub {
  static for(relay: RecordingRelay): DynamicModule {
    return { module: RelayStub, providers: [{ provide: EventRelay, useValue: relay }], exports: [EventRelay] };
  }
}

/** Hosts of example.com are public, all others unknown. */
class ExampleNames extends NameResolver {
  override addressesOf(hostname: string): Promise<readonly string[]> {
    return Promise.resolve(hostname.endsWith('.example.com') ? ['93.184.216.34'] : []);
  }
}

function callerOf(url: string): TestApi['call'] {
  return async (method, path, { token, body, headers } = {}) => {
    const response = await fetch(url + path, {
      method,
      redirect: 'manual',
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: bytesOf(body) }),
      signal: AbortSignal.timeout(15_000),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: parse(text) };
  };
}

async function aCreator(call: TestApi['call'], adminToken: string, wallet: string): Promise<TestCreator> {
  const handle = `c-${randomBytes(6).toString('hex')}`;
  const made = await call('POST', '/v1/creators', {
    token: adminToken,
    body: { handle, displayName: `Creator ${handle}`, wallets: [wallet] },
  });
  const { creator, accessToken } = made.json as { creator: { id: string }; accessToken: string };
  const overlay = await call('POST', '/v1/overlays', { token: accessToken, body: { name: 'main' } });
  const { id: overlayId } = overlay.json as { id: string };
  const links = await call('GET', `/v1/overlays/${overlayId}/url`, { token: accessToken });
  const { pageUrl } = links.json as { pageUrl: string };
  return { id: creator.id, handle, accessToken, overlayId, overlayToken: new URL(pageUrl).hash.slice(1) };
}

function bytesOf(body: unknown): string | Uint8Array<ArrayBuffer> {
  if (body instanceof Uint8Array) return new Uint8Array(body);
  return typeof body === 'string' ? body : JSON.stringify(body);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
