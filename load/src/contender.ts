import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ROOT, startApp, startChild } from '@droppio/e2e/houses';
import type { BenchChain } from './bench-chain.js';
import { newDatabase, type Ground } from './ground.js';
import { RowWatch } from './row-watch.js';

/** A program that brings the tips of the bench's chain into a Postgres of its own. */
export interface Contender {
  readonly name: string;
  /** With an empty database, on the chain as it is. */
  start(chain: BenchChain): Promise<RunningContender>;
}

/** Times are `performance.now()`. */
export interface RunningContender {
  readonly pid: number;
  readonly startedAtMs: number;
  /** It said that it is up, which is when it begins to read the chain. */
  readonly readyAtMs: number;
  /** Its rows of tips. */
  readonly rows: RowWatch;
  /** Resolves once it waits for new heads. */
  untilLive(): Promise<void>;
  stop(): Promise<void>;
}

/** The chain as the listener's settings name it. Without a start block it is followed from about its head on. */
export function chainsOf({ house }: BenchChain, startBlock?: number): string {
  const { chainId, rpcUrl, wsUrl, jar } = house;
  const chain = { chainId, name: 'bench', rpcUrls: [rpcUrl], wsUrls: [wsUrl], tipJar: jar, native: { symbol: 'ETH' } };
  return JSON.stringify([{ ...chain, ...(startBlock === undefined ? {} : { startBlock }) }]);
}

/** The listener as it is shipped, following from the head or, to see how it catches up, from a block of the past: each tip also becomes an event and goes to Redis. */
export function listener(ground: Ground, startBlock?: number): Contender {
  return {
    name: 'droppio',
    async start(chain) {
      const database = await newDatabase(ground.postgresUrl, chain.wallets);
      const rows = await RowWatch.on(database.url, 'tips');
      const startedAtMs = performance.now();
      const app = await startApp('listener', {
        DATABASE_URL: database.url,
        REDIS_URL: ground.redisUrl,
        INTERNAL_PORT: '0',
        CHAINS: chainsOf(chain, startBlock),
      });
      return {
        pid: app.child.pid,
        startedAtMs,
        readyAtMs: performance.now(),
        rows,
        async untilLive() {
          await app.child.until(/"lease\.taken"/, 20_000);
        },
        async stop() {
          await app.child.stop('SIGTERM', 20_000);
          await rows.close();
          await database.drop();
        },
      };
    },
  };
}

/** `npm run backfill` as it is shipped, beside a walk that has begun at the head. */
export function backfillCommand(ground: Ground): Contender {
  return {
    name: 'droppio',
    async start(chain) {
      const database = await newDatabase(ground.postgresUrl, chain.wallets, { chainId: chain.house.chainId, block: await chain.head() });
      const rows = await RowWatch.on(database.url, 'tips');
      const startedAtMs = performance.now();
      const args = ['--chain', String(chain.house.chainId), '--from', '0'];
      const child = startChild(process.execPath, [resolve(ROOT, 'apps/listener/dist/backfill.js'), ...args], {
        cwd: ROOT,
        env: { PATH: process.env['PATH'], DATABASE_URL: database.url, REDIS_URL: ground.redisUrl, CHAINS: chainsOf(chain) },
      });
      await child.until(/Searching what is missing/, 60_000);
      return {
        pid: child.pid,
        startedAtMs,
        readyAtMs: performance.now(),
        rows,
        untilLive: () => Promise.resolve(),
        async stop() {
          // It ends by itself soon after the last block.
          await child.stop('SIGTERM', 20_000);
          await rows.close();
          await database.drop();
        },
      };
    },
  };
}

const TICKS_PER_SECOND = 100;

/** Processor time that a process has used so far, in seconds; tells more than a clock on a machine that is shared. NaN where there is no /proc. */
export function cpuSeconds(pid: number): number {
  try {
    // The second field is the program's name in brackets and may hold spaces.
    const fields =
      readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
        .split(') ')
        .at(-1)
        ?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return Number.NaN;
  }
}
