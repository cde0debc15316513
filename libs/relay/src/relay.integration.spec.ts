import 'reflect-metadata';
import { Logger, type DynamicModule, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { RedisBrokerModule } from '@droppio/broker';
import { eventually, RedisServer } from '@droppio/broker/testing';
import { Health, Instance, PlatformModule } from '@droppio/platform';
import { StorageModule } from '@droppio/storage';
import { openTestStorage, type TestStorage } from '@droppio/storage/testing';
import { DEFAULT_OVERLAY_CONFIG, EventRelay, RelayQueue, TipFeed, type CreatorEvent, type FeedSignal } from '@droppio/tips';
import { aDisplay, randomHex } from '@droppio/tips/testing';
import { RelayModule, type RelayOptions } from './relay.module.js';

// Faults are made on purpose here; what is logged about them is noise.
Logger.overrideLogger(false);

interface Process {
  readonly relay: EventRelay;
  readonly feed: TipFeed;
  readonly queue: RelayQueue;
  readonly health: Health;
  stop(): Promise<void>;
}

interface Stream {
  readonly creatorId: string;
  readonly overlayId: string;
  /** Commits so many test alerts. */
  commit(count: number): Promise<void>;
  committed(): Promise<readonly CreatorEvent[]>;
}

describe('relay between a real ledger and a real feed', () => {
  let server: RedisServer;
  let storage: TestStorage;
  let admin: Redis;
  const processes: Process[] = [];

  beforeAll(async () => {
    storage = await openTestStorage(inject('postgresUrl'));
  });
  afterAll(() => storage.drop());
  beforeEach(async () => {
    server = await RedisServer.start(inject('redisServerPath'));
    admin = new Redis(server.url);
    admin.on('error', () => undefined);
  });
  afterEach(async () => {
    await Promise.all(processes.splice(0).map((process) => process.stop()));
    admin.disconnect();
    await server.stop();
  });

  async function start(relay: RelayOptions): Promise<Process> {
    class Root {}
    const health = new Health();
    const imports = [
      PlatformModule.for(new Instance('test', 'test'), health),
      StorageModule.for({ url: storage.url, migrate: false, poolSize: 4 }),
      RedisBrokerModule.for({ url: server.url, queue: { closeTimeoutMs: 1000 } }),
      RelayModule.for(relay),
    ];
    const root: DynamicModule = { module: Root, imports };
    const app: INestApplicationContext = await NestFactory.createApplicationContext(root, { logger: false, abortOnError: false });
    const process: Process = {
      relay: app.get(EventRelay),
      feed: app.get(TipFeed),
      queue: app.get(RelayQueue),
      health,
      stop: () => app.close(),
    };
    processes.push(process);
    return process;
  }

  async function aStream(): Promise<Stream> {
    const { directory, ledger } = storage;
    const { id: creatorId } = await directory.createCreator({
      handle: `c-${randomHex(8).slice(2)}`,
      displayName: 'Ada',
      wallets: [randomHex(20)],
      accessTokenHash: Buffer.from(randomHex(32).slice(2), 'hex'),
    });
    const { id: overlayId } = await directory.createOverlay(creatorId, 'main', DEFAULT_OVERLAY_CONFIG);
    return {
      creatorId,
      overlayId,
      async commit(count) {
        for (let i = 0; i < count; i += 1) await directory.testAlert(creatorId, overlayId, aDisplay());
      },
      committed: () => ledger.eventsAfter(creatorId, 0, 1000),
    };
  }

  /** What is in the feed is what was committed: nothing missing, doubled or out of order, and noted so. */
  async function expectPublished({ feed }: Process, stream: Stream, ms = 15_000): Promise<void> {
    const committed = await stream.committed();
    const seqs = committed.map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.map((_, i) => i + 1));
    await eventually(async () => {
      const page = await feed.after(stream.creatorId, 0, 1000);
      expect(page?.events.map(({ seq, id }) => ({ seq, id }))).toEqual(committed.map(({ seq, id }) => ({ seq, id })));
      expect(await storage.ledger.unpublished(0, 100)).not.toContain(stream.creatorId);
    }, ms);
  }

  async function listen({ feed }: Process, { creatorId }: Stream): Promise<FeedSignal[]> {
    const heard: FeedSignal[] = [];
    await feed.subscribe(creatorId, (signal) => heard.push(signal));
    return heard;
  }
  const live = (heard: readonly FeedSignal[]): number[] => heard.flatMap((signal) => (signal.kind === 'event' ? [signal.event.seq] : []));

  it('publishes a commit with the time of publishing, and its config event brings the grant', async () => {
    const [api, stream] = [await start({ work: false }), await aStream()];
    await api.relay.drain(stream.creatorId);
    expect(await api.feed.grant(stream.creatorId, stream.overlayId)).toMatchObject({ version: 1, enabled: true });
    const heard = await listen(api, stream);
    await stream.commit(3);
    const before = Date.now();
    await api.relay.drain(stream.creatorId);
    await eventually(() => {
      expect(live(heard)).toEqual([2, 3, 4]);
    });
    for (const signal of heard) {
      if (signal.kind === 'event') expect(signal.event.at.pub).toBeGreaterThanOrEqual(before);
    }
    await storage.directory.changeOverlay(stream.creatorId, stream.overlayId, { rotate: true });
    await api.relay.drain(stream.creatorId);
    expect(await api.feed.grant(stream.creatorId, stream.overlayId)).toMatchObject({ version: 2 });
    await expectPublished(api, stream);
  });

  it('sends each event once though two processes commit and drain at once', async () => {
    const [api, listener, stream] = [await start({ work: false }), await start({ work: true }), await aStream()];
    await api.relay.drain(stream.creatorId);
    const heard = await listen(api, stream);
    const busy = async (by: Process): Promise<void> => {
      for (let i = 0; i < 40; i += 1) {
        await stream.commit(1);
        await by.relay.drain(stream.creatorId);
      }
    };
    await Promise.all([busy(api), busy(listener)]);
    await expectPublished(api, stream);
    await eventually(() => {
      expect(live(heard).at(-1)).toBe(81);
    });
    expect(live(heard)).toEqual(Array.from({ length: 80 }, (_, i) => i + 2));
  });

  it('goes on after a crash between append and note', async () => {
    const [crashed, stream] = [await start({ work: false }), await aStream()];
    await crashed.relay.drain(stream.creatorId);
    await stream.commit(5);
    const snapshot = await storage.ledger.snapshot(stream.creatorId, 1);
    for (const event of (await stream.committed()).slice(1, 4)) {
      expect(await crashed.feed.append(stream.creatorId, snapshot?.position.epoch ?? '', event)).toEqual({ kind: 'appended' });
    }
    const heard = await listen(crashed, stream);
    const survivor = await start({ work: true });
    await expectPublished(survivor, stream);
    await eventually(() => {
      expect(live(heard)).toEqual([5, 6]);
    });
  });

  it('publishes by sweep what nobody drained', async () => {
    const [listener, stream] = [await start({ work: true, sweepEveryMs: 200, sweepAfterMs: 100 }), await aStream()];
    await stream.commit(10);
    await expectPublished(listener, stream);
  });

  it('restores a flushed feed when somebody commits', async () => {
    const [listener, stream] = [await start({ work: true }), await aStream()];
    await stream.commit(3);
    await listener.relay.drain(stream.creatorId);
    await admin.flushall();
    await stream.commit(1);
    await listener.relay.drain(stream.creatorId);
    await expectPublished(listener, stream);
    expect(await listener.feed.grant(stream.creatorId, stream.overlayId)).toMatchObject({ version: 1 });
  });

  it('restores a flushed feed when a gateway asks through the queue', async () => {
    const [gateway, , stream] = [await start({ work: false }), await start({ work: true }), await aStream()];
    await stream.commit(3);
    await gateway.relay.drain(stream.creatorId);
    const heard = await listen(gateway, stream);
    await admin.flushall();
    expect(await gateway.feed.grant(stream.creatorId, stream.overlayId)).toBe('unknown');
    await eventually(async () => {
      await gateway.queue.nudge({ creatorId: stream.creatorId, task: 'restore' }, { live: true });
      expect(heard.map(({ kind }) => kind)).toContain('restored');
    }, 20_000);
    await expectPublished(gateway, stream);
  });

  it('loses nothing while Redis is down: it comes back empty and everything is in it', async () => {
    const [listener, stream] = [await start({ work: true, maxLagMs: 2000 }), await aStream()];
    await stream.commit(3);
    await listener.relay.drain(stream.creatorId);
    await server.kill();
    await stream.commit(4);
    await expect(listener.relay.drain(stream.creatorId)).resolves.toBeUndefined();
    await eventually(async () => {
      const { faults } = await listener.health.ready();
      expect(faults['outbox']).toMatch(/waiting/);
      expect(faults['redis']).toBeDefined();
    }, 20_000);
    await server.restart();
    await expectPublished(listener, stream);
    await eventually(async () => {
      expect((await listener.health.ready()).faults).toEqual({});
    }, 15_000);
  }, 60_000);

  it('stops in time, also with Redis away', async () => {
    const listener = await start({ work: true });
    await server.kill();
    const began = Date.now();
    await listener.stop();
    processes.length = 0;
    expect(Date.now() - began).toBeLessThan(5000);
  });
});
