import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import type { FeedSignal } from '@droppio/tips';
import { aCreatorId, aTipEvent } from '@droppio/tips/testing';
import { BullRelayQueue } from './bull-relay-queue.js';
import { unregisteredMetrics } from './metrics.js';
import { openRedisFeed } from './open-redis-feed.js';
import { RedisConnections } from './redis-connections.js';
import type { RedisTipFeed } from './redis-tip-feed.js';
import { eventually, freePort, RedisServer } from './testing/index.js';
import { aSnapshot } from './tip-feed.contract.js';

// Faults are made on purpose here; what is logged about them is noise.
Logger.overrideLogger(false);

describe('behind a Sentinel', () => {
  const creatorId = aCreatorId();
  let servers: RedisServer[];
  let folder: string;
  let connections: RedisConnections;
  let feed: RedisTipFeed;
  let queue: BullRelayQueue;
  let sentinelPort: number;

  beforeEach(async () => {
    const binary = inject('redisServerPath');
    const master = await RedisServer.start(binary);
    const replica = await RedisServer.start(binary, ['--replicaof', '127.0.0.1', String(master.port), '--repl-diskless-sync-delay', '0']);
    folder = await mkdtemp(join(tmpdir(), 'droppio-sentinel-'));
    sentinelPort = await freePort();
    const settings = ['down-after-milliseconds tips 500', 'failover-timeout tips 3000', 'parallel-syncs tips 1'];
    const config = [`sentinel monitor tips 127.0.0.1 ${String(master.port)} 1`, ...settings.map((line) => `sentinel ${line}`)];
    await writeFile(join(folder, 'sentinel.conf'), config.join('\n'));
    const sentinel = await RedisServer.startSentinel(binary, join(folder, 'sentinel.conf'), sentinelPort);
    servers = [master, replica, sentinel];
    await withRedis(sentinelPort, (redis) =>
      eventually(async () => {
        const state = JSON.stringify(await redis.call('SENTINEL', 'REPLICAS', 'tips'));
        expect(state).toContain('"master-link-status","ok"');
      }, 20_000),
    );
    const metrics = unregisteredMetrics();
    connections = new RedisConnections(`redis+sentinel://127.0.0.1:${String(sentinelPort)}/tips`, metrics.link);
    feed = openRedisFeed(connections, metrics);
    queue = new BullRelayQueue(connections, metrics, { closeTimeoutMs: 1000 });
    await feed.started(5000);
  }, 60_000);
  afterEach(async () => {
    await queue.close();
    await feed.close();
    await Promise.all(servers.map((server) => server.stop()));
    await rm(folder, { recursive: true, force: true });
  });

  async function withRedis<T>(port: number, use: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis({ port, host: '127.0.0.1' });
    try {
      return await use(redis);
    } finally {
      redis.disconnect();
    }
  }

  it('feed and queue find the new master by themselves, and every listener is told', async () => {
    const heard: FeedSignal[] = [];
    const done: string[] = [];
    await feed.restore(creatorId, aSnapshot(1));
    await feed.subscribe(creatorId, (signal) => heard.push(signal));
    await queue.work((job) => Promise.resolve(void done.push(job.creatorId)));
    await feed.append(creatorId, 'epoch-1', aTipEvent({ seq: 2 }));
    const [master] = servers;
    await master?.kill();
    await eventually(async () => {
      const [, port] = await withRedis(
        sentinelPort,
        async (redis) => (await redis.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'tips')) as string[],
      );
      expect(port).toBe(String(servers[1]?.port));
    }, 30_000);
    await eventually(async () => {
      const head = (await feed.position(creatorId))?.seq ?? 0;
      const outcome = await feed.append(creatorId, 'epoch-1', aTipEvent({ seq: head + 1 }));
      if (outcome.kind === 'missing') await feed.restore(creatorId, aSnapshot(2));
      expect(outcome.kind).toBe('appended');
      expect(heard.some(({ kind }) => kind === 'reconnected')).toBe(true);
      expect(heard.at(-1)).toMatchObject({ kind: 'event', event: { seq: head } });
    }, 30_000);
    await eventually(async () => {
      await queue.nudge({ creatorId, task: 'drain' });
      expect(done).toContain(creatorId);
    }, 30_000);
  }, 90_000);
});
