import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { eventually, RedisCluster } from '@droppio/broker/testing';
import { GatewayFleet } from './fleet/gateway-fleet.js';
import { OverlayCrowd } from './fleet/overlay-crowd.js';
import { TipSource } from './fleet/tip-source.js';

const STREAMERS = 20;
const OVERLAYS = 200;
const TIP_EVERY_MS = 5;

let cluster: RedisCluster;
let source: TipSource;
let fleet: GatewayFleet;
let crowd: OverlayCrowd;

beforeEach(async () => {
  cluster = await RedisCluster.start(inject('redisServerPath'));
  source = await TipSource.open(cluster.url, STREAMERS);
  fleet = new GatewayFleet({
    REDIS_URL: cluster.url,
    OVERLAY_TOKEN_KEYS: source.tokenKeys,
    GATEWAY_MAX_SOCKETS_PER_IP: '0',
    GATEWAY_MAX_UNAUTHENTICATED_PER_IP: '0',
    GATEWAY_UPGRADES_PER_MINUTE_PER_IP: '0',
  });
  await fleet.add();
  crowd = new OverlayCrowd(source.streamers, OVERLAYS, fleet.pickPort);
  await crowd.arrive(400);
});
afterEach(async () => {
  crowd.leave();
  await source.close();
  await fleet.stop();
  await cluster.stop();
});

describe('a gateway on a Redis Cluster of three masters', () => {
  it('stays whole under 200 overlays while the slot of a creator moves and tips flow: nothing lost, nothing twice, no socket closed', async () => {
    const [streamer] = source.streamers;
    if (streamer === undefined) throw new Error('there is no streamer');
    const channel = `creator:{${streamer.creatorId}}`;
    const tipped = async (times: number): Promise<void> => {
      const seq = streamer.seq + times;
      await eventually(() => {
        expect(streamer.seq).toBeGreaterThanOrEqual(seq);
      });
    };
    source.begin(TIP_EVERY_MS);
    await tipped(3);
    // What comes between is told at the new master, while the gateway still listens at the old one.
    const { from, to, keys } = await cluster.migrate(channel, () => tipped(3));
    await tipped(3);
    await source.pause();
    await crowd.settled(5000);

    expect(keys).toBe(3);
    expect((await cluster.ownerOf(channel)).id).toBe(to.id);
    expect(to.id).not.toBe(from.id);
    expect(await to.admin.call('PUBSUB', 'SHARDNUMSUB', channel)).toEqual([channel, 1]);
    expect(await fleet.total('droppio_gateway_gap_healed_total', 'source="feed"')).toBeGreaterThanOrEqual(3);
    expect(crowd.faults()).toEqual([]);
    expect(crowd.closings).toEqual([]);
    const others = crowd.overlays.filter((overlay) => overlay.streamer !== streamer);
    expect(Math.max(...others.map(({ slowestMs }) => slowestMs))).toBeLessThan(1000);
  });
});
