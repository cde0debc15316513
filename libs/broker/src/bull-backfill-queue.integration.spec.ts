import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { Logger } from '@nestjs/common';
import { BrokerUnavailable, type BackfillJob } from '@droppio/tips';
import { describeBackfillQueue } from './backfill-queue.contract.js';
import { BullBackfillQueue } from './bull-backfill-queue.js';
import { unregisteredMetrics } from './metrics.js';
import { RedisConnections } from './redis-connections.js';
import { eventually } from './testing/index.js';

// Faults are made on purpose here; what is logged about them is noise.
Logger.overrideLogger(false);

function openQueue(url: string, prefix: string, settings = {}): BullBackfillQueue {
  const metrics = unregisteredMetrics();
  return new BullBackfillQueue(new RedisConnections(url, metrics.link), metrics, { ...settings, prefix });
}

describeBackfillQueue(BullBackfillQueue.name, () => {
  const queues: BullBackfillQueue[] = [];
  const prefix = `{test-${randomUUID()}}`;
  return {
    open(settings) {
      const queue = openQueue(inject('redisUrl'), prefix, settings);
      queues.push(queue);
      return queue;
    },
    async close() {
      await Promise.all(queues.map((queue) => queue.close()));
    },
  };
});

describe(`${BullBackfillQueue.name} across processes`, () => {
  const job: BackfillJob = { chainId: 1, filter: 'jar-1', from: 10, to: 19, asked: { from: 0, to: 99 } };
  let prefix: string;
  let redis: Redis;
  const queues: BullBackfillQueue[] = [];
  const open = (settings = {}): BullBackfillQueue => {
    const queue = openQueue(inject('redisUrl'), prefix, settings);
    queues.push(queue);
    return queue;
  };
  beforeEach(() => {
    prefix = `{test-${randomUUID()}}`;
    redis = new Redis(inject('redisUrl'));
  });
  afterEach(async () => {
    await Promise.all(queues.splice(0).map((queue) => queue.close()));
    redis.disconnect();
  });

  it('shares the jobs of one process out among others, each to one', async () => {
    const [command, ...listeners] = [open(), open(), open()];
    const done: number[] = [];
    await Promise.all(listeners.map((queue) => queue.work(({ from }) => Promise.resolve(void done.push(from)))));
    const jobs = Array.from({ length: 30 }, (_, n) => ({ ...job, from: n * 10, to: n * 10 + 9 }));
    for (const one of jobs) await command.put(one);
    await eventually(() => {
      expect([...done].sort((a, b) => a - b)).toEqual(jobs.map(({ from }) => from));
    });
  });

  it('forgets everything with Redis, and takes the job again', async () => {
    const queue = open();
    await queue.put(job);
    for (const key of await redis.keys(`${prefix}:*`)) await redis.del(key);
    expect(await queue.state(job)).toEqual({ kind: 'gone' });
    await queue.put(job);
    expect(await queue.state(job)).toEqual({ kind: 'open' });
  });

  it('gives up at once what is no job of ours', async () => {
    const queue = open();
    await queue.put({ ...job, to: -1 });
    let runs = 0;
    await queue.work(() => Promise.resolve(void (runs += 1)));
    await eventually(async () => {
      expect(await queue.state(job)).toEqual({ kind: 'failed', code: 'malformed-job' });
    });
    expect(runs).toBe(0);
  });

  it('makes no connection before it is asked', async () => {
    let connections = 0;
    const server = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const queue = openQueue(`redis://127.0.0.1:${String((server.address() as AddressInfo).port)}`, prefix);
    await redis.ping();
    expect(connections).toBe(0);
    await expect(queue.state(job)).rejects.toThrow(BrokerUnavailable);
    expect(connections).toBeGreaterThan(0);
    await queue.close();
    server.close();
  });
});
