import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { BrokerUnavailable } from '@droppio/tips';
import { aCreatorId } from '@droppio/tips/testing';
import { unregisteredMetrics } from './metrics.js';
import { describePresence, SHORT_TTL_MS, type PresenceHouse } from './presence.contract.js';
import { RedisConnections } from './redis-connections.js';
import { RedisPresence } from './redis-presence.js';
import { eventually, RedisCluster } from './testing/index.js';

function open(url: string, prefix: string, ttlMs = SHORT_TTL_MS): RedisPresence {
  const { link } = unregisteredMetrics();
  return new RedisPresence(new RedisConnections(url, link), link, { prefix, ttlMs });
}

function houseAt(url: string): PresenceHouse {
  const prefix = `test:${randomUUID()}`;
  const [presence, neighbour] = [open(url, prefix), open(url, prefix)];
  return {
    presence,
    neighbour,
    async close() {
      await presence.close();
      await neighbour.close();
    },
  };
}

describePresence(RedisPresence.name, () => Promise.resolve(houseAt(inject('redisUrl'))));

describePresence('RedisPresence on a cluster of three masters', async () => {
  const cluster = await RedisCluster.start(inject('redisServerPath'));
  const house = houseAt(cluster.url);
  return {
    ...house,
    async close() {
      await house.close();
      await cluster.stop();
    },
  };
});

describe(`${RedisPresence.name} and its keys`, () => {
  const prefix = `test:${randomUUID()}`;
  const admin = new Redis(inject('redisUrl'));
  const presence = open(inject('redisUrl'), prefix, 30_000);
  afterEach(async () => {
    await presence.close();
    admin.disconnect();
  });

  it('tells everything again when Redis has lost it, and leaves nothing behind that does not expire', async () => {
    const [one, two] = [aCreatorId(), aCreatorId()];
    const word = (count: number): ReadonlyMap<string, number> =>
      new Map([
        [one, 1],
        [two, count],
      ]);
    await presence.tell('pod', word(1));
    await admin.del(`${prefix}:{pod}`, prefix);
    await presence.tell('pod', word(2));
    await eventually(async () => {
      expect(await presence.counts([one, two])).toEqual(word(2));
    });
    const keys = await admin.keys(`${prefix}*`);
    expect(keys.sort()).toEqual([prefix, `${prefix}:{pod}`]);
    for (const key of keys) expect(await admin.pttl(key)).toBeGreaterThan(0);
    await presence.close();
    await expect(presence.totals()).rejects.toThrow(BrokerUnavailable);
  });
});
