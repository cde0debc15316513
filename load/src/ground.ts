import { execFileSync } from 'node:child_process';
import { findPrograms, startPostgres, startRedis, type Programs } from '@droppio/e2e/houses';
import { openTestStorage } from '@droppio/storage/testing';
import type { BlockHeader, Hex, TipLedger } from '@droppio/tips';

/** What every measurement stands on: a Postgres that keeps its promise (fsync) and a Redis, on free ports. */
export interface Ground {
  readonly programs: Programs;
  readonly postgresUrl: string;
  readonly redisUrl: string;
  readonly redisVersion: string;
  stop(): Promise<void>;
}

export async function openGround(): Promise<Ground> {
  const programs = findPrograms();
  const redisVersion = /v=(\S+)/.exec(execFileSync(programs.redisServerPath, ['--version'], { encoding: 'utf8' }))?.[1] ?? '?';
  const [redis, postgres] = await Promise.all([startRedis(programs.redisServerPath), startPostgres({ fsync: true })]);
  return {
    programs,
    postgresUrl: postgres.url,
    redisUrl: redis.url,
    redisVersion,
    async stop() {
      await Promise.all([redis.stop(), postgres.stop()]);
    },
  };
}

export interface BenchDatabase {
  readonly url: string;
  /** In the order of the wallets. */
  readonly creatorIds: readonly string[];
  drop(): Promise<void>;
}

/** Where a listener has begun to walk: what lies before is left to backfills. */
export interface Beginning {
  readonly chainId: number;
  readonly block: BlockHeader;
}

/** A new database with the newest schema and one creator for each wallet. */
export async function newDatabase(postgresUrl: string, wallets: readonly Hex[], begun?: Beginning): Promise<BenchDatabase> {
  const storage = await openTestStorage(postgresUrl, { poolSize: 2 });
  if (begun !== undefined) await begin(storage.ledger, begun);
  const creatorIds: string[] = [];
  for (const [i, wallet] of wallets.entries()) {
    const creator = await storage.directory.createCreator({
      handle: `bench-${String(i)}`,
      displayName: `Creator ${String(i)}`,
      wallets: [wallet],
    });
    creatorIds.push(creator.id);
  }
  return { url: storage.url, creatorIds, drop: () => storage.drop() };
}

async function begin(ledger: TipLedger, { chainId, block }: Beginning): Promise<void> {
  const holder = 'bench';
  const lease = await ledger.acquire(chainId, holder, 1000);
  if (lease === undefined) throw new Error('a new database has a leader');
  await ledger.begin(chainId, block, lease.fence);
  await ledger.release(chainId, holder);
}
