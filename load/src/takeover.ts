import { setTimeout as sleep } from 'node:timers/promises';
import { startApp, type AppProcess } from '@droppio/e2e/houses';
import { within } from '@droppio/tips';
import { Redis } from 'ioredis';
import { BenchChain } from './bench-chain.js';
import type { Sizes } from './bench-plan.js';
import { chainsOf } from './contender.js';
import type { Figure } from './figures.js';
import { newDatabase, type Ground } from './ground.js';
import { RowWatch } from './row-watch.js';

/** A leader that is frozen keeps its connections, so that only the lease tells: fewer of these, since each takes seconds. */
const FREEZES_PER_KILLS = 3;
const LIMIT_MS = 30_000;
/** A new standby has asked for the lease at least twice. */
const SETTLE_MS = 2000;
/** For each kind of end; afterwards no more of it are begun. */
const BUDGET_MS = 60_000;

interface Takeover {
  readonly committedMs: number;
  readonly publishedMs: number;
}

/** A leader dies, a tip is mined, and the standby's rows and messages are waited for. Two real listener processes, again and again. */
export async function takeover(ground: Ground, { kills }: Pick<Sizes, 'kills'>, say: (line: string) => void): Promise<readonly Figure[]> {
  const chain = await BenchChain.start(ground.programs.anvilPath, 1);
  const database = await newDatabase(ground.postgresUrl, chain.wallets);
  const rows = await RowWatch.on(database.url, 'tips');
  const redis = new Redis(ground.redisUrl);
  const pair = new Pair({
    DATABASE_URL: database.url,
    REDIS_URL: ground.redisUrl,
    INTERNAL_PORT: '0',
    CHAINS: chainsOf(chain),
  });
  try {
    await redis.subscribe(`creator:{${database.creatorIds[0] ?? ''}}`);
    const scene = { chain, rows, redis, pair };
    await pair.start();
    await pair.start();
    const killed = await repeat(kills, () => once(scene, 'SIGKILL'), say, 'killed');
    const frozen = await repeat(Math.ceil(kills / FREEZES_PER_KILLS), () => once(scene, 'SIGSTOP'), say, 'frozen');
    return [...figures('killed (SIGKILL)', killed, 1000), ...figures('frozen (SIGSTOP)', frozen, 6000)];
  } finally {
    await pair.stop();
    redis.disconnect();
    await rows.close();
    await database.drop();
    await chain.stop();
  }
}

interface Scene {
  readonly chain: BenchChain;
  readonly rows: RowWatch;
  readonly redis: Redis;
  readonly pair: Pair;
}

async function once({ chain, rows, redis, pair }: Scene, signal: 'SIGKILL' | 'SIGSTOP'): Promise<Takeover> {
  const leader = await pair.leader();
  await sleep(SETTLE_MS);
  await chain.queue(1);
  const block = (await chain.height()) + 1;
  const published = new Promise<number>((resolve) => {
    redis.once('message', () => {
      resolve(performance.now());
    });
  });
  const goneAtMs = performance.now();
  leader.child.process.kill(signal);
  await chain.mine();
  const [committedAtMs, publishedAtMs] = await Promise.all([
    rows.reached(block, LIMIT_MS),
    within(LIMIT_MS, 'the message of the new leader', published),
  ]);
  await pair.replace(leader);
  return { committedMs: committedAtMs - goneAtMs, publishedMs: publishedAtMs - goneAtMs };
}

/** A leader and a standby. */
class Pair {
  private apps: AppProcess[] = [];

  constructor(private readonly settings: Readonly<Record<string, string>>) {}

  async start(): Promise<void> {
    this.apps.push(await startApp('listener', this.settings));
  }

  async leader(): Promise<AppProcess> {
    const deadline = performance.now() + LIMIT_MS;
    while (performance.now() < deadline) {
      for (const app of this.apps) if (await isLeader(app)) return app;
      await sleep(50);
    }
    throw new Error('nobody leads the chain');
  }

  async replace(gone: AppProcess): Promise<void> {
    this.apps = this.apps.filter((app) => app !== gone);
    await gone.child.stop('SIGKILL');
    await this.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.apps.map((app) => app.child.stop('SIGKILL')));
  }
}

async function isLeader({ internalUrl }: AppProcess): Promise<boolean> {
  const response = await fetch(`${internalUrl}/metrics`, { signal: AbortSignal.timeout(5000) });
  return /^droppio_chain_state\{[^}]*what="leader"[^}]*\} 1$/m.test(await response.text());
}

async function repeat(
  times: number,
  work: () => Promise<Takeover>,
  say: (line: string) => void,
  what: string,
): Promise<readonly Takeover[]> {
  const all: Takeover[] = [];
  const until = performance.now() + BUDGET_MS;
  for (let i = 0; i < times && performance.now() < until; i += 1) {
    const one = await work();
    say(`leader ${what}, ${String(i + 1)} of ${String(times)}: published after ${one.publishedMs.toFixed(0)} ms`);
    all.push(one);
  }
  return all;
}

function figures(how: string, takeovers: readonly Takeover[], limitMs: number): readonly Figure[] {
  return [
    { name: `leader ${how} → standby has committed`, unit: 'ms', values: takeovers.map(({ committedMs }) => committedMs) },
    {
      name: `leader ${how} → standby has published`,
      unit: 'ms',
      values: takeovers.map(({ publishedMs }) => publishedMs),
      target: { of: 'max', bound: 'at most', value: limitMs },
    },
  ];
}
