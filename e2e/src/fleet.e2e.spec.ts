import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { GatewayFleet } from './fleet/gateway-fleet.js';
import { OverlayCrowd } from './fleet/overlay-crowd.js';
import { TipSource } from './fleet/tip-source.js';

const GATEWAYS = 3;
const STREAMERS = 100;
const TIP_EVERY_MS = 25;
const ARRIVALS_PER_SECOND = 400;
const MOST_UPGRADES = 500;

let source: TipSource;
let fleet: GatewayFleet;
let crowd: OverlayCrowd;

async function open(overlays: number): Promise<void> {
  crowd = new OverlayCrowd(source.streamers, overlays, fleet.pickPort);
  await crowd.arrive(ARRIVALS_PER_SECOND);
  source.begin(TIP_EVERY_MS);
}

/** No more tips; everybody has all of them. */
async function close(): Promise<void> {
  await source.pause();
  await crowd.settled(60_000);
}

beforeEach(async () => {
  source = await TipSource.open(inject('redisUrl'), STREAMERS);
  fleet = new GatewayFleet({
    REDIS_URL: inject('redisUrl'),
    OVERLAY_TOKEN_KEYS: source.tokenKeys,
    // All come from one address, and many with the same token.
    GATEWAY_MAX_SOCKETS_PER_TOKEN: '0',
    GATEWAY_MAX_SOCKETS_PER_IP: '0',
    GATEWAY_MAX_UNAUTHENTICATED_PER_IP: '0',
    GATEWAY_UPGRADES_PER_MINUTE_PER_IP: '0',
  });
  for (let n = 0; n < GATEWAYS; n += 1) await fleet.add();
});
afterEach(async () => {
  crowd.leave();
  await source.close();
  await fleet.stop();
});

describe('three gateways with tips flowing', () => {
  it('are replaced one by one under 3000 overlays: nothing lost, nothing twice, nobody cut off, no herd', async () => {
    await open(3000);
    const exits: number[] = [];
    for (const old of [...fleet.members]) exits.push(await fleet.replace(old));
    await close();

    expect(exits).toEqual([0, 0, 0]);
    expect(crowd.faults()).toEqual([]);
    // Every overlay has moved once at least, to stay where it was admitted until then.
    expect(crowd.overlays.filter(({ links }) => links < 2)).toEqual([]);
    expect([...crowd.codes()].filter((code) => code === 1001 || code === 1006)).toEqual([]);
    expect(fleet.busiest(1)).toBeGreaterThan(50);
    expect(fleet.busiest(1)).toBeLessThanOrEqual(MOST_UPGRADES);
    expect(Math.min(...source.streamers.map(({ seq }) => seq))).toBeGreaterThan(3);
  });

  it('lose one of them to SIGKILL: its overlays come back elsewhere and miss nothing', async () => {
    await open(1500);
    const [victim] = fleet.members;
    if (victim === undefined) throw new Error('there is no gateway');
    const before = crowd.overlays.reduce((sum, { links }) => sum + links, 0);
    fleet.retire(victim);
    await victim.child.stop('SIGKILL');
    await close();

    expect(crowd.faults()).toEqual([]);
    expect(crowd.closings.filter(({ code }) => code === 1006).length).toBeGreaterThanOrEqual(500);
    expect(crowd.overlays.reduce((sum, { links }) => sum + links, 0) - before).toBeGreaterThanOrEqual(500);
  });

  it('lose all of them at once: 5000 overlays come back to those that start in their place, at a pace that these bear', async () => {
    await open(5000);
    const all = [...fleet.members];
    for (const old of all) fleet.retire(old);
    await Promise.all(all.map(({ child }) => child.stop('SIGKILL')));
    for (let n = 0; n < GATEWAYS; n += 1) await fleet.add();
    await close();

    expect(crowd.faults()).toEqual([]);
    expect(crowd.overlays.filter(({ links }) => links < 2)).toEqual([]);
    // What the gate promises: its rate, and twice as many in a burst. Over two seconds that is twice the rate.
    expect(fleet.busiest(2)).toBeLessThanOrEqual(MOST_UPGRADES * 2);
    expect(fleet.busiest(1)).toBeGreaterThan(MOST_UPGRADES / 2);
  });
});
