import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, freePort, RedisServer } from '@droppio/broker/testing';
import { startPostgres, startRedis, type Programs } from '@droppio/e2e/houses';
import { Redis } from 'ioredis';
import { playAutoscaling, SCALED_SETTINGS } from '../autoscale/autoscaling.js';
import { FeedMill } from './feed-mill.js';
import { HouseMill } from './house-mill.js';
import { INSPECTED } from './live-heap.js';
import { brokenDown, commonFigures, outcomeOf, type Outcome } from './outcome.js';
import { drain, failover, flow, hot, shed, slow, storm, type Extra } from './plays.js';
import type { Progress } from './progress.js';
import type { Scenario } from './scenario.js';
import { soak } from './soak.js';
import { Stage } from './stage.js';
import type { TipMill } from './tip-mill.js';

export interface Run {
  readonly programs: Programs;
  readonly progress: Progress;
  readonly seed: number;
}

/** Plays one scenario with everything that it needs, from starting Redis to ending it. Never rejects: what went wrong is part of the outcome. */
export async function runScenario(scenario: Scenario, run: Run): Promise<Outcome> {
  const began = performance.now();
  const took = (): number => (performance.now() - began) / 1000;
  run.progress.begin(scenario.name);
  try {
    const { stage, extra, audit } = await played(scenario, run);
    return outcomeOf(scenario, stage.timeline, { ...commonFigures(scenario, stage.timeline, audit), ...extra }, took());
  } catch (error) {
    return brokenDown(scenario, error, took());
  } finally {
    run.progress.end();
  }
}

interface Played {
  readonly stage: Stage;
  readonly extra: Extra;
  readonly audit: Awaited<ReturnType<Stage['crowds']['audit']>>;
}

async function played(scenario: Scenario, run: Run): Promise<Played> {
  if (scenario.play === 'drain') return inHouse(scenario, run, await startRedis(run.programs.redisServerPath), drain);
  if (scenario.play === 'failover') {
    const sentinel = await startSentinel(run.programs.redisServerPath);
    return inHouse(scenario, run, sentinel, (stage) => failover(stage, () => sentinel.killPrimary()));
  }
  return onFeed(scenario, run);
}

/** Gateways and a Redis; tips are put where the relay would put them. */
async function onFeed(scenario: Scenario, run: Run): Promise<Played> {
  const redis = await startRedis(run.programs.redisServerPath);
  try {
    const mill = await FeedMill.open(redis.url, scenario.rooms);
    return await onStage(scenario, mill, run, (stage) => {
      switch (scenario.play) {
        case 'shed':
          return shed(stage);
        case 'storm':
          return storm(stage);
        case 'hot':
          return hot(stage);
        case 'slow':
          return slow(stage, mill);
        case 'soak':
          return soak(stage);
        case 'scale':
          return playAutoscaling(stage);
        default:
          return flow(stage);
      }
    });
  } finally {
    await redis.stop();
  }
}

interface RedisUnderTest {
  readonly url: string;
  stop(): Promise<void>;
}

/** The apps as in production, with a chain, Postgres and the relay. */
async function inHouse(scenario: Scenario, run: Run, redis: RedisUnderTest, play: (stage: Stage) => Promise<Extra>): Promise<Played> {
  const postgres = await startPostgres();
  try {
    const { anvilPath } = run.programs;
    const mill = await HouseMill.open({ redisUrl: redis.url, postgresUrl: postgres.url, anvilPath }, scenario.rooms);
    return await onStage(scenario, mill, run, play);
  } finally {
    await Promise.all([redis.stop(), postgres.stop()]);
  }
}

async function onStage(scenario: Scenario, mill: TipMill, run: Run, play: (stage: Stage) => Promise<Extra>): Promise<Played> {
  const stage = new Stage(scenario, mill, run.progress, { seed: run.seed, settings: settingsFor(scenario) });
  try {
    if (scenario.play !== 'scale') await stage.openGateways();
    const extra = await play(stage);
    return { stage, extra, audit: await stage.crowds.audit(mill.told) };
  } finally {
    await stage.close();
    await mill.close();
  }
}

function settingsFor({ play, overlays, gateways }: Scenario): Readonly<Record<string, string>> {
  switch (play) {
    case 'shed':
      return { GATEWAY_MAX_SOCKETS: String(overlays / gateways) };
    case 'scale':
      return SCALED_SETTINGS;
    case 'soak':
      return INSPECTED;
    default:
      return {};
  }
}

/** A primary, its replica and a Sentinel that does not wait long. */
async function startSentinel(binary: string): Promise<RedisUnderTest & { killPrimary(): Promise<void> }> {
  const primary = await RedisServer.start(binary);
  const replica = await RedisServer.start(binary, ['--replicaof', '127.0.0.1', String(primary.port), '--repl-diskless-sync-delay', '0']);
  const folder = await mkdtemp(join(tmpdir(), 'droppio-sentinel-'));
  const port = await freePort();
  const settings = ['down-after-milliseconds tips 1000', 'failover-timeout tips 5000', 'parallel-syncs tips 1'];
  const config = [`sentinel monitor tips 127.0.0.1 ${String(primary.port)} 1`, ...settings.map((line) => `sentinel ${line}`)];
  await writeFile(join(folder, 'sentinel.conf'), config.join('\n'));
  const sentinel = await RedisServer.startSentinel(binary, join(folder, 'sentinel.conf'), port);
  const client = new Redis({ port, host: '127.0.0.1' });
  try {
    await eventually(async () => {
      const state = JSON.stringify(await client.call('SENTINEL', 'REPLICAS', 'tips'));
      if (!state.includes('"master-link-status","ok"')) throw new Error('the replica has not caught up');
    }, 20_000);
  } finally {
    client.disconnect();
  }
  return {
    url: `redis+sentinel://127.0.0.1:${String(port)}/tips`,
    killPrimary: () => primary.kill(),
    async stop() {
      await Promise.all([sentinel, replica, primary].map((server) => server.stop()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
