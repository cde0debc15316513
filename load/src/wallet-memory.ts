import { randomBytes } from 'node:crypto';
import { chainSettings, TipSpotter, WatchList, WatchMetrics } from '@droppio/chain';
import { SystemClock } from '@droppio/platform';
import { PostgresWalletRegister } from '@droppio/storage';
import { openTestStorage, type TestStorage } from '@droppio/storage/testing';
import type { Hex } from '@droppio/tips';
import type { Sizes } from './bench-plan.js';
import type { Figure } from './figures.js';
import { asRead, foreignTransfers, TOKEN } from './foreign-logs.js';
import type { Ground } from './ground.js';

const WALLETS_A_CREATOR = 1000;
const BLOCKS = 1000;
/** A busy block: this many transfers of listed tokens, nearly all between strangers. */
const TRANSFERS = 500;
const WARM_UP = 100;

/** The wallets of all creators in the listener's memory: what they weigh, how long they take to load, and what a block's look-up costs. */
export async function walletMemory(ground: Ground, { wallets }: Pick<Sizes, 'wallets'>): Promise<readonly Figure[]> {
  const storage = await openTestStorage(ground.postgresUrl, { poolSize: 4 });
  try {
    await register(storage, wallets);
    const clock = new SystemClock();
    const list = new WatchList(new PostgresWalletRegister(storage.database), clock, WatchMetrics.unregistered());
    const before = settledHeap();
    const began = performance.now();
    await list.refresh();
    const loadMs = performance.now() - began;
    const heap = settledHeap() - before;
    if (list.size !== wallets) throw new Error(`${String(list.size)} wallets were loaded, not ${String(wallets)}`);
    const many = wallets.toLocaleString('en');
    const perBlockMs = lookUps(list);
    return [
      { name: `${many} watched wallets: heap`, unit: 'MiB', values: [heap / 2 ** 20], target: { of: 'max', bound: 'at most', value: 40 } },
      { name: `${many} watched wallets: load from Postgres`, unit: 'ms', values: [loadMs] },
      {
        name: `${many} watched wallets: look-up of a block of ${String(TRANSFERS)} transfers`,
        unit: 'ms',
        values: perBlockMs,
        target: { of: 'p99', bound: 'at most', value: 1 },
      },
      {
        name: `${many} watched wallets: strangers' transfers rejected, in memory`,
        unit: 'logs/s',
        values: perBlockMs.map((ms) => (TRANSFERS * 1000) / ms),
        target: { of: 'p50', bound: 'at least', value: 500_000 },
      },
    ];
  } finally {
    await storage.drop();
  }
}

async function register({ directory }: TestStorage, wallets: number): Promise<void> {
  for (let left = wallets, i = 0; left > 0; left -= WALLETS_A_CREATOR, i += 1) {
    const own = Array.from({ length: Math.min(left, WALLETS_A_CREATOR) }, (): Hex => `0x${randomBytes(20).toString('hex')}`);
    await directory.createCreator({ handle: `bench-${String(i)}`, displayName: `Creator ${String(i)}`, wallets: own });
  }
}

function settledHeap(): number {
  if (global.gc === undefined) throw new Error('Run the bench by "npm run bench:listener", or node with --expose-gc.');
  global.gc();
  global.gc();
  return process.memoryUsage().heapUsed;
}

function lookUps(list: WatchList): readonly number[] {
  const chain = chainSettings({
    chainId: 31337,
    name: 'bench',
    rpcUrls: ['http://127.0.0.1:1'],
    tipJar: '0x00000000000000000000000000000000000000aa',
    native: { symbol: 'ETH' },
    tokens: [{ address: TOKEN, symbol: 'TOK', decimals: 6 }],
  });
  const spotter = new TipSpotter(chain, list);
  const perBlockMs: number[] = [];
  // The first blocks are for the compiler. One block at a time, as it comes from a node: a heap full of blocks would measure the collector.
  for (let number = -WARM_UP; number < BLOCKS; number += 1) {
    const logs = asRead(foreignTransfers(Math.max(0, number), `0x${'ab'.repeat(32)}`, TRANSFERS));
    const began = performance.now();
    const { tips } = spotter.sight(logs);
    const tookMs = performance.now() - began;
    if (tips.length > 0) throw new Error('a stranger was taken for a creator');
    if (number >= 0) perBlockMs.push(tookMs);
  }
  return perBlockMs;
}
