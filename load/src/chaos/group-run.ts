import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Creator, CreatorDirectory, Hex, RelayQueue, TipFeed } from '@droppio/tips';
import { openTestStorage } from '@droppio/storage/testing';
import { installAudit, offences, sql } from './audit.js';
import { ChainStory, DROP_AFTER } from './chain-story.js';
import { Failpoints, SLOTS, type Slot } from './failpoints.js';
import { FaultyProxy } from './faulty-proxy.js';
import { roleOf, type Group } from './group.js';
import { ListenerPair, type ListenerPool } from './listener-process.js';
import { judge, noFindings, type Findings } from './oracle.js';
import { walkChain } from './oracle-chain.js';
import { OverlaySink } from './overlay-sink.js';
import type { Plan } from './scenario.js';
import type { Services } from './services.js';
import { postgresWatch, redisWatch } from './service-watch.js';
import { Tally } from './tally.js';
import { Wire } from './wire.js';

export interface Invocation {
  readonly services: Services;
  readonly pool: ListenerPool;
  readonly feed: TipFeed;
  readonly queue: RelayQueue;
  /** SQL that a mutant needs. */
  readonly extraSql: string;
}

export interface GroupResult {
  readonly findings: Findings;
  readonly tally: Tally;
  /** What the listeners logged, for whoever looks into a red run. */
  readonly output: string;
}

/** When each creator of a group hears of a tip: before its block, with it, some blocks later. */
const ALERT_AFTER = [0, 0, 1, 1, 1, 3] as const;
const FIRST_CHAIN = 7_340_000;
const SETTLE_MS = 30_000;
const SINK_MS = 8000;
/** How long a chain may rest before it gets one more block. */
const REST_MS = 5000;

/** Runs a few seeds at once, each with a chain of its own, over one database and one pair of listeners; then lets the oracle judge. */
export async function runGroup(plans: readonly Plan[], invocation: Invocation): Promise<GroupResult> {
  const undo: (() => Promise<void> | void)[] = [];
  try {
    const furniture = await furnish(plans, invocation, undo);
    return await play(furniture);
  } finally {
    for (const step of undo.reverse()) await step();
  }
}

interface Furniture {
  readonly group: Group;
  readonly stories: readonly ChainStory[];
  readonly sinks: readonly OverlaySink[];
}

async function furnish(plans: readonly Plan[], invocation: Invocation, undo: (() => Promise<void> | void)[]): Promise<Furniture> {
  const { services, pool, feed, queue } = invocation;
  const tally = new Tally();
  const failpoints = new Failpoints(tally);
  const storage = await openTestStorage(services.postgres.url, { poolSize: 2 });
  undo.push(() => storage.drop());
  await installAudit(storage.url, invocation.extraSql);
  const creators = await Promise.all(ALERT_AFTER.map((alertAfter) => register(storage.directory, alertAfter)));
  await storage.database.close();
  const proxy = await FaultyProxy.start();
  undo.push(() => proxy.stop());
  const chainIds = plans.map((_, index) => FIRST_CHAIN + index);
  const lastCommitter = new Map<number, Slot>();
  const commits = new Map<number, number>();
  const wires = await Promise.all(
    SLOTS.map(async (slot) => ({
      postgres: await Wire.start(
        services.postgresPort,
        postgresWatch(slot, chainIds, failpoints, (author, chainId) => {
          lastCommitter.set(chainId, author);
          commits.set(chainId, (commits.get(chainId) ?? 0) + 1);
        }),
      ),
      redis: await Wire.start(services.redis.port, redisWatch(slot, failpoints)),
    })),
  );
  undo.push(async () => {
    await Promise.all(wires.flatMap(({ postgres, redis }) => [postgres.stop(), redis.stop()]));
  });
  const stories: ChainStory[] = [];
  const databaseName = new URL(storage.url).pathname.slice(1);
  const pair = new ListenerPair(
    pool,
    (slot) => ({
      DATABASE_URL: `postgres://${roleOf(slot)}@127.0.0.1:${String(wires[slot]?.postgres.port)}/${databaseName}`,
      REDIS_URL: `redis://127.0.0.1:${String(wires[slot]?.redis.port)}`,
      CHAINS: JSON.stringify(stories.map((story) => chainSetting(story, proxy, slot))),
      INTERNAL_PORT: '0',
      LOG_LEVEL: 'warn',
    }),
    tally,
  );
  const wallets = creators.flatMap((creator) => creator.wallets);
  const group: Group = { databaseUrl: storage.url, services, proxy, failpoints, pair, tally, wallets, lastCommitter, commits };
  for (const [index, plan] of plans.entries()) {
    const story = await ChainStory.open(plan, FIRST_CHAIN + index, group);
    undo.push(() => story.stop());
    stories.push(story);
  }
  const sinks = creators.map((creator) => new OverlaySink(creator.id, feed, queue));
  undo.push(async () => {
    await Promise.all(sinks.map((sink) => sink.close()));
  });
  await Promise.all(sinks.map((sink) => sink.open()));
  undo.push(() => {
    pair.stop();
  });
  await pair.start();
  return { group, stories, sinks };
}

