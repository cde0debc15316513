import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { Logger } from '@nestjs/common';
import { BrokerUnavailable, DEFAULT_OVERLAY_CONFIG, type FeedSignal } from '@droppio/tips';
import { aCreatorId, aTipEvent } from '@droppio/tips/testing';
import { unregisteredMetrics } from './metrics.js';
import { openRedisFeed } from './open-redis-feed.js';
import { RedisConnections } from './redis-connections.js';
import { keysOf, RedisTipFeed } from './redis-tip-feed.js';
import { eventually, RedisServer } from './testing/index.js';
import { aSnapshot, describeTipFeed, events } from './tip-feed.contract.js';

// Faults are made on purpose here; what is logged about them is noise.
Logger.overrideLogger(false);

function openFeed(url: string, metrics = unregisteredMetrics()): RedisTipFeed {
  return openRedisFeed(new RedisConnections(url, metrics.link), metrics);
}

describeTipFeed(RedisTipFeed.name, async () => {
  const [feed, neighbour] = [openFeed(inject('redisUrl')), openFeed(inject('redisUrl'))];
  await Promise.all([feed.started(5000), neighbour.started(5000)]);
  return {
    feed,
    neighbour,
    async close() {
      await feed.close();
      await neighbour.close();
    },
  };
});

describe(`${RedisTipFeed.name} and its keys`, () => {
  const admin = new Redis(inject('redisUrl'));
  const { feed: metrics, link } = unregisteredMetrics();
  const corrupted: string[] = [];
  metrics.corrupted = (what) => void corrupted.push(what);
  const feed = openFeed(inject('redisUrl'), { ...unregisteredMetrics(), feed: metrics, link });
  const creatorId = aCreatorId();
  const keys = keysOf(creatorId);
  const overlayId = randomUUID();
  const grant = { overlayId, version: 1, enabled: true, config: DEFAULT_OVERLAY_CONFIG };

  beforeAll(() => feed.started(5000));
  beforeEach(async () => {
    corrupted.length = 0;
    await admin.del(keys.feed, keys.meta, keys.overlays);
    await feed.restore(creatorId, aSnapshot(3, { grants: [grant] }));
  });
  afterAll(async () => {
    await feed.close();
    admin.disconnect();
  });

  it('expire after seven idle days', async () => {
    await feed.append(creatorId, 'epoch-1', aTipEvent({ seq: 4 }));
    for (const key of [keys.feed, keys.meta, keys.overlays]) {
      const ttl = await admin.ttl(key);
      expect(ttl).toBeGreaterThan(7 * 24 * 3600 - 60);
      expect(ttl).toBeLessThanOrEqual(7 * 24 * 3600);
    }
  });

  it('that were flushed are missing, and a restore brings them back', async () => {
    await admin.del(keys.feed, keys.meta, keys.overlays);
    expect(await feed.position(creatorId)).toBeUndefined();
    expect(await feed.grant(creatorId, overlayId)).toBe('unknown');
    expect(await feed.append(creatorId, 'epoch-1', aTipEvent({ seq: 4 }))).toEqual({ kind: 'missing' });
    await feed.restore(creatorId, aSnapshot(3, { grants: [grant] }));
    expect(await feed.grant(creatorId, overlayId)).toEqual(grant);
  });

  it('evicted one by one are missing too, never "no such overlay" or "nothing happened"', async () => {
    await admin.del(keys.overlays);
    expect(await feed.grant(creatorId, overlayId)).toBe('unknown');
    const config = { seq: 4, id: overlayId, type: 'config' as const, at: { seen: 1 }, ttlMs: 1, d: grant };
    expect(await feed.append(creatorId, 'epoch-1', config)).toEqual({ kind: 'missing' });
    await admin.del(keys.feed);
    expect(await feed.after(creatorId, 1, 10)).toBeUndefined();
    expect(await feed.append(creatorId, 'epoch-1', aTipEvent({ seq: 4 }))).toEqual({ kind: 'missing' });
    await admin.del(keys.meta);
    expect(await feed.after(creatorId, 1, 10)).toBeUndefined();
  });

  it('with a stream ahead of the head ask for a restore', async () => {
    await admin.xadd(keys.feed, '9-0', 'e', '{}');
    expect(await feed.append(creatorId, 'epoch-1', aTipEvent({ seq: 4 }))).toEqual({ kind: 'missing' });
  });

  it('holding a broken event are counted and treated as missing until they are restored', async () => {
    await admin.xadd(keys.feed, '4-0', 'e', '{"seq":4,"type":"tip"}');
    await admin.hset(keys.meta, { head: 4, tail: 4 });
    expect(await feed.after(creatorId, 3, 10)).toBeUndefined();
    await admin.hset(keys.meta, { head: 'many' });
    expect(await feed.position(creatorId)).toBeUndefined();
    await admin.hset(keys.overlays, { [overlayId]: '{"version":"one"}' });
    expect(await feed.grant(creatorId, overlayId)).toBe('unknown');
    expect(corrupted).toEqual(['entry', 'meta', 'grant']);
    await feed.restore(creatorId, aSnapshot(5, { grants: [grant] }));
    expect((await feed.after(creatorId, 3, 10))?.events).toHaveLength(2);
    expect(await feed.grant(creatorId, overlayId)).toEqual(grant);
  });

  it('turn a broken signal into "look for yourself"', async () => {
    const heard: FeedSignal[] = [];
    const subscription = await feed.subscribe(creatorId, (signal) => heard.push(signal));
    await admin.publish(keys.channel, '{"kind":"event","epoch":"epoch-1","event":{"seq":"x"}}');
    await admin.publish(keys.channel, 'not json');
    await eventually(() => {
      expect(heard).toEqual([{ kind: 'reconnected' }, { kind: 'reconnected' }]);
    });
    expect(corrupted).toEqual(['signal', 'signal']);
    await subscription.close();
  });

  it('hold one Redis subscription however many listen, and none when all have left', async () => {
    const subscribers = async (): Promise<unknown> => (await admin.pubsub('NUMSUB', keys.channel))[1];
    const all = await Promise.all(Array.from({ length: 20 }, () => feed.subscribe(creatorId, () => undefined)));
    expect(await subscribers()).toBe(1);
    await Promise.all(all.slice(1).map((one) => one.close()));
    await feed.ping();
    expect(await subscribers()).toBe(1);
    await all[0]?.close();
    await eventually(async () => {
      expect(await subscribers()).toBe(0);
    });
  });

  it('survive a restore that Redis refuses half-way: nothing then looks whole', async () => {
    const [first] = events(1, 1);
    if (first === undefined) throw new Error('no event');
    const broken = { position: { epoch: 'epoch-1', seq: 3 }, events: [first, first], grants: [] };
    await expect(feed.restore(creatorId, broken)).rejects.toThrow(BrokerUnavailable);
    expect(await feed.position(creatorId)).toBeUndefined();
  });
});

