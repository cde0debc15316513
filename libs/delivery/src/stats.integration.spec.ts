import { RedisBrokerModule } from '@droppio/broker';
import { RedisServer } from '@droppio/broker/testing';
import { register } from 'prom-client';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import * as z from 'zod';
import { GatewayHouse } from './testing/gateway-house.js';

const spread = z.object({ count: z.number(), avgMs: z.number().nullable(), p50Ms: z.number().nullable(), p99Ms: z.number().nullable() });
const Report = z.object({
  instance: z.object({ id: z.literal('pod-a'), service: z.literal('gateway'), uptimeSeconds: z.number() }),
  connections: z.object({
    total: z.number(),
    limit: z.literal(20_000),
    byTransport: z.record(z.enum(['websocket', 'sse', 'poll']), z.object({ live: z.number(), waiting: z.number() })),
    creators: z.number(),
    byCreator: z.array(z.object({ creatorId: z.string(), sockets: z.number(), fleet: z.number().nullable() })),
    fleet: z.object({ gateways: z.number(), sockets: z.number() }).nullable(),
  }),
  rates: z.object({
    windowSeconds: z.number(),
    connectsPerSecond: z.number(),
    disconnectsPerSecond: z.number(),
    sentBytesPerSecond: z.number(),
  }),
  performance: z.object({
    avgLatencyMs: z.number().nullable(),
    messageRate: z.number(),
    failedRate: z.literal(0),
    latency: z.object({ block: spread, seen: spread, pub: spread, shown: spread }),
    pingRtt: spread,
  }),
  resources: z.object({
    cpu: z.object({ percent: z.number(), userMs: z.number().positive(), systemMs: z.number() }),
    memory: z.looseObject({ rss: z.number().positive(), heapUsed: z.number().positive(), percent: z.number().positive() }),
    eventLoopLagMs: z.object({ p50: z.number(), p99: z.number(), max: z.number() }),
    bufferedBytes: z.number(),
  }),
});
const reportOf = async (house: GatewayHouse, query = '') => Report.parse(await house.stats(query));

let server: RedisServer;
const houses: GatewayHouse[] = [];
beforeAll(async () => (server = await RedisServer.start(inject('redisServerPath'))));
afterEach(async () => {
  await Promise.all(houses.splice(0).map((house) => house.stop()));
});
afterAll(() => server.stop());
async function open(): Promise<GatewayHouse> {
  register.resetMetrics();
  const house = await GatewayHouse.start({
    broker: RedisBrokerModule.for({ url: server.url }),
    settings: { OVERLAY_TOKEN_KEYS: `1:${'ab'.repeat(32)}` },
  });
  houses.push(house);
  return house;
}

describe('the statistics of a gateway', () => {
  it('count its own sockets exactly, and those of the fleet about right', async () => {
    const [here, there] = [await open(), await open()];
    const [big, small] = [await here.creator(), await there.creator()];
    for (const [house, { token }] of [
      [here, big],
      [here, big],
      [here, small],
      [there, big],
    ] as const)
      await house.overlay(token);
    await big.truth.send({ ...big.truth.tip(), at: { block: Date.now() - 200, seen: Date.now() - 100, pub: Date.now() - 10 } });
    await houses[0]?.clients[0]?.caughtUp(2);
    await here.visitor();

    const now = await reportOf(here, '?top=1');
    expect(now.connections).toMatchObject({ total: 4, creators: 2, byTransport: { websocket: { live: 3, waiting: 1 } } });
    expect(now.connections.byCreator).toMatchObject([{ creatorId: big.truth.creatorId, sockets: 2 }]);
    expect(now.performance.latency.block.count).toBeGreaterThan(0);
    expect(now.performance.avgLatencyMs).toBeGreaterThanOrEqual(190);
    expect(now.performance.messageRate).toBeGreaterThan(0);
    expect(now.rates.connectsPerSecond).toBeGreaterThan(0);

    await expect
      .poll(async () => (await reportOf(here)).connections.fleet, { timeout: 15_000, interval: 300 })
      .toEqual({ gateways: 2, sockets: 4 });
    const later = await reportOf(there);
    expect(later.connections.byCreator).toEqual([{ creatorId: big.truth.creatorId, sockets: 1, fleet: 3 }]);

    houses.splice(houses.indexOf(here), 1);
    await here.stop();
    await expect
      .poll(async () => (await reportOf(there)).connections.fleet, { timeout: 10_000, interval: 300 })
      .toEqual({ gateways: 1, sockets: 1 });
  }, 60_000);

  it('do without the fleet while Redis is away', async () => {
    const house = await open();
    const { token } = await house.creator();
    await house.overlay(token);
    await server.kill();
    const { connections } = await reportOf(house);
    expect(connections).toMatchObject({ total: 1, fleet: null, byCreator: [{ sockets: 1, fleet: null }] });
    await server.restart();
  }, 60_000);
});
