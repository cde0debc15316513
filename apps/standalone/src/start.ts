import { fileURLToPath } from 'node:url';
import { Logger } from '@nestjs/common';
import { chainEnv, type ChainSettings } from '@droppio/chain';
import { errorFields, JsonLogger, startApp } from '@droppio/platform';
import { parseTokenKeys } from '@droppio/protocol/overlay-token';
import { BrokerClaim, EmbeddedPostgres } from '@droppio/storage';
import { brokerOf, claimPlan, type Broker } from './broker.js';
import { startDevChain, type DemoChain } from './dev-chain.js';
import type { StandaloneSettings } from './env.js';
import { claimPort } from './free-port.js';
import { keepSecrets, type Secrets } from './secrets.js';
import { standaloneApp, type FurnishedSettings } from './standalone.app.js';
import { Undo } from './undo.js';

export interface Standalone {
  readonly adminToken: string;
  readonly apiUrl: string;
  readonly internalUrl: string;
  /** Absent when the settings name chains. */
  readonly devChain: DemoChain | undefined;
  isReady(): Promise<boolean>;
  isClosing(): boolean;
  close(reason: string): Promise<void>;
}

const PAGE_DIR = fileURLToPath(new URL('../../overlay/dist', import.meta.url));

/** Starts whatever the settings leave open (database, chain, secrets), then the app. A failed start leaves nothing running. */
export async function startStandalone(env: StandaloneSettings): Promise<Standalone> {
  Logger.overrideLogger(new JsonLogger('standalone', env.INSTANCE_ID, env.LOG_LEVEL, env.BUILD_VERSION));
  const undo = new Undo();
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> =>
    (closing ??= undo.run((name, error) => {
      new Logger('standalone').error('stop.failed', { step: name, ...errorFields(error) });
    }));
  try {
    return { ...(await furnish(env, undo)), close, isClosing: () => closing !== undefined };
  } catch (error) {
    await close();
    throw error;
  }
}

async function furnish(env: StandaloneSettings, undo: Undo): Promise<Omit<Standalone, 'close' | 'isClosing'>> {
  const broker = brokerOf(env);
  // Ports before anything is started. The dev chain finds out about its own: the one there may be ours, left by a start that was killed.
  const port = await claimPort(env.HOST, env.PORT, 'PORT');
  const internalPort = await claimPort(env.INTERNAL_HOST, env.INTERNAL_PORT, 'INTERNAL_PORT');
  const secrets = await keepSecrets(env.DATA_DIR);
  const devChain = env.CHAINS === undefined ? await localChain(env, undo) : undefined;
  const databaseUrl = env.DATABASE_URL ?? (await embeddedDatabase(env, undo));
  const settings = complete(env, { port, databaseUrl, broker, secrets, chains: env.CHAINS ?? chainsOf(devChain) });
  const plan = claimPlan(broker, env, settings.tokenKeys);
  if (plan !== undefined) {
    const claim = await BrokerClaim.take(plan);
    undo.add('claim of the database', () => claim.close());
  }
  const app = await startApp(standaloneApp({ ...settings, env: { ...env, INTERNAL_PORT: internalPort } }));
  undo.add('app', () => app.close('standalone stops'));
  return {
    adminToken: settings.adminToken,
    apiUrl: `http://${env.HOST}:${String(port)}`,
    internalUrl: `http://${env.INTERNAL_HOST}:${String(internalPort)}`,
    devChain,
    isReady: () => app.isReady(),
  };
}

async function embeddedDatabase(env: StandaloneSettings, undo: Undo): Promise<string> {
  const postgres = await EmbeddedPostgres.start({ dataDir: env.DATA_DIR });
  undo.add('embedded Postgres', () => postgres.stop());
  return postgres.url;
}

async function localChain(env: StandaloneSettings, undo: Undo): Promise<DemoChain> {
  const chain = await startDevChain({ folder: env.DATA_DIR, host: '127.0.0.1', port: env.DEV_CHAIN_PORT, anvilPath: env.ANVIL_PATH });
  undo.add('dev chain', () => chain.node.stop());
  return chain;
}

function chainsOf(chain: DemoChain | undefined): readonly ChainSettings[] {
  if (chain === undefined) return [];
  const { node, chainId, jar } = chain;
  const dev = { chainId, name: 'dev', rpcUrls: [node.rpcUrl], wsUrls: [node.wsUrl], tipJar: jar, startBlock: 0, native: { symbol: 'ETH' } };
  return chainEnv.CHAINS.parse(JSON.stringify([dev]));
}

interface Found {
  readonly port: number;
  readonly databaseUrl: string;
  readonly broker: Broker;
  readonly secrets: Secrets;
  readonly chains: readonly ChainSettings[];
}

function complete(env: StandaloneSettings, { port, databaseUrl, broker, secrets, chains }: Found): FurnishedSettings {
  const host = `${env.HOST}:${String(port)}`;
  return {
    env,
    port,
    databaseUrl,
    broker,
    chains,
    tokenKeys: env.OVERLAY_TOKEN_KEYS ?? parseTokenKeys(secrets.overlayTokenKeys),
    adminToken: env.ADMIN_TOKEN ?? secrets.adminToken,
    pageUrl: env.PUBLIC_PAGE_URL ?? `http://${host}/overlay`,
    gatewayUrl: env.PUBLIC_GATEWAY_URL ?? `ws://${host}/overlay`,
    pageDir: env.OVERLAY_PAGE_DIR ?? PAGE_DIR,
  };
}
