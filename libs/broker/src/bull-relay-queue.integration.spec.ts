import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { Logger } from '@nestjs/common';
import { BrokerUnavailable } from '@droppio/tips';
import { aCreatorId } from '@droppio/tips/testing';
import { BullRelayQueue } from './bull-relay-queue.js';
import { unregisteredMetrics } from './metrics.js';
import { RedisConnections } from './redis-connections.js';
import { describeRelayQueue } from './relay-queue.contract.js';
import { eventually, RedisServer, TcpProxy } from './testing/index.js';

// Faults are made on purpose here; what is logged about them is noise.
Logger.overrideLogger(false);

function openQueue(url: string, prefix: string, settings = {}): BullRelayQueue {
  const metrics = unregisteredMetrics();
  return new BullRelayQueue(new RedisConnections(url, metrics.link), metrics, { ...settings, prefix });
}

describeRelayQueue(BullRelayQueue.name, () => {
  const queues: BullRelayQueue[] = [];
  const prefix = `{test-${randomUUID()}}`;
  return {
    open(settings, presence) {
      const queue = openQueue(inject('redisUrl'), prefix, { ...settings, ...(presence && { presence }) });
      queues.push(queue);
      return queue;
    },
    async close() {
      await Promise.all(queues.map((queue) => queue.close()));
    },
  };
});

describe(`${BullRelayQueue.name} across processes`, () => {
  let prefix: string;
  beforeEach(() => {
    prefix = `{test-${randomUUID()}}`;
  });
  const queues: BullRelayQueue[] = [];
  const open = (settings = {}): BullRelayQueue => {
    const queue = openQueue(inject('redisUrl'), prefix, settings);
    queues.push(queue);
    return queue;
  };
  afterEach(() => Promise.all(queues.splice(0).map((queue) => queue.close())));

  it('takes nudges from a process that works none', async () => {
    const [gateway, listener] = [open(), open()];
    const done: string[] = [];
    await listener.work(({ creatorId }) => Promise.resolve(void done.push(creatorId)));
    const creatorId = aCreatorId();
    await gateway.nudge({ creatorId, task: 'restore' }, { live: true });
    await eventually(() => {
      expect(done).toEqual([creatorId]);
    });
  });

  it('does not work one creator twice at once, though two processes work', async () => {
    const [one, two] = [open(), open()];
    const creatorId = aCreatorId();
    let atOnce = 0;
    let most = 0;
    let runs = 0;
    const worker = async (): Promise<void> => {
      most = Math.max(most, (atOnce += 1));
      await one.nudge({ creatorId, task: 'drain' });
      runs += 1;
      atOnce -= 1;
    };
    await Promise.all([one.work(worker), two.work(worker)]);
    await two.nudge({ creatorId, task: 'drain' });
    await eventually(() => {
      expect(runs).toBeGreaterThan(20);
    });
    expect(most).toBe(1);
  });

  it('leaves nothing of finished jobs and little of failed ones, and no message in either', async () => {
    const queue = open({ attempts: 1 });
    const redis = new Redis(inject('redisUrl'));
    let runs = 0;
    await queue.work(() => {
      runs += 1;
      return runs === 2 ? Promise.reject(new Error('secret: hunter2')) : Promise.resolve();
    });
    for (let i = 1; i <= 3; i += 1) {
      await queue.nudge({ creatorId: aCreatorId(), task: 'drain' });
      await eventually(() => {
        expect(runs).toBe(i);
      });
    }
    await eventually(async () => {
      const jobs = (await redis.keys(`${prefix}:relay:*`)).filter((key) => /:relay:[0-9a-f-]{36}$/.test(key));
      expect(jobs).toHaveLength(1);
      expect(JSON.stringify(await redis.hgetall(jobs[0] ?? ''))).not.toContain('hunter2');
    });
    redis.disconnect();
  });
});

