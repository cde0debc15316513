import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DevChain } from '@droppio/tip-jar';
import * as z from 'zod';
import { freePort, startChild } from '../services/child.js';
import { ROOT, started, type AppProcess } from './app-process.js';
import type { House } from './house.js';
import { NginxEdge, type EdgePlan } from './nginx-edge.js';
import { chainSetting, houseChain, newDatabase } from './trio.js';

/** What PM2 knows of a process, as far as the file says it; another word would be one that PM2 ignores. */
export const Ecosystem = z.strictObject({
  apps: z.array(
    z.strictObject({
      name: z.string(),
      script: z.string(),
      exec_mode: z.literal('fork'),
      instances: z.literal(1),
      kill_timeout: z.int(),
      wait_ready: z.literal(true),
      listen_timeout: z.int(),
      exp_backoff_restart_delay: z.int(),
      node_args: z.string(),
      merge_logs: z.literal(true),
      env: z.record(z.string(), z.string()),
    }),
  ),
});
export type Ecosystem = z.output<typeof Ecosystem>;

/** docker/machine/ecosystem.config.cjs, as PM2 reads it. */
export function readEcosystem(env: Readonly<Record<string, string>>): Ecosystem {
  const require = createRequire(import.meta.url);
  const file = resolve(ROOT, 'docker/machine/ecosystem.config.cjs');
  const before = { ...process.env };
  Object.assign(process.env, env);
  try {
    // Read anew: it looks at the environment when it is loaded.
    Reflect.deleteProperty(require.cache, file);
    return Ecosystem.parse(require(file));
  } finally {
    process.env = before;
  }
}

export interface MachinePlan extends Pick<EdgePlan, 'nginxPath' | 'balance'> {
  /** As a user who may create databases. */
  readonly postgresUrl: string;
  readonly anvilPath: string;
  readonly processes: number;
  readonly settings?: Readonly<Record<string, string>>;
}

export interface Machine extends House {
  readonly processes: readonly AppProcess[];
  readonly edge: NginxEdge;
  readonly databaseUrl: string;
  /** In the place of one that has ended, at its ports. */
  restart(index: number): Promise<AppProcess>;
}

/** One big machine: the standalones of the file for PM2, on one Postgres and without Redis, behind nginx. */
export async function startMachine(plan: MachinePlan): Promise<Machine> {
  const { apps } = readEcosystem({ DROPPIO_PROCESSES: String(plan.processes) });
  const ports = await Promise.all(apps.map(() => freePort()));
  const chain = await DevChain.start({ anvilPath: plan.anvilPath, slotsInAnEpoch: 1 });
  const edge = await NginxEdge.start({ nginxPath: plan.nginxPath, balance: plan.balance, servers: ports });
  const dataDir = await mkdtemp(join(tmpdir(), 'droppio-machine-'));
  const [adminToken, databaseUrl] = [randomBytes(32).toString('hex'), await newDatabase(plan.postgresUrl)];
  const [apiUrl, gatewayUrl] = [`http://127.0.0.1:${String(edge.port)}`, `ws://127.0.0.1:${String(edge.port)}/overlay`];
  const house = await houseChain(chain);
  const shared = {
    DATA_DIR: dataDir,
    DATABASE_URL: databaseUrl,
    CHAINS: chainSetting(house),
    OVERLAY_TOKEN_KEYS: `1:${randomBytes(32).toString('hex')}`,
    ADMIN_TOKEN: adminToken,
    PUBLIC_PAGE_URL: `${apiUrl}/overlay`,
    PUBLIC_GATEWAY_URL: gatewayUrl,
    ...plan.settings,
  };
  const processes: AppProcess[] = [];
  let output = '';
  const start = async (index: number): Promise<AppProcess> => {
    const app = apps[index];
    if (app === undefined) throw new Error(`the file names no process ${String(index)}`);
    const env = { PATH: process.env['PATH'], TZ: 'UTC', ...app.env, ...shared, PORT: String(ports[index]), INTERNAL_PORT: '0' };
    const running = await startSupervised(app, env);
    output += processes[index]?.child.output() ?? '';
    processes[index] = running;
    return running;
  };
  const stop = async (): Promise<void> => {
    // As PM2 ends them.
    await Promise.all(processes.map(({ child }) => child.stop('SIGINT', 60_000)));
    await edge.stop();
    await chain.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    // At once, as PM2 does: one of them brings the database up, the others wait for it.
    await Promise.all(apps.map((_, index) => start(index)));
  } catch (error) {
    await Promise.all(processes.map(({ child }) => child.stop('SIGKILL').catch(() => undefined)));
    await stop();
    throw error;
  }
  return {
    name: `machine, ${plan.balance}`,
    apiUrl,
    adminToken,
    gatewayUrl,
    chain: house,
    databaseUrl,
    edge,
    processes,
    get internalUrls() {
      return Object.fromEntries(processes.map(({ internalUrl }, n) => [`standalone-${String(n)}`, internalUrl]));
    },
    output: () => output + processes.map(({ child }) => child.output()).join('\n'),
    restart: start,
    stop,
  };
}

/** As PM2 does with `wait_ready`: it is there when it says so itself. */
async function startSupervised(app: Ecosystem['apps'][number], env: NodeJS.ProcessEnv): Promise<AppProcess> {
  const child = startChild(process.execPath, [...app.node_args.split(' '), app.script], { env, cwd: ROOT, channel: true });
  const word = once(child.process, 'message', { signal: AbortSignal.timeout(app.listen_timeout) });
  word.catch(() => undefined);
  const running = await started(child);
  const said: unknown = (await word)[0];
  if (said === 'ready') return running;
  await child.stop('SIGKILL');
  throw new Error(`a process said ${String(said)} before it was ready`);
}
