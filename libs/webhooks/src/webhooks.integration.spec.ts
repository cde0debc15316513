import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { Logger, type DynamicModule, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { Webhook as Judge } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { MemoryBrokerModule, RedisBrokerModule } from '@droppio/broker';
import { eventually, RedisServer } from '@droppio/broker/testing';
import { Health, Instance, PlatformModule } from '@droppio/platform';
import { RelayModule } from '@droppio/relay';
import { PostgresWebhookOutbox, StorageModule } from '@droppio/storage';
import { openTestStorage, tellEvents, type TestStorage } from '@droppio/storage/testing';
import {
  DEFAULT_WEBHOOK_EVENT_TYPES,
  EventRelay,
  WebhookDesk,
  WebhookStore,
  type WebhookDelivery,
  type WebhookSecret,
} from '@droppio/tips';
import { aTipEvent, randomHex } from '@droppio/tips/testing';
import { answerWith, Receiver, StubNames, TEST_CERTIFICATE, type Answering } from './testing/index.js';
import type { SealingKey } from './webhook-settings.js';
import { WebhooksModule, type WebhooksOptions } from './webhooks.module.js';

// Faults are made on purpose here; what is logged about them is noise.
Logger.overrideLogger(false);

const HOST = 'hooks.example.com';
const KEY: SealingKey = { id: 1, secret: randomBytes(32) };
/** Days in moments. */
const QUICK: Partial<WebhooksOptions> = {
  attemptMs: 1000,
  leaseSpareMs: 200,
  retriesMs: Array.from({ length: 60 }, () => 60),
  restsMs: [20, 40, 80],
  sweepEveryMs: 100,
  overdueMs: 100,
};

/** One process with the room at work. */
interface House {
  readonly desk: WebhookDesk;
  readonly store: WebhookStore;
  readonly relay: EventRelay;
  stop(): Promise<void>;
}

describe('webhooks between a real Postgres, a real Redis and servers of strangers', () => {
  let storage: TestStorage;
  let redis: RedisServer;
  const ports = new Set<number>();
  const open: { stop(): Promise<void> }[] = [];

  beforeAll(async () => {
    storage = await openTestStorage(inject('postgresUrl'));
    redis = await RedisServer.start(inject('redisServerPath'));
  });
  afterAll(async () => {
    await redis.stop();
    await storage.drop();
  });
  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each.stop();
  });

  async function start(options: Partial<WebhooksOptions> = {}, broker: 'redis' | 'memory' = 'redis'): Promise<House> {
    class Root {}
    const world = { resolver: new StubNames().says(HOST, ['127.0.0.1']), isPublic: (address: string) => address === '127.0.0.1' };
    const imports = [
      PlatformModule.for(new Instance('test', 'test'), new Health()),
      StorageModule.for({ url: storage.url, migrate: false, poolSize: 6 }),
      broker === 'memory' ? MemoryBrokerModule : RedisBrokerModule.for({ url: redis.url, queue: { closeTimeoutMs: 1000 } }),
      RelayModule.for({ work: false }),
      WebhooksModule.for({
        work: true,
        keys: [KEY],
        ports,
        allowHttp: true,
        world: { ...world, ca: TEST_CERTIFICATE },
        ...QUICK,
        ...options,
      }),
    ];
    const root: DynamicModule = { module: Root, imports };
    const app: INestApplicationContext = await NestFactory.createApplicationContext(root, { logger: false, abortOnError: false });
    let stopping: Promise<void> | undefined;
    const house = {
      desk: app.get(WebhookDesk),
      store: app.get(WebhookStore),
      relay: app.get(EventRelay),
      stop: () => (stopping ??= app.close()),
    };
    open.push(house);
    return house;
  }

  async function receiver(answer?: Answering, scheme: 'http' | 'https' = 'https'): Promise<Receiver> {
    const started = await Receiver.start(answer, scheme);
    ports.add(started.port);
    open.push(started);
    return started;
  }

  const aCreator = async (): Promise<string> =>
    (await storage.directory.createCreator({ handle: `c-${randomHex(8).slice(2)}`, displayName: 'Ada', wallets: [randomHex(20)] })).id;

  async function aWebhook({ desk }: House, creatorId: string, to: Receiver, path = '/'): Promise<WebhookSecret> {
    return desk.create(creatorId, { url: to.url(HOST, path), description: '', types: DEFAULT_WEBHOOK_EVENT_TYPES });
  }

  /** Commits tips; the relay tells of them only when a test asks it to. */
  const commit = (creatorId: string, count: number): Promise<void> =>
    tellEvents(
      storage.database,
      creatorId,
      Array.from({ length: count }, () => aTipEvent()),
    );

  async function logOf({ store }: House, creatorId: string, webhookId: string): Promise<readonly WebhookDelivery[]> {
    return (await store.deliveries({ creatorId, webhookId, limit: 200 })).deliveries;
  }

  /** All of these events, each at least once. */
  const expectAll = (to: Receiver, count: number, path?: string): Promise<void> =>
    eventually(() => {
      expect(new Set(to.ids(path)).size).toBe(count);
    }, 40_000);

  it('delivers what is published, signed and within moments, and notes it', async () => {
    const [house, to, creatorId] = [await start({ sweepEveryMs: 60_000 }), await receiver(), await aCreator()];
    const { webhook, secret } = await aWebhook(house, creatorId, to);
    await house.stop();
    // A process that knows of the webhook from its first sweep, and has no other one for a minute.
    const listening = await start({ sweepEveryMs: 60_000 });
    await eventually(async () => {
      await listening.relay.drain(creatorId);
      await commit(creatorId, 1);
      await listening.relay.drain(creatorId);
      expect(to.received.length).toBeGreaterThan(0);
    });
    const [first] = to.received;
    if (first === undefined) throw new Error('nothing came');
    const headers = {
      'webhook-id': first.id,
      'webhook-timestamp': String(first.headers['webhook-timestamp']),
      'webhook-signature': String(first.headers['webhook-signature']),
    };
    expect(new Judge(secret).verify(first.body, headers)).toMatchObject({ specversion: '1.0', id: first.id, subject: creatorId });
    await eventually(async () => {
      const log = await logOf(listening, creatorId, webhook.id);
      expect(log.at(-1)).toMatchObject({ eventId: first.id, state: 'delivered', attempts: 1, lastStatus: 204 });
    });
  });

  it('finds by itself what nobody told of', async () => {
    const [house, to, creatorId] = [await start(), await receiver(), await aCreator()];
    await aWebhook(house, creatorId, to);
    await commit(creatorId, 3);
    await expectAll(to, 3);
  });

  it('makes an attempt again whose maker died, under the same webhook-id', async () => {
    const [house, to, creatorId] = [await start({ work: false }), await receiver(), await aCreator()];
    const { webhook } = await aWebhook(house, creatorId, to);
    await commit(creatorId, 4);
    const outbox = new PostgresWebhookOutbox(storage.database);
    await outbox.plan(creatorId, 100);
    // A worker that claims, perhaps sends, and is never heard of again.
    const dead = await outbox.claim(webhook.id, { most: 3, leaseMs: 1500 });
    const claimed = dead === undefined || dead === 'slow' ? [] : dead.deliveries.map(({ eventId }) => eventId);
    expect(claimed).toHaveLength(3);
    const survivor = await start();
    await expectAll(to, 4);
    expect(to.ids()).toEqual(expect.arrayContaining(claimed));
    await eventually(async () => {
      const log = await logOf(survivor, creatorId, webhook.id);
      expect(log.map(({ state, attempts }) => [state, attempts]).reverse()).toEqual([
        ['delivered', 2],
        ['delivered', 2],
        ['delivered', 2],
        ['delivered', 1],
      ]);
    });
  });

  it('delivers everything to a server that was down, when it is up again', async () => {
    const [house, to, creatorId] = [await start(), await receiver(answerWith(500)), await aCreator()];
    const { webhook } = await aWebhook(house, creatorId, to);
    await commit(creatorId, 10);
    await eventually(() => {
      expect(to.received.length).toBeGreaterThan(12);
    });
    const failing = await house.store.webhook(creatorId, webhook.id);
    expect(failing?.failingSince).toBeDefined();
    // One that fails gets one at a time, but for the round in which it began to.
    to.most = to.open;
    await eventually(() => {
      expect(to.most).toBe(1);
    });
    to.answer = answerWith(200);
    await eventually(async () => {
      const log = await logOf(house, creatorId, webhook.id);
      expect(log.map(({ state }) => state)).toEqual(Array.from({ length: 10 }, () => 'delivered'));
    });
    expect(new Set(to.ids()).size).toBe(10);
    expect(await house.store.webhook(creatorId, webhook.id)).not.toHaveProperty('failingSince');
  });

  it('keeps nobody waiting for those who do not answer', async () => {
    const [silent, quick] = [await receiver(answerWith(500)), await receiver()];
    const [house, creatorId, other] = [await start({ concurrency: 2, inFlight: 4, attemptMs: 10_000 }), await aCreator(), await aCreator()];
    for (let i = 0; i < 6; i += 1) await aWebhook(house, creatorId, silent, `/${String(i)}`);
    await aWebhook(house, other, quick);
    await commit(creatorId, 20);
    await eventually(async () => {
      const hooks = await house.store.webhooks(creatorId);
      expect(hooks.filter(({ failingSince }) => failingSince !== undefined)).toHaveLength(6);
    });
    silent.answer = () => undefined;
    await eventually(() => {
      expect(silent.open).toBe(2);
    });
    const asked = silent.received.length;
    await commit(other, 20);
    await expectAll(quick, 20);
    // All places of the slow lane were taken, all the time.
    expect([silent.open, silent.received.length]).toEqual([2, asked]);
    expect(quick.most).toBeLessThanOrEqual(4);
    await silent.stop();
  }, 30_000);

  it('delivers a burst of a thousand, so many at a time as it may', async () => {
    const house = await start({ inFlight: 20 });
    const [to, creatorId] = [await receiver(undefined, 'http'), await aCreator()];
    await aWebhook(house, creatorId, to);
    await commit(creatorId, 1000);
    await house.relay.drain(creatorId);
    await expectAll(to, 1000);
    expect(to.most).toBeLessThanOrEqual(20);
    // At least once; and where nobody dies, exactly once.
    expect(to.received).toHaveLength(1000);
  }, 60_000);

  it('signs with both secrets while they are rotated, also what has failed before', async () => {
    const [house, to, creatorId] = [await start(), await receiver(answerWith(500)), await aCreator()];
    const { webhook, secret } = await aWebhook(house, creatorId, to);
    await commit(creatorId, 1);
    await eventually(() => {
      expect(to.received.length).toBeGreaterThan(0);
    });
    const rotated = await house.desk.rotateSecret(creatorId, webhook.id);
    await eventually(() => {
      expect(to.received.at(-1)?.headers['webhook-signature']).toMatch(/^v1,\S+ v1,\S+$/);
    });
    to.answer = answerWith(200);
    const last = to.received.at(-1);
    const headers = Object.fromEntries(
      ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => [name, String(last?.headers[name])]),
    );
    for (const each of [secret, rotated.secret]) expect(new Judge(each).verify(last?.body ?? '', headers)).toMatchObject({ id: last?.id });
    expect(new Set(to.ids()).size).toBe(1);
  });

  it('stops for one that is gone, and goes on with all that it missed when it is enabled again', async () => {
    const [house, to, creatorId] = [await start(), await receiver(answerWith(410)), await aCreator()];
    const { webhook } = await aWebhook(house, creatorId, to);
    await commit(creatorId, 1);
    await eventually(async () => {
      expect(await house.store.webhook(creatorId, webhook.id)).toMatchObject({ disabledReason: 'gone' });
    });
    to.answer = answerWith(200);
    await commit(creatorId, 5);
    await house.relay.drain(creatorId);
    const heard = to.received.length;
    await house.desk.change(creatorId, webhook.id, 'any', { enabled: true });
    await expectAll(to, 6);
    expect(heard).toBe(1);
  });

  it('gives up on one delivery after its last attempt, and sends it again when its owner asks', async () => {
    const house = await start({ retriesMs: [20, 20] });
    const [to, creatorId] = [await receiver(answerWith(400)), await aCreator()];
    const { webhook } = await aWebhook(house, creatorId, to);
    const trial = await house.desk.trial(creatorId, webhook.id);
    await eventually(async () => {
      const [log] = await logOf(house, creatorId, webhook.id);
      expect(log).toMatchObject({ state: 'failed', attempts: 3, lastStatus: 400, lastFault: 'refused' });
    });
    to.answer = answerWith(200);
    await house.desk.redeliver(creatorId, webhook.id, trial.id);
    await eventually(async () => {
      const [log] = await logOf(house, creatorId, webhook.id);
      expect(log).toMatchObject({ state: 'delivered', attempts: 1, lastStatus: 200 });
    });
    expect(to.ids()).toEqual([trial.eventId, trial.eventId, trial.eventId, trial.eventId]);
  });

  it('loses nothing when Redis loses everything', async () => {
    const to = await receiver((_received, response) => {
      setTimeout(() => response.writeHead(204).end(), 5);
    });
    const [house, creatorId] = [await start({ inFlight: 4 }), await aCreator()];
    await aWebhook(house, creatorId, to);
    await commit(creatorId, 200);
    await house.relay.drain(creatorId);
    const admin = new Redis(redis.url);
    for (const reached of [20, 80]) {
      await eventually(() => {
        expect(to.received.length).toBeGreaterThan(reached);
      });
      await admin.flushall();
    }
    admin.disconnect();
    await eventually(() => {
      expect(to.received.length).toBeGreaterThan(120);
    });
    await redis.kill();
    await redis.restart();
    await expectAll(to, 200);
  }, 60_000);

  it('waits at its end for what is on its way, and leaves the rest to the next', async () => {
    const answers: (() => void)[] = [];
    const to = await receiver((_received, response) => {
      answers.push(() => response.writeHead(204).end());
    });
    const [house, creatorId] = [await start({ inFlight: 2, attemptMs: 5000 }), await aCreator()];
    const { webhook } = await aWebhook(house, creatorId, to);
    await commit(creatorId, 6);
    await eventually(() => {
      expect(answers).toHaveLength(2);
    });
    const stopped = house.stop();
    for (const answer of answers) answer();
    await stopped;
    expect(to.received).toHaveLength(2);
    to.answer = answerWith(204);
    const next = await start();
    await expectAll(to, 6);
    await eventually(async () => {
      const log = await logOf(next, creatorId, webhook.id);
      expect(log.every(({ state, attempts }) => state === 'delivered' && attempts === 1)).toBe(true);
    });
    expect(to.received).toHaveLength(6);
  });

  it('does the same in a single process without Redis', async () => {
    const [house, to, creatorId] = [await start({}, 'memory'), await receiver(answerWith(503)), await aCreator()];
    await aWebhook(house, creatorId, to);
    await commit(creatorId, 5);
    await house.relay.drain(creatorId);
    await eventually(() => {
      expect(to.received.length).toBeGreaterThan(5);
    });
    to.answer = answerWith(200);
    await expectAll(to, 5);
  });

  it('seals its secrets anew under a new key, so that the old one may go', async () => {
    const [first, to, creatorId] = [await start(), await receiver(), await aCreator()];
    const { webhook, secret } = await aWebhook(first, creatorId, to);
    await first.stop();
    const newer: SealingKey = { id: 2, secret: randomBytes(32) };
    const both = await start({ keys: [KEY, newer] });
    const outbox = new PostgresWebhookOutbox(storage.database);
    await eventually(async () => {
      expect(await outbox.sealedOtherwise(2, undefined, 100)).toEqual([]);
    });
    await both.stop();
    const after = await start({ keys: [newer] });
    await after.desk.trial(creatorId, webhook.id);
    await expectAll(to, 1);
    const [got] = to.received;
    const headers = Object.fromEntries(
      ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => [name, String(got?.headers[name])]),
    );
    expect(new Judge(secret).verify(got?.body ?? '', headers)).toMatchObject({ id: got?.id });
    // Back under the key that the other tests have.
    await after.stop();
    const back = await start({ keys: [newer, KEY] });
    await eventually(async () => {
      expect(await outbox.sealedOtherwise(1, undefined, 100)).toEqual([]);
    });
    await back.stop();
  });
});
