import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { DEFAULT_OVERLAY_CONFIG, type FeedSignal } from '@droppio/tips';
import { aCreatorId, aTipEvent } from '@droppio/tips/testing';
import { BullRelayQueue } from './bull-relay-queue.js';
import { hashSlot } from './hash-slot.js';
import { unregisteredMetrics } from './metrics.js';
import { openRedisFeed } from './open-redis-feed.js';
import { RedisConnections } from './redis-connections.js';
import { keysOf, type RedisTipFeed } from './redis-tip-feed.js';
import { describeRelayQueue } from './relay-queue.contract.js';
import { eventually, RedisCluster } from './testing/index.js';
import { aSnapshot, describeTipFeed, events } from './tip-feed.contract.js';

// Faults are made on purpose here; what is logged about them is noise.
Logger.overrideLogger(false);

let cluster: RedisCluster;
beforeAll(async () => {
  cluster = await RedisCluster.start(inject('redisServerPath'));
});
afterAll(() => cluster.stop());

async function openFeed(): Promise<RedisTipFeed> {
  const metrics = unregisteredMetrics();
  const feed = openRedisFeed(new RedisConnections(cluster.url, metrics.link), metrics, { silenceMs: 1000, answerMs: 500 });
  await feed.started(5000);
  return feed;
}

describeTipFeed('RedisTipFeed on a cluster of three masters', async () => {
  const [feed, neighbour] = [await openFeed(), await openFeed()];
  return {
    feed,
    neighbour,
    async close() {
      await feed.close();
      await neighbour.close();
    },
  };
});

describeRelayQueue('BullRelayQueue on a cluster of three masters', () => {
  const queues: BullRelayQueue[] = [];
  const prefix = `{test-${aCreatorId()}}`;
  return {
    open(settings, presence) {
      const metrics = unregisteredMetrics();
      const queue = new BullRelayQueue(new RedisConnections(cluster.url, metrics.link), metrics, {
        ...settings,
        ...(presence && { presence }),
        prefix,
      });
      queues.push(queue);
      return queue;
    },
    async close() {
      await Promise.all(queues.map((queue) => queue.close()));
    },
  };
});

describe('RedisTipFeed in a cluster that changes', () => {
  let feed: RedisTipFeed;
  beforeAll(async () => {
    feed = await openFeed();
  });
  afterAll(() => feed.close());

  const seqs = (heard: readonly FeedSignal[]): number[] => heard.flatMap((signal) => (signal.kind === 'event' ? [signal.event.seq] : []));
  async function aListenedFeed(): Promise<{ creatorId: string; heard: FeedSignal[] }> {
    const [creatorId, heard] = [aCreatorId(), [] as FeedSignal[]];
    await feed.restore(creatorId, aSnapshot(0));
    await feed.subscribe(creatorId, (signal) => heard.push(signal));
    return { creatorId, heard };
  }
  /** Appends, with the patience of a relay. */
  async function publish(creatorId: string, from: number, to: number): Promise<void> {
    for (const event of events(from, to)) await eventually(() => feed.append(creatorId, 'epoch-1', event));
  }

  it('finds the slot of a key as Redis does', async () => {
    for (const key of ['', 'a', '{a}b', 'x{}y', '{}{a}', 'a{b}{c}', 'ä{ö', keysOf(aCreatorId()).feed]) {
      expect(hashSlot(key)).toBe(await cluster.slotOf(key));
    }
  });

  it('keeps a creator on one master and hears it there, whichever that is', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, aListenedFeed));
    for (const { creatorId } of all) await publish(creatorId, 1, 3);
    await eventually(() => {
      for (const { heard } of all) expect(seqs(heard)).toEqual([1, 2, 3]);
    });
    const owners = await Promise.all(all.map(({ creatorId }) => cluster.ownerOf(keysOf(creatorId).feed)));
    expect(new Set(owners).size).toBe(3);
    for (const [i, { creatorId }] of all.entries()) {
      expect(await owners[i]?.admin.call('PUBSUB', 'SHARDNUMSUB', keysOf(creatorId).channel)).toEqual([keysOf(creatorId).channel, 1]);
    }
  });

  it('follows a slot that is moved while tips flow: told once, nothing lost from the feed, live again', async () => {
    const { creatorId, heard } = await aListenedFeed();
    const bystander = await aListenedFeed();
    const { feed: key, channel } = keysOf(creatorId);
    await publish(creatorId, 1, 10);
    const flowing = publish(creatorId, 11, 120);
    const { from, to } = await cluster.migrate(key);
    expect(to).not.toBe(from);
    await flowing;
    await eventually(() => {
      expect(heard).toContainEqual({ kind: 'reconnected' });
    });
    const page = await feed.after(creatorId, 0, 1000);
    expect(page?.events.map(({ seq }) => seq)).toEqual(events(1, 120).map(({ seq }) => seq));
    await publish(creatorId, 121, 130);
    await eventually(() => {
      expect(seqs(heard).slice(-10)).toEqual(events(121, 130).map(({ seq }) => seq));
    });
    expect(seqs(heard)).toEqual([...new Set(seqs(heard))].sort((a, b) => a - b));
    expect(await to.admin.call('PUBSUB', 'SHARDNUMSUB', channel)).toEqual([channel, 1]);
    await publish(bystander.creatorId, 1, 1);
    await eventually(() => {
      expect(seqs(bystander.heard)).toEqual([1]);
    });
  });

  it('takes a tip at once while the keys have moved and their slot has not', async () => {
    const creatorId = aCreatorId();
    const grant = { overlayId: 'an overlay', version: 1, enabled: true, config: DEFAULT_OVERLAY_CONFIG };
    await feed.restore(creatorId, aSnapshot(3, { grants: [grant] }));
    await cluster.migrate(keysOf(creatorId).feed, async () => {
      expect(await feed.append(creatorId, 'epoch-1', aTipEvent({ seq: 4 }))).toEqual({ kind: 'appended' });
    });
    expect(await feed.position(creatorId)).toMatchObject({ seq: 4 });
  });

  it('tells every listener of a master whose subscribers were cut', async () => {
    const { creatorId, heard } = await aListenedFeed();
    const owner = await cluster.ownerOf(keysOf(creatorId).feed);
    expect(Number(await owner.admin.client('KILL', 'TYPE', 'pubsub'))).toBeGreaterThan(0);
    await eventually(() => {
      expect(heard).toEqual([{ kind: 'reconnected' }]);
    });
    await feed.append(creatorId, 'epoch-1', aTipEvent({ seq: 1 }));
    await eventually(() => {
      expect(seqs(heard)).toEqual([1]);
    });
  });
});
