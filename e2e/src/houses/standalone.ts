import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { devAccounts } from '@droppio/tip-jar';
import { toHex } from '@droppio/tips';
import { startApp } from './app-process.js';
import type { House } from './house.js';

export interface StandalonePlan {
  readonly anvilPath?: string;
  /** Kept by the caller; without one a new folder is made and removed at the end. */
  readonly dataDir?: string;
  readonly settings?: Readonly<Record<string, string>>;
}

/** The quick start: one process, embedded Postgres, broker in memory, its own dev chain. */
export async function startStandalone(plan: StandalonePlan = {}): Promise<House> {
  const dataDir = plan.dataDir ?? (await mkdtemp(join(tmpdir(), 'droppio-standalone-')));
  // As root the database runs as somebody else, who must reach it here and not in a folder that outlives this house.
  if (plan.dataDir === undefined) await chmod(dataDir, 0o755);
  const app = await startApp('standalone', {
    DATA_DIR: dataDir,
    PORT: '0',
    INTERNAL_PORT: '0',
    DEV_CHAIN_PORT: '0',
    LOG_LEVEL: 'log',
    ...(plan.anvilPath !== undefined && { ANVIL_PATH: plan.anvilPath }),
    ...plan.settings,
  });
  await app.child.until(/Press Ctrl-C to stop/, 60_000);
  const facts = await readFacts(dataDir);
  return {
    name: 'standalone',
    apiUrl: facts.api,
    adminToken: facts.adminToken,
    gatewayUrl: facts.gateway,
    gatewayPorts: [Number(new URL(facts.api).port)],
    chain: { chainId: facts.chainId, rpcUrl: facts.rpc, wsUrl: facts.ws, jar: toHex(facts.tipJar, 20), tippers: devAccounts(10).slice(2) },
    internalUrls: { standalone: app.internalUrl },
    output: () => app.child.output(),
    async stop() {
      await app.child.stop('SIGTERM', 60_000);
      if (plan.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
    },
  };
}

interface Facts {
  readonly api: string;
  readonly gateway: string;
  readonly adminToken: string;
  readonly chainId: number;
  readonly rpc: string;
  readonly ws: string;
  readonly tipJar: string;
}

async function readFacts(dataDir: string): Promise<Facts> {
  const facts = JSON.parse(await readFile(join(dataDir, 'standalone.json'), 'utf8')) as {
    api: string;
    webSocket: string;
    adminToken: string;
    chain: { chainId: number; rpc: string; ws: string; tipJar: string };
  };
  return { api: facts.api, gateway: facts.webSocket.split('?')[0] ?? '', adminToken: facts.adminToken, ...facts.chain };
}