async function register(directory: CreatorDirectory, alertAfter: number): Promise<Creator> {
  const wallet: Hex = `0x${randomBytes(20).toString('hex')}`;
  const creator = await directory.createCreator({
    handle: `c${randomBytes(6).toString('hex')}`,
    displayName: 'A creator',
    wallets: [wallet],
  });
  return directory.changeCreator(creator.id, { alertAfter });
}

function chainSetting(story: ChainStory, proxy: FaultyProxy, slot: Slot): object {
  const urls = (protocol: 'http' | 'ws'): string[] =>
    story.chain.endpoints.map((endpoint) => proxy.url(protocol, slot, story.chainId, endpoint.index));
  return {
    chainId: story.chainId,
    name: `seed-${String(story.plan.seed)}`,
    rpcUrls: urls('http'),
    wsUrls: urls('ws'),
    tipJar: story.maker.jar.toLowerCase(),
    startBlock: 0,
    native: { symbol: 'ETH', decimals: 18 },
    pollMs: 200,
    ...(story.plan.promises ? { preconfirmations: { source: 'pendingLogs', dropAfter: DROP_AFTER } } : {}),
  };
}

async function play(furniture: Furniture): Promise<GroupResult> {
  const { group, stories, sinks } = furniture;
  const { tally, pair, databaseUrl } = group;
  const result = async (findings: Findings): Promise<GroupResult> => {
    findings.illegal.unshift(...(await offences(databaseUrl)));
    findings.other.push(...pair.faults);
    return { findings, tally, output: pair.output() };
  };
  const told = await Promise.allSettled(stories.map((story) => story.play()));
  const broken = told.flatMap((end) =>
    end.status === 'rejected' ? [String(end.reason instanceof Error ? end.reason.stack : end.reason)] : [],
  );
  if (broken.length > 0) return result({ ...noFindings(), other: broken });
  for (const slot of SLOTS) pair.thaw(slot);
  const began = Date.now();
  const unsettled = await settled(furniture);
  tally.most('slowest settling, ms', Date.now() - began);
  for (const sink of sinks) sink.catchUp();
  tally.add(
    'tips signed',
    stories.reduce((sum, { maker }) => sum + maker.tips, 0),
  );
  const truths = await Promise.all(
    stories.map(({ twins, chainId, maker }) => walkChain(twins.nodes[twins.active].line, chainId, maker.jar)),
  );
  tally.add(
    'tips standing',
    truths.reduce((sum, { tips }) => sum + tips.size, 0),
  );
  tally.add(
    'blocks',
    truths.reduce((sum, { hashes }) => sum + hashes.length, 0),
  );
  const findings = await judge(databaseUrl, truths, sinks);
  tally.add(
    'alerts',
    sinks.reduce((sum, { alerts }) => sum + alerts.size, 0),
  );
  findings.other.push(...unsettled);
  return result(findings);
}

