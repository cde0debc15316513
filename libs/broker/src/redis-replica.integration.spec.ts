import { Logger, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { Health, Instance, PlatformModule } from '@droppio/platform';
import { Presence, RelayQueue, TipFeed, type FeedSignal } from '@droppio/tips';
import { aCreatorId, aTipEvent } from '@droppio/tips/testing';
import { unregisteredMetrics } from './metrics.js';
import { openRedisFeed } from './open-redis-feed.js';
import { RedisBrokerModule } from './redis-broker.module.js';
import { RedisConnections } from './redis-connections.js';
import type { RedisTipFeed } from './redis-tip-feed.js';
import { eventually, RedisServer } from './testing/index.js';
import { aSnapshot } from './tip-feed.contract.js';

describe('a gateway of another region, with a replica of Redis beside it', () => {
  const creatorId = aCreatorId();
  let primary: RedisServer;
  let replica: RedisServer;
  /** Of the region where events are appended. */
  let home: RedisTipFeed;
  let gateway: INestApplicationContext;
  let feed: TipFeed;

  beforeEach(async () => {
    primary = await RedisServer.start(inject('redisServerPath'), ['--repl-diskless-sync-delay', '0']);
    replica = await RedisServer.start(inject('redisServerPath'), ['--replicaof', '127.0.0.1', String(primary.port)]);
    await asking(replica, (redis) =>
      eventually(async () => {
        expect(await redis.info('replication')).toContain('master_link_status:up');
      }),
    );
    const metrics = unregisteredMetrics();
    home = openRedisFeed(new RedisConnections(primary.url, metrics.link), metrics);
    await home.started(5000);
    await home.restore(creatorId, aSnapshot(1));
    class Gateway {}
    const broker = RedisBrokerModule.for({ url: primary.url, readUrl: replica.url });
    const imports = [PlatformModule.for(new Instance('gateway', 'far'), new Health()), broker];
    gateway = await NestFactory.createApplicationContext({ module: Gateway, imports }, { logger: false, abortOnError: false });
    // What is made to fail here says so.
    Logger.overrideLogger(false);
    feed = gateway.get(TipFeed);
    // The link is up before what was there has come through it.
    await eventually(async () => {
      expect(await feed.position(creatorId)).toBeDefined();
    });
  });
  afterEach(async () => {
    await gateway.close();
    await home.close();
    await Promise.all([primary.stop(), replica.stop()]);
  });

  async function asking<T>(server: RedisServer, ask: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis(server.url);
    try {
      return await ask(redis);
    } finally {
      redis.disconnect();
    }
  }

  it('hears and reads at the replica what is appended at home', async () => {
    const heard: FeedSignal[] = [];
    await feed.subscribe(creatorId, (signal) => heard.push(signal));
    await home.append(creatorId, 'epoch-1', aTipEvent({ seq: 2 }));
    await eventually(() => {
      expect(heard).toMatchObject([{ kind: 'event', event: { seq: 2 } }]);
    });
    expect(await feed.position(creatorId)).toEqual({ epoch: 'epoch-1', seq: 2 });
    expect((await feed.after(creatorId, 0, 10))?.events.map(({ seq }) => seq)).toEqual([1, 2]);
    expect(await feed.grant(creatorId, aCreatorId())).toBeUndefined();
    const commands = await asking(replica, (redis) => redis.info('commandstats'));
    for (const read of ['hmget', 'evalsha', 'subscribe']) expect(commands).toContain(`cmdstat_${read}:`);
  });

  it('says at home what others must know: who watches, and which feed is missing', async () => {
    const far = aCreatorId();
    await gateway.get(Presence).tell('far', new Map([[creatorId, 3]]));
    await gateway.get(RelayQueue).nudge({ creatorId: far, task: 'restore' }, { live: true });
    const keys = await asking(primary, (redis) => redis.keys('*'));
    expect(keys).toContain('droppio:presence:{far}');
    expect(keys.some((key) => key.includes('relay'))).toBe(true);
    // And is told of the mending through the replica.
    const heard: FeedSignal[] = [];
    await feed.subscribe(far, (signal) => heard.push(signal));
    await home.restore(far, aSnapshot(1));
    await eventually(() => {
      expect(heard).toMatchObject([{ kind: 'restored' }]);
    });
  });

  it('goes on showing the past while home is away', async () => {
    await primary.kill();
    await feed.ping();
    expect((await feed.after(creatorId, 0, 10))?.events).toHaveLength(1);
    await expect(gateway.get(Presence).tell('far', new Map([[creatorId, 3]]))).rejects.toThrow();
  });

  it('cannot append by mistake', async () => {
    await expect(feed.append(creatorId, 'epoch-1', aTipEvent({ seq: 2 }))).rejects.toThrow(/Redis refused/);
  });
});
