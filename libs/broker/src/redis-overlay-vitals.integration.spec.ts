import { randomUUID } from 'node:crypto';
import { BrokerUnavailable } from '@droppio/tips';
import { Redis } from 'ioredis';
import { describe, expect, inject, it } from 'vitest';
import { unregisteredMetrics } from './metrics.js';
import { describeOverlayVitals, SHORT_HOLD_MS, type VitalsHouse } from './overlay-vitals.contract.js';
import { RedisConnections } from './redis-connections.js';
import { RedisOverlayVitals } from './redis-overlay-vitals.js';
import { RedisCluster } from './testing/index.js';

function open(url: string, prefix: string): RedisOverlayVitals {
  const { link } = unregisteredMetrics();
  return new RedisOverlayVitals(new RedisConnections(url, link), link, { prefix, ttlMs: SHORT_HOLD_MS });
}

function houseAt(url: string): VitalsHouse {
  const prefix = `test:${randomUUID()}`;
  const [vitals, neighbour] = [open(url, prefix), open(url, prefix)];
  return {
    vitals,
    neighbour,
    async close() {
      await vitals.close();
      await neighbour.close();
    },
  };
}

describeOverlayVitals(RedisOverlayVitals.name, () => Promise.resolve(houseAt(inject('redisUrl'))));

describeOverlayVitals('RedisOverlayVitals on a cluster of three masters', async () => {
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

describe(`${RedisOverlayVitals.name} and its keys`, () => {
  it('leaves nothing behind that does not expire, and shrugs at rubbish', async () => {
    const prefix = `test:${randomUUID()}`;
    const admin = new Redis(inject('redisUrl'));
    const vitals = open(inject('redisUrl'), prefix);
    const overlayId = randomUUID();
    await vitals.hold('pod', new Map([[overlayId, 1]]));
    await vitals.note(new Map([[overlayId, { seenAtMs: 1, shownAtMs: 2, latenciesMs: [3] }]]));
    const keys = await admin.keys(`${prefix}*`);
    expect(keys.sort()).toEqual(
      [`${prefix}:held`, `${prefix}:held:{pod}`, `${prefix}:{${overlayId}}`, `${prefix}:{${overlayId}}:ms`].sort(),
    );
    for (const key of keys) expect(await admin.pttl(key)).toBeGreaterThan(0);
    await admin.hset(`${prefix}:{${overlayId}}`, 'seen', 'yesterday');
    await admin.lpush(`${prefix}:{${overlayId}}:ms`, '-1', 'x');
    expect(await vitals.of(overlayId)).toMatchObject({ shownAtMs: 2, latenciesMs: [3] });
    expect(await vitals.of(overlayId)).not.toHaveProperty('seenAtMs');
    admin.disconnect();
    await vitals.close();
    await expect(vitals.note(new Map([[overlayId, { latenciesMs: [] }]]))).rejects.toThrow(BrokerUnavailable);
  });
});
