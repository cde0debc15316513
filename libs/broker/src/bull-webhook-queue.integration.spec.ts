import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { Logger } from '@nestjs/common';
import { BrokerUnavailable } from '@droppio/tips';
import { BullWebhookQueue } from './bull-webhook-queue.js';
import { unregisteredMetrics } from './metrics.js';
import { RedisConnections } from './redis-connections.js';
import { eventually, RedisServer, TcpProxy } from './testing/index.js';
import { describeWebhookQueue } from './webhook-queue.contract.js';

// Faults are made on purpose here; what is logged about them is noise.
Logger.overrideLogger(false);

function openQueue(url: string, prefix: string, settings = {}): BullWebhookQueue {
  const metrics = unregisteredMetrics();
  return new BullWebhookQueue(new RedisConnections(url, metrics.link), metrics, { ...settings, prefix });
}

describeWebhookQueue(BullWebhookQueue.name, () => {
  const queues: BullWebhookQueue[] = [];
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

describe(`${BullWebhookQueue.name} when Redis misbehaves`, () => {
  let server: RedisServer;
  const queues: BullWebhookQueue[] = [];
  const open = (url = server.url, settings = {}): BullWebhookQueue => {
    const queue = openQueue(url, '{droppio}', { closeTimeoutMs: 1000, ...settings });
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
    await queue.work(({ id }) => Promise.resolve(void done.push(id)));
    await queue.nudge({ task: 'deliver', id: 'before' });
    await eventually(() => {
      expect(done).toEqual(['before']);
    });
    await server.kill();
    const began = Date.now();
    await expect(queue.nudge({ task: 'deliver', id: 'while' })).rejects.toThrow(BrokerUnavailable);
    expect(Date.now() - began).toBeLessThan(1500);
    await server.restart();
    await eventually(async () => {
      await queue.nudge({ task: 'deliver', id: 'after' });
      expect(done).toContain('after');
    }, 20_000);
  });

  it('replaces a worker that is stuck when jobs wait and none is taken', async () => {
    const proxy = await TcpProxy.start(server.port);
    const queue = open(proxy.url, { stuckAfterMs: 500, closeTimeoutMs: 500 });
    const done: string[] = [];
    await queue.work(({ id }) => Promise.resolve(void done.push(id)));
    expect(proxy.silence(/droppio-worker|bzpopmin/i)).toBeGreaterThan(0);
    await queue.nudge({ task: 'deliver', id: 'a' });
    await queue.nudge({ task: 'deliver', id: 'b' }, { isSlow: true });
    await eventually(() => {
      expect([...done].sort()).toEqual(['a', 'b']);
    });
    await queue.close();
    await proxy.stop();
  }, 30_000);
});
