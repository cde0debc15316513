import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { deployTipJar, DevChain, openWallet } from '@droppio/tip-jar';
import pg from 'pg';
import { freePort } from '../services/child.js';
import { ROOT, startApp, type AppProcess } from './app-process.js';
import { Balancer } from './balancer.js';
import type { House, HouseChain } from './house.js';

export interface TrioPlan {
  /** As a user who may create databases. */
  readonly postgresUrl: string;
  readonly redisUrl: string;
  readonly anvilPath?: string;
  readonly gateways?: number;
  /** Fixed ports for a person at a terminal; free ones otherwise. */
  readonly apiPort?: number;
  readonly gatewayPort?: number;
  /** Print the apps' logs. */
  readonly echo?: boolean;
  readonly settings?: Readonly<Record<string, string>>;
}

/** `api` + `listener` + several `gateway`, each a process, over Redis and Postgres, as in production. */
export async function startTrio(plan: TrioPlan): Promise<House> {
  const chain = await DevChain.start({ anvilPath: plan.anvilPath, slotsInAnEpoch: 1 });
  const balancer = new Balancer();
  const apps: AppProcess[] = [];
  const stop = async (): Promise<void> => {
    // Gateways first: they drain while the others still answer.
    for (const app of [...apps].reverse()) await app.child.stop('SIGTERM', 60_000);
    await balancer.close();
    await chain.stop();
  };
  try {
    return await furnish(plan, { chain: await houseChain(chain), balancer, apps, stop });
  } catch (error) {
    await Promise.all(apps.map((app) => app.child.stop('SIGKILL').catch(() => undefined)));
    await chain.stop();
    throw error;
  }
}

interface Furniture {
  readonly chain: HouseChain;
  readonly balancer: Balancer;
  readonly apps: AppProcess[];
  readonly stop: () => Promise<void>;
}

async function furnish(plan: TrioPlan, { chain, balancer, apps, stop }: Furniture): Promise<House> {
  const gatewayUrl = `ws://127.0.0.1:${String(await balancer.listen(plan.gatewayPort))}/overlay`;
  const apiPort = String(plan.apiPort ?? (await freePort()));
  const apiUrl = `http://127.0.0.1:${apiPort}`;
  const adminToken = randomBytes(32).toString('hex');
  const shared = {
    INTERNAL_PORT: '0',
    HOST: '127.0.0.1',
    REDIS_URL: plan.redisUrl,
    OVERLAY_TOKEN_KEYS: `1:${randomBytes(32).toString('hex')}`,
    ...plan.settings,
  };
  const database = { DATABASE_URL: await newDatabase(plan.postgresUrl) };
  const pages = {
    PUBLIC_PAGE_URL: `${apiUrl}/overlay`,
    PUBLIC_GATEWAY_URL: gatewayUrl,
    OVERLAY_PAGE_DIR: resolve(ROOT, 'apps/overlay/dist'),
  };
  const start = async (app: string, settings: Record<string, string>): Promise<AppProcess> => {
    const running = await startApp(app, { ...shared, ...settings }, plan.echo === true ? app : undefined);
    apps.push(running);
    return running;
  };
  const api = await start('api', { ...database, ...pages, PORT: apiPort, ADMIN_TOKEN: adminToken });
  const listener = await start('listener', { ...database, CHAINS: chainSetting(chain) });
  const gateways: AppProcess[] = [];
  for (let i = 0; i < (plan.gateways ?? 2); i += 1) gateways.push(await start('gateway', { PORT: '0', DRAIN_DELAY_MS: '0' }));
  balancer.targets = gateways.map((gateway) => gateway.port);
  return {
    name: 'trio',
    apiUrl,
    adminToken,
    gatewayUrl,
    gatewayPorts: gateways.map((gateway) => gateway.port),
    chain,
    internalUrls: {
      api: api.internalUrl,
      listener: listener.internalUrl,
      ...Object.fromEntries(gateways.map((gateway, i) => [`gateway-${String(i)}`, gateway.internalUrl])),
    },
    output: () => apps.map((app) => app.child.output()).join('\n'),
    stop,
  };
}

export async function houseChain(chain: DevChain): Promise<HouseChain> {
  const [deployer, ...tippers] = chain.accounts;
  if (deployer === undefined) throw new Error('the dev chain has no accounts');
  const wallet = await openWallet({ rpcUrl: chain.rpcUrl, privateKey: deployer.privateKey });
  return { chainId: wallet.chain.id, rpcUrl: chain.rpcUrl, wsUrl: chain.wsUrl, jar: await deployTipJar(wallet), tippers };
}

export function chainSetting(chain: HouseChain): string {
  const { chainId, rpcUrl, wsUrl, jar } = chain;
  return JSON.stringify([
    {
      chainId,
      name: 'dev',
      rpcUrls: [rpcUrl],
      wsUrls: [wsUrl],
      tipJar: jar,
      startBlock: 0,
      native: { symbol: 'ETH', decimals: 18 },
      tokens: [],
    },
  ]);
}

export async function newDatabase(postgresUrl: string): Promise<string> {
  const name = `house_${randomBytes(6).toString('hex')}`;
  const client = new pg.Client({ connectionString: postgresUrl });
  await client.connect();
  await client.query(`CREATE DATABASE ${name}`);
  await client.end();
  const url = new URL(postgresUrl);
  url.pathname = `/${name}`;
  return url.href;
}