/** Waits until the ledger has come to every head and the overlays have what the ledger has; a chain that rests for too long gets a block. */
async function settled({ stories, sinks, group: { databaseUrl: url, tally } }: Furniture): Promise<string[]> {
  const deadline = Date.now() + SETTLE_MS;
  let nudgeAt = Date.now() + REST_MS;
  for (;;) {
    const late = await behind(stories, url);
    if (late.length === 0) break;
    if (Date.now() > deadline) return late.map(({ what }) => `not settled after ${String(SETTLE_MS)} ms: ${what}`);
    for (const { story, awaits } of late) if (awaits === 'blocks') await story?.nudge();
    if (Date.now() > nudgeAt) {
      const idle = late.flatMap(({ story, awaits }) => (awaits === 'listener' ? (story ?? []) : []));
      for (const story of idle) await story.nudge();
      tally.add('rest:needed a block', idle.length);
      nudgeAt = Date.now() + REST_MS;
    }
    await sleep(150);
  }
  const sinkDeadline = Date.now() + SINK_MS;
  const heads = new Map(
    (await sql(url, 'SELECT creator_id, head FROM creator_streams')).map((row) => [String(row['creator_id']), Number(row['head'])]),
  );
  while (sinks.some(({ creatorId, cursor }) => cursor < (heads.get(creatorId) ?? 0)) && Date.now() < sinkDeadline) {
    for (const sink of sinks) sink.catchUp();
    await sleep(100);
  }
  return [];
}

interface Late {
  readonly what: string;
  readonly story?: ChainStory;
  /** A promise told of with the last blocks is taken back some blocks later, so the chain has to grow. */
  readonly awaits: 'listener' | 'blocks' | 'relay';
}

const SEEN = `SELECT chain_id, max(block_number) AS number FROM tips WHERE state = 'seen' GROUP BY chain_id`;

const CURSORS = `SELECT chain_id, number, '0x' || encode(hash, 'hex') AS hash, finalized_number FROM chain_cursors`;

async function behind(stories: readonly ChainStory[], url: string): Promise<Late[]> {
  const cursors = new Map((await sql(url, CURSORS)).map((row) => [Number(row['chain_id']), row]));
  const seen = new Map((await sql(url, SEEN)).map((row) => [Number(row['chain_id']), Number(row['number'])]));
  const late = stories.flatMap((story): Late[] => {
    const { chainId, twins, plan } = story;
    const cursor = cursors.get(chainId);
    const { head } = twins;
    const final = Math.max(0, head.number - 2 * plan.epochSlots);
    const at = `seed ${String(plan.seed)}: the cursor is at ${String(cursor?.['number'])} ${String(cursor?.['hash'])}`;
    if (cursor?.['hash'] !== head.hash)
      return [{ what: `${at}, the head at ${String(head.number)} ${head.hash}`, story, awaits: 'listener' }];
    const known = Number(cursor['finalized_number']);
    if (known < final) return [{ what: `${at}, final up to ${String(known)} and not ${String(final)}`, story, awaits: 'listener' }];
    const promised = seen.get(chainId);
    if (promised === undefined) return [];
    const isDue = promised <= head.number - DROP_AFTER;
    return [{ what: `${at}, and a promise for ${String(promised)} stands`, story, awaits: isDue ? 'listener' : 'blocks' }];
  });
  const [outbox] = await sql(url, 'SELECT count(*) AS n FROM creator_streams WHERE published < head');
  const unpublished = Number(outbox?.['n']);
  return unpublished === 0 ? late : [...late, { what: `${String(unpublished)} creators have unpublished events`, awaits: 'relay' }];
}
