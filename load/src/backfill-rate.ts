import { BackfillModule, Backfills, WatchList } from '@droppio/chain';
import { listenerSettings } from '@droppio/listener/env';
import { loadEnv, openRooms } from '@droppio/platform';
import { StorageModule, storageOptions } from '@droppio/storage';
import { blocksIn, TipLedger, type BlockRange } from '@droppio/tips';
import { BenchChain } from './bench-chain.js';
import type { Sizes } from './bench-plan.js';
import { chainsOf, listener } from './contender.js';
import type { Figure } from './figures.js';
import { TOKEN } from './foreign-logs.js';
import { newDatabase, type BenchDatabase, type Ground } from './ground.js';
import { FINAL_DEPTH } from './peer-race.js';
import { LOGS_A_BLOCK, startStrangerNode, STRANGER_FIRST, STRANGER_HEAD } from './stranger-node.js';

const CREATORS = 20;
const CHAIN_ID = 31337;
const WALK_MS = 60_000;
/** For each of the two; afterwards no further run is begun. */
const BUDGET_MS = 40_000;

/** Tips stored from a real node, and strangers' transfers read and rejected: the product's backfill, once in this process without its start-up. */
export async function backfillRate(ground: Ground, sizes: Sizes, say: (line: string) => void): Promise<readonly Figure[]> {
  return [...(await stored(ground, sizes, say)), ...(await rejected(ground, sizes, say))];
}

async function stored(
  ground: Ground,
  { historyBlocks, tipsPerBlock, backfillRuns }: Sizes,
  say: (line: string) => void,
): Promise<readonly Figure[]> {
  const tips = historyBlocks * tipsPerBlock;
  const chain = await BenchChain.start(ground.programs.anvilPath, CREATORS);
  try {
    await chain.mineHistory(historyBlocks, tipsPerBlock);
    await chain.mineEmpty(FINAL_DEPTH + 1);
    const block = await chain.head();
    const [rates, cpu]: [number[], number[]] = [[], []];
    const until = performance.now() + BUDGET_MS;
    for (let run = 0; run < backfillRuns && performance.now() < until; run += 1) {
      const database = await newDatabase(ground.postgresUrl, chain.wallets, { chainId: CHAIN_ID, block });
      const { seconds, cpuSeconds, found } = await searched(database, chainsOf(chain), { from: 0, to: block.number - FINAL_DEPTH });
      await database.drop();
      if (found !== tips) throw new Error(`${String(found)} tips were stored, not ${String(tips)}`);
      say(`backfill of ${String(tips)} tips: ${seconds.toFixed(2)} s`);
      rates.push(tips / seconds);
      cpu.push(tips / cpuSeconds);
    }
    return [
      { name: 'backfill: tips found and stored', unit: 'tips/s', values: rates, target: { of: 'p50', bound: 'at least', value: 25_000 } },
      { name: 'backfill: tips a second of this process’s processor time', unit: 'tips/s', values: cpu },
      { name: 'the walk, catching up block by block: tips stored and told', unit: 'tips/s', values: [await walked(ground, chain, tips)] },
    ];
  } finally {
    await chain.stop();
  }
}

async function rejected(ground: Ground, { foreignLogs, backfillRuns }: Sizes, say: (line: string) => void): Promise<readonly Figure[]> {
  const node = await startStrangerNode();
  try {
    const chain = { chainId: CHAIN_ID, name: 'strangers', rpcUrls: [node.url], tipJar: `0x${'aa'.repeat(20)}`, native: { symbol: 'ETH' } };
    const chains = JSON.stringify([{ ...chain, tokens: [{ address: TOKEN, symbol: 'TOK', decimals: 6 }] }]);
    const range = { from: STRANGER_FIRST, to: STRANGER_FIRST + Math.ceil(foreignLogs / LOGS_A_BLOCK) - 1 };
    const logs = blocksIn([range]) * LOGS_A_BLOCK;
    const [rates, cpu]: [number[], number[]] = [[], []];
    const until = performance.now() + BUDGET_MS;
    for (let run = 0; run < backfillRuns && performance.now() < until; run += 1) {
      const database = await newDatabase(ground.postgresUrl, [`0x${'11'.repeat(20)}`], { chainId: CHAIN_ID, block: STRANGER_HEAD });
      const { seconds, cpuSeconds, found } = await searched(database, chains, range);
      await database.drop();
      if (found !== 0) throw new Error('a stranger was taken for a creator');
      say(`scan of ${String(logs)} foreign logs: ${seconds.toFixed(2)} s`);
      rates.push(logs / seconds);
      cpu.push(logs / cpuSeconds);
    }
    const target = { of: 'p50', bound: 'at least', value: 500_000 } as const;
    return [
      { name: 'backfill: foreign logs scanned and rejected', unit: 'logs/s', values: rates, target },
      { name: 'backfill: foreign logs a second of this process’s processor time', unit: 'logs/s', values: cpu },
    ];
  } finally {
    await node.stop();
  }
}

interface Searched {
  readonly seconds: number;
  /** Processor time of this process: what it would take if nothing else ran on the machine, and nothing were waited for. */
  readonly cpuSeconds: number;
  readonly found: number;
}

/** A search of the range from the first question to the last commit, in the rooms of the backfill command. */
async function searched(database: BenchDatabase, chains: string, range: BlockRange): Promise<Searched> {
  const settings = loadEnv(listenerSettings, {
    DATABASE_URL: database.url,
    REDIS_URL: 'redis://127.0.0.1:1',
    CHAINS: chains,
    LOG_LEVEL: 'error',
  });
  const storage = StorageModule.for(storageOptions(settings.DATABASE_URL, settings));
  const rooms = await openRooms({ service: 'bench', settings, rooms: [storage, BackfillModule.for(settings.CHAINS)] });
  try {
    await rooms.get(WatchList).refresh();
    const backfills = rooms.get(Backfills);
    const filter = backfills.of(CHAIN_ID)?.filter ?? '';
    const ledger = rooms.get(TipLedger);
    let found = 0;
    const [began, cpu] = [performance.now(), process.cpuUsage()];
    // A job ends by itself after a while, to let live work through, and is then taken up again.
    do {
      const { blocks, stored } = await backfills.work({ chainId: CHAIN_ID, filter, asked: range, ...range }, new AbortController().signal);
      if (blocks === 0) throw new Error('a backfill does not go on');
      found += stored;
    } while ((await ledger.holes(CHAIN_ID, filter, range)).length > 0);
    const { user, system } = process.cpuUsage(cpu);
    return { seconds: (performance.now() - began) / 1000, cpuSeconds: (user + system) / 1e6, found };
  } finally {
    await rooms.close();
  }
}

/** What the follower makes of the same blocks when it starts far behind; a real process. */
async function walked(ground: Ground, chain: BenchChain, tips: number): Promise<number> {
  const walk = await listener(ground, 0).start(chain);
  try {
    return (tips * 1000) / ((await walk.rows.counted(tips, WALK_MS)) - walk.readyAtMs);
  } finally {
    await walk.stop();
  }
}