describe(`${BullRelayQueue.name} and a worker that is stuck`, () => {
  it('replaces it when jobs wait and none is taken, and leaves one alone that has nothing to do', async () => {
    const proxy = await TcpProxy.start(Number(new URL(inject('redisUrl')).port));
    const metrics = unregisteredMetrics();
    let restarts = 0;
    metrics.queue.workerRestarted = () => void (restarts += 1);
    const queue = new BullRelayQueue(new RedisConnections(proxy.url, metrics.link), metrics, {
      prefix: `{test-${randomUUID()}}`,
      stuckAfterMs: 500,
      closeTimeoutMs: 500,
    });
    const done: string[] = [];
    await queue.work(({ creatorId }) => Promise.resolve(void done.push(creatorId)));
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(restarts).toBe(0);
    expect(proxy.silence(/droppio-worker|bzpopmin/i)).toBe(2);
    await queue.nudge({ creatorId: 'a', task: 'drain' });
    await eventually(() => {
      expect(done).toEqual(['a']);
    });
    expect(restarts).toBeGreaterThan(0);
    await queue.nudge({ creatorId: 'b', task: 'drain' });
    await eventually(() => {
      expect(done).toEqual(['a', 'b']);
    });
    await queue.close();
    await proxy.stop();
  }, 30_000);
});

describe(`${BullRelayQueue.name} when Redis misbehaves`, () => {
  let server: RedisServer;
  const queues: BullRelayQueue[] = [];
  const open = (settings = {}): BullRelayQueue => {
    const queue = openQueue(server.url, '{droppio}', { closeTimeoutMs: 1000, ...settings });
    queues.push(queue);
    return queue;
  };
  beforeEach(async () => {
    server = await RedisServer.start(inject('redisServerPath'));
  });
  afterEach(async () => {
    await Promise.all(queues.splice(0).map((queue) => queue.close()));
    await server.stop();
  });

  it('refuses nudges at once while Redis is down, and works again when it is back, empty', async () => {
    const queue = open();
    const done: string[] = [];
    await queue.work(({ creatorId }) => Promise.resolve(void done.push(creatorId)));
    await queue.nudge({ creatorId: 'before', task: 'drain' });
    await eventually(() => {
      expect(done).toEqual(['before']);
    });
    await server.kill();
    const began = Date.now();
    await expect(queue.nudge({ creatorId: 'while', task: 'drain' })).rejects.toThrow(BrokerUnavailable);
    expect(Date.now() - began).toBeLessThan(1500);
    await server.restart();
    await eventually(async () => {
      await queue.nudge({ creatorId: 'after', task: 'drain' });
      expect(done).toContain('after');
    }, 20_000);
  });

  it('keeps its deadline when Redis answers nothing', async () => {
    const queue = open();
    await eventually(() => queue.nudge({ creatorId: 'a', task: 'drain' }));
    server.freeze();
    const began = Date.now();
    await expect(queue.nudge({ creatorId: 'b', task: 'drain' })).rejects.toThrow(BrokerUnavailable);
    expect(Date.now() - began).toBeLessThan(1500);
    server.thaw();
  });

  it('made before Redis is there works once it is', async () => {
    await server.kill();
    const queue = open();
    await expect(queue.nudge({ creatorId: 'early', task: 'drain' })).rejects.toThrow(BrokerUnavailable);
    const done: string[] = [];
    const working = queue.work(({ creatorId }) => Promise.resolve(void done.push(creatorId)));
    await server.restart();
    await working;
    await eventually(async () => {
      await queue.nudge({ creatorId: 'late', task: 'drain' });
      expect(done).toContain('late');
    });
  });

  it('closes in time though Redis is away and a worker waits for it', async () => {
    const queue = open();
    await queue.work(() => Promise.resolve());
    await server.kill();
    const began = Date.now();
    await queue.close();
    expect(Date.now() - began).toBeLessThan(3000);
  });
});
