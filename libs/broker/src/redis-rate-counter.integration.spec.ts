import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { Counter } from 'prom-client';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { RateMetrics, unregisteredMetrics } from './metrics.js';
import { describeRateCounter, type RateHouse } from './rate-counter.contract.js';
import { RedisConnections } from './redis-connections.js';
import { RedisRateCounter, type RedisRateOptions } from './redis-rate-counter.js';
import { eventually, RedisCluster, TcpProxy } from './testing/index.js';

class CountedRates extends RateMetrics {
  count = 0;
  override countedAlone(): void {
    this.count += 1;
  }
}

function open(url: string, options: RedisRateOptions = {}): { counter: RedisRateCounter; rates: CountedRates } {
  const { link } = unregisteredMetrics();
  const rates = new CountedRates(new Counter({ name: 'alone', help: 'alone', registers: [] }));
  return {
    counter: new RedisRateCounter(new RedisConnections(url, link), { link, rates }, { prefix: `test:${randomUUID()}`, ...options }),
    rates,
  };
}

function houseAt(url: string): RateHouse {
  const prefix = `test:${randomUUID()}`;
  const [{ counter }, { counter: neighbour }] = [open(url, { prefix }), open(url, { prefix })];
  return {
    counter,
    neighbour,
    async close() {
      await counter.close();
      await neighbour.close();
    },
  };
}

describeRateCounter(RedisRateCounter.name, () => Promise.resolve(houseAt(inject('redisUrl'))));

describeRateCounter('RedisRateCounter on a cluster of three masters', async () => {
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

describe(`${RedisRateCounter.name} and its keys`, () => {
  const prefix = `test:${randomUUID()}`;
  const admin = new Redis(inject('redisUrl'));
  const { counter } = open(inject('redisUrl'), { prefix });
  afterAll(async () => {
    await counter.close();
    admin.disconnect();
  });

  it('leaves nothing behind that does not expire, and heals a counter that would count for ever', async () => {
    await counter.hit('a', 60_000);
    expect(await admin.pttl(`${prefix}:a`)).toBeGreaterThan(0);
    await admin.persist(`${prefix}:a`);
    expect(await counter.hit('a', 60_000)).toMatchObject({ hits: 2, resetMs: 60_000 });
    expect(await admin.pttl(`${prefix}:a`)).toBeGreaterThan(0);
  });

  it('goes on with its key when Redis has forgotten the script', async () => {
    await counter.hit('b', 60_000);
    await admin.script('FLUSH');
    expect((await counter.hit('b', 60_000)).hits).toBe(2);
  });
});

describe(`${RedisRateCounter.name} without its Redis`, () => {
  it('counts for itself and says so, keeps nobody waiting, and goes back when Redis does', async () => {
    const proxy = await TcpProxy.start(Number(new URL(inject('redisUrl')).port));
    const { counter, rates } = open(proxy.url, { restMs: 100 });
    try {
      expect((await counter.hit('a', 60_000)).hits).toBe(1);
      expect(rates.count).toBe(0);
      expect(proxy.silence(/evalsha/i)).toBe(1);
      const startedAt = performance.now();
      const windows = [];
      for (let n = 0; n < 200; n += 1) windows.push(await counter.hit('a', 60_000));
      // Few of them waited for Redis.
      expect(performance.now() - startedAt).toBeLessThan(900);
      expect(windows.map(({ hits }) => hits)).toEqual(Array.from({ length: 200 }, (_, n) => n + 1));
      expect(rates.count).toBe(200);
      await eventually(async () => {
        const before = rates.count;
        await counter.hit('b', 60_000);
        expect(rates.count).toBe(before);
      }, 10_000);
    } finally {
      await counter.close();
      await proxy.stop();
    }
  });
});
