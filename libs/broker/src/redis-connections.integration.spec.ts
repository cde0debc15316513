import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { unregisteredMetrics } from './metrics.js';
import { RedisConnections } from './redis-connections.js';
import { eventually } from './testing/index.js';

Logger.overrideLogger(false);

describe(RedisConnections.name, () => {
  let connections: RedisConnections;
  const open = (): RedisConnections => (connections = new RedisConnections(inject('redisUrl'), unregisteredMetrics().link));
  afterEach(() => {
    connections.close();
  });

  it('makes a connection again that ioredis gave up for good', async () => {
    const client = open().connect('commands');
    let ends = 0;
    client.on('end', () => (ends += 1));
    await eventually(() => client.ping());
    // What ioredis does to itself when it is told to disconnect while it looks for its server.
    client.disconnect();
    await eventually(() => {
      expect(ends).toBe(1);
    });
    await eventually(() => client.ping());
  });

  it('lets a connection rest that was dropped, and all of them when it is closed', async () => {
    const all = open();
    const siblings = all.sibling();
    const [dropped, closed, sibling] = [all.connect('commands'), all.connect('subscriber'), siblings.connect('commands')];
    await eventually(() => Promise.all([dropped.ping(), closed.ping(), sibling.ping()]));
    all.drop(dropped);
    all.close();
    await sleep(700);
    expect([dropped.status, closed.status]).toEqual(['end', 'end']);
    expect(await sibling.ping()).toBe('PONG');
    siblings.close();
  });
});
