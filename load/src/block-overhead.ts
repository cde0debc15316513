import { setTimeout as sleep } from 'node:timers/promises';
import { listenerApp } from '@droppio/listener/app';
import { listenerSettings } from '@droppio/listener/env';
import { loadEnv, startApp } from '@droppio/platform';
import { TipFeed, within } from '@droppio/tips';
import { BenchChain } from './bench-chain.js';
import type { Sizes } from './bench-plan.js';
import { chainsOf } from './contender.js';
import type { Figure, Target } from './figures.js';
import { newDatabase, type Ground } from './ground.js';
import { OverheadProbe, type Passage } from './overhead-probe.js';

const CREATORS = 20;
const KINDS = [0, 1, 20, 200] as const;
const WARM_UP = 10;
/** Between the sending and the block, and between two blocks: what is measured is one block, not a queue of them. */
const REST_MS = 20;
/** On a machine too busy for the whole plan, fewer blocks are measured. */
const BUDGET_MS = 90_000;

/**
 * What a block costs the listener itself, from the moment its socket hands over the header. One block of each kind in turn. The node calls
 * older blocks safe and final with every new one, so that a block may also meet the raising of a thousand tips a second, and waits for a part of it.
 */
export async function blockOverhead(ground: Ground, { overheadBlocks }: Pick<Sizes, 'overheadBlocks'>): Promise<readonly Figure[]> {
  const chain = await BenchChain.start(ground.programs.anvilPath, CREATORS);
  try {
    const database = await newDatabase(ground.postgresUrl, chain.wallets);
    const listener = await startApp(
      listenerApp(
        loadEnv(listenerSettings, {
          DATABASE_URL: database.url,
          REDIS_URL: ground.redisUrl,
          INTERNAL_PORT: '0',
          LOG_LEVEL: 'error',
          CHAINS: chainsOf(chain),
        }),
      ),
    );
    try {
      await firstTips(chain, listener.app.get(TipFeed), database.creatorIds);
      return figures(await passages(chain, new OverheadProbe(listener), overheadBlocks));
    } finally {
      await listener.close('the bench is over');
      await database.drop();
    }
  } finally {
    await chain.stop();
  }
}

/** The first event of a creator makes the feed anew from the database; every later one, which is what is measured, goes the quick way. */
async function firstTips(chain: BenchChain, feed: TipFeed, creatorIds: readonly string[]): Promise<void> {
  await chain.queue(creatorIds.length);
  await chain.mine();
  const isThere = async (creatorId: string): Promise<boolean> => ((await feed.position(creatorId))?.seq ?? 0) > 0;
  const all = async (): Promise<void> => {
    while (!(await Promise.all(creatorIds.map(isThere))).every((is) => is)) await sleep(REST_MS);
  };
  await within(20_000, 'publishing the first tips', all());
}

async function passages(chain: BenchChain, probe: OverheadProbe, blocks: number): Promise<readonly Passage[]> {
  const passed: Passage[] = [];
  let number = await chain.height();
  const until = performance.now() + BUDGET_MS;
  for (let round = -WARM_UP; round < blocks && performance.now() < until; round += 1) {
    for (const tips of KINDS) {
      await chain.queue(tips);
      await sleep(REST_MS);
      number += 1;
      const passage = await probe.passage(number, tips, () => chain.mine());
      await sleep(REST_MS);
      if (round >= 0) passed.push(passage);
    }
  }
  return passed;
}

function figures(passed: readonly Passage[]): readonly Figure[] {
  return KINDS.flatMap((tips): Figure[] => {
    const own = passed.filter((passage) => passage.tips === tips);
    const what = `block of ${String(tips)} ${tips === 1 ? 'tip' : 'tips'}: header → `;
    const target: Target = { of: 'p99', bound: 'at most', value: tips > 20 ? 40 : 25 };
    const committed = own.map(({ headerAtMs, committedAtMs }) => committedAtMs - headerAtMs);
    const published = own.flatMap(({ headerAtMs, publishedAtMs }) => (publishedAtMs === undefined ? [] : [publishedAtMs - headerAtMs]));
    return [
      { name: `${what}committed`, unit: 'ms', values: committed },
      ...(published.length === 0 ? [] : [{ name: `${what}published`, unit: 'ms', values: published, target }]),
    ];
  });
}
