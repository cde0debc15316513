import { within, type RelayQueue, type TipFeed } from '@droppio/tips';
import { openTestStorage } from '@droppio/storage/testing';
import { installAudit, offences } from './audit.js';
import { rulesOf, settingOf } from './chain-setting.js';
import { ChainStory } from './chain-story.js';
import { registerCreators } from './creators.js';
import { Failpoints, SLOTS, type Slot } from './failpoints.js';
import { FaultyProxy } from './faulty-proxy.js';
import { roleOf, type Group } from './group.js';
import { ListenerPair, type ListenerPool } from './listener-process.js';
import { Moderator } from './moderator.js';
import { judge, noFindings, type Findings } from './oracle.js';
import { walkChain } from './oracle-chain.js';
import { OverlaySink } from './overlay-sink.js';
import type { Plan } from './scenario.js';
import type { Services } from './services.js';
import { settled } from './settling.js';
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

const FIRST_CHAIN = 7_340_000;
/** Longer than the longest on a machine that has much else to do; one that hangs is a fault, not a wait. */
const STORY_MS = 300_000;

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
  const { creatorIds, wallets } = await registerCreators(storage.directory, storage.moderation);
  await storage.database.close();
  const moderator = await Moderator.start(storage.url, creatorIds, tally);
  undo.push(() => moderator.stop());
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
      CHAINS: JSON.stringify(stories.map((story) => settingOf(story, proxy, slot))),
      INTERNAL_PORT: '0',
      LOG_LEVEL: 'warn',
    }),
    tally,
  );
  const group: Group = { databaseUrl: storage.url, services, proxy, failpoints, pair, tally, wallets, lastCommitter, commits };
  for (const [index, plan] of plans.entries()) {
    const story = await ChainStory.open(plan, FIRST_CHAIN + index, group);
    undo.push(() => story.stop());
    stories.push(story);
  }
  const sinks = creatorIds.map((creatorId) => new OverlaySink(creatorId, feed, queue));
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

async function play(furniture: Furniture): Promise<GroupResult> {
  const { group, stories, sinks } = furniture;
  const { tally, pair, databaseUrl } = group;
  const result = async (findings: Findings): Promise<GroupResult> => {
    findings.illegal.unshift(...(await offences(databaseUrl)));
    findings.other.push(...pair.faults);
    return { findings, tally, output: pair.output() };
  };
  const told = await Promise.allSettled(stories.map((story) => within(STORY_MS, `seed ${String(story.plan.seed)}`, story.play())));
  const broken = told.flatMap((end) =>
    end.status === 'rejected' ? [String(end.reason instanceof Error ? end.reason.stack : end.reason)] : [],
  );
  if (broken.length > 0) return result({ ...noFindings(), other: broken });
  for (const slot of SLOTS) pair.thaw(slot);
  const began = Date.now();
  const unsettled = await settled(stories, sinks, group);
  tally.most('slowest settling, ms', Date.now() - began);
  for (const sink of sinks) sink.catchUp();
  for (const { maker } of stories) for (const [way, count] of maker.signed) tally.add(`signed:${way}`, count);
  const truths = await Promise.all(stories.map((story) => walkChain(story.twins.nodes[story.twins.active].line, rulesOf(story))));
  for (const { plan } of stories) {
    if (plan.traits.confirmations > 1) tally.add('chains:confirmations');
    if (plan.traits.forger !== undefined) tally.add('chains:quorum');
    if (plan.traits.money !== undefined) tally.add('chains:transfers');
  }
  for (const { tips } of truths) for (const { source } of tips.values()) tally.add(`standing:${source}`);
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
