import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import type { FeedSignal } from '@droppio/tips';
import { aCreatorId, aTipEvent } from '@droppio/tips/testing';
import { unregisteredMetrics } from './metrics.js';
import { openRedisFeed } from './open-redis-feed.js';
import { RedisConnections } from './redis-connections.js';
import type { RedisTipFeed } from './redis-tip-feed.js';
import { SilenceProbe } from './silence-probe.js';
import { eventually, TcpProxy } from './testing/index.js';
import { aSnapshot } from './tip-feed.contract.js';

// Faults are made on purpose here; what is logged about them is noise.
Logger.overrideLogger(false);

describe(SilenceProbe.name, () => {
  const creatorId = aCreatorId();
  let proxy: TcpProxy;
  let feed: RedisTipFeed;
  let heard: FeedSignal[];
  beforeEach(async () => {
    proxy = await TcpProxy.start(Number(new URL(inject('redisUrl')).port));
    const metrics = unregisteredMetrics();
    feed = openRedisFeed(new RedisConnections(proxy.url, metrics.link), metrics, { silenceMs: 300, answerMs: 100 });
    await feed.started(5000);
    await feed.restore(creatorId, aSnapshot(0));
    heard = [];
    await feed.subscribe(creatorId, (signal) => heard.push(signal));
  });
  afterEach(async () => {
    await feed.close();
    await proxy.stop();
  });

  it('finds a subscription that looks healthy and hears nothing, and makes it anew', async () => {
    expect(proxy.silence(/\r\nsubscribe\r\n/i)).toBe(1);
    await feed.append(creatorId, 'epoch-1', aTipEvent({ seq: 1 }));
    await eventually(() => {
      expect(heard).toEqual([{ kind: 'reconnected' }]);
    });
    await feed.append(creatorId, 'epoch-1', aTipEvent({ seq: 2 }));
    await eventually(() => {
      expect(heard.at(-1)).toMatchObject({ kind: 'event', event: { seq: 2 } });
    });
  });

  it('leaves a quiet but healthy subscription alone, and its probes are no signals', async () => {
    const admin = new Redis(inject('redisUrl'));
    const probes: string[] = [];
    const watcher = new Redis(inject('redisUrl'));
    await watcher.psubscribe('droppio:probe:*');
    watcher.on('pmessage', (_pattern, channel: string) => probes.push(channel));
    await eventually(() => {
      expect(probes.length).toBeGreaterThan(4);
    });
    expect(heard).toEqual([]);
    admin.disconnect();
    watcher.disconnect();
  });

  it('does not take it for deaf because probes cannot be sent', async () => {
    // Everything but the subscription goes silent: it would hear, if somebody could speak.
    expect(proxy.silence(/^(?!.*\r\nsubscribe\r\n)/is)).toBeGreaterThan(0);
    // Long enough for two probes to go unanswered, each for the second that a command may take.
    await new Promise((resolve) => setTimeout(resolve, 4000));
    expect(heard).toEqual([]);
  });
});