describe(`${RedisTipFeed.name} when Redis misbehaves`, () => {
  let server: RedisServer;
  let feed: RedisTipFeed;
  let admin: Redis;
  const creatorId = aCreatorId();
  beforeEach(async () => {
    server = await RedisServer.start(inject('redisServerPath'));
    feed = openFeed(server.url);
    admin = new Redis(server.url, { retryStrategy: () => 50, maxRetriesPerRequest: null });
    admin.on('error', () => undefined);
    await feed.started(5000);
    await feed.restore(creatorId, aSnapshot(0));
  });
  afterEach(async () => {
    await feed.close();
    admin.disconnect();
    await server.stop();
  });

  async function listen(id = creatorId): Promise<FeedSignal[]> {
    const heard: FeedSignal[] = [];
    await feed.subscribe(id, (signal) => heard.push(signal));
    return heard;
  }
  const seqs = (heard: readonly FeedSignal[]): number[] => heard.flatMap((signal) => (signal.kind === 'event' ? [signal.event.seq] : []));

  /** Appends until one is heard: what is published while the subscription is being made anew is lost, as announced. */
  async function hearsAgain(heard: readonly FeedSignal[]): Promise<void> {
    const before = (await feed.position(creatorId))?.seq ?? 0;
    await eventually(async () => {
      const seq = (await feed.position(creatorId))?.seq ?? 0;
      await feed.append(creatorId, 'epoch-1', aTipEvent({ seq: seq + 1 }));
      expect(seqs(heard).at(-1)).toBeGreaterThan(before);
    });
  }

  it('tells every listener when subscriptions were cut, and hears again what follows', async () => {
    const heard = await listen();
    const others = await Promise.all(Array.from({ length: 600 }, () => listen(aCreatorId())));
    await feed.append(creatorId, 'epoch-1', aTipEvent({ seq: 1 }));
    await eventually(() => {
      expect(seqs(heard)).toEqual([1]);
    });
    expect(await admin.client('KILL', 'TYPE', 'pubsub')).toBe(1);
    await eventually(() => {
      expect(heard.at(-1)).toEqual({ kind: 'reconnected' });
      for (const other of others) expect(other).toEqual([{ kind: 'reconnected' }]);
    });
    await feed.append(creatorId, 'epoch-1', aTipEvent({ seq: 2 }));
    await eventually(() => {
      expect(seqs(heard)).toEqual([1, 2]);
    });
  });

  it('keeps order and doubles nothing when subscriptions are cut again and again in a burst', async () => {
    const heard = await listen();
    for (const event of events(1, 200)) {
      await feed.append(creatorId, 'epoch-1', event);
      if (event.seq % 50 === 0) await admin.client('KILL', 'TYPE', 'pubsub');
    }
    await hearsAgain(heard);
    const got = seqs(heard);
    expect(got).toEqual([...new Set(got)].sort((a, b) => a - b));
    expect(heard.filter(({ kind }) => kind === 'reconnected').length).toBeGreaterThan(0);
  });

  it('says that nothing is known after FLUSHALL', async () => {
    await feed.append(creatorId, 'epoch-1', aTipEvent({ seq: 1 }));
    await admin.flushall();
    expect(await feed.position(creatorId)).toBeUndefined();
    expect(await feed.append(creatorId, 'epoch-1', aTipEvent({ seq: 2 }))).toEqual({ kind: 'missing' });
    expect(await feed.grant(creatorId, randomUUID())).toBe('unknown');
  });

  it('fails at once while Redis is down and works by itself when it is back, empty', async () => {
    const heard = await listen();
    await server.kill();
    const began = Date.now();
    await expect(feed.append(creatorId, 'epoch-1', aTipEvent({ seq: 1 }))).rejects.toThrow(BrokerUnavailable);
    await expect(feed.ping()).rejects.toThrow(BrokerUnavailable);
    expect(Date.now() - began).toBeLessThan(2000);
    await server.restart();
    await eventually(() => feed.ping());
    expect(await feed.append(creatorId, 'epoch-1', aTipEvent({ seq: 1 }))).toEqual({ kind: 'missing' });
    await feed.restore(creatorId, aSnapshot(1));
    await feed.append(creatorId, 'epoch-1', aTipEvent({ seq: 2 }));
    await hearsAgain(heard);
    expect(heard).toContainEqual({ kind: 'reconnected' });
  });

  it('keeps its deadline when Redis takes commands and answers none', async () => {
    server.freeze();
    const began = Date.now();
    await expect(feed.append(creatorId, 'epoch-1', aTipEvent({ seq: 1 }))).rejects.toThrow(BrokerUnavailable);
    await expect(feed.ping()).rejects.toThrow(BrokerUnavailable);
    expect(Date.now() - began).toBeLessThan(4000);
    server.thaw();
    await eventually(() => feed.ping());
  });

  it('comes back though many commands at once went unanswered, again and again', async () => {
    server.freeze();
    for (let round = 0; round < 3; round += 1) {
      const asked = await Promise.allSettled(Array.from({ length: 20 }, () => feed.position(creatorId)));
      expect(asked.map(({ status }) => status)).toEqual(asked.map(() => 'rejected'));
    }
    server.thaw();
    await eventually(() => feed.ping());
  });

  it('refuses a subscription that Redis does not confirm', async () => {
    await server.kill();
    await expect(feed.subscribe(aCreatorId(), () => undefined)).rejects.toThrow(BrokerUnavailable);
  }, 15_000);

  it('starts without Redis and finds it later', async () => {
    await server.kill();
    const late = openFeed(server.url);
    await expect(late.started(100)).rejects.toThrow();
    await server.restart();
    await eventually(() => late.ping());
    await late.close();
  });
});
