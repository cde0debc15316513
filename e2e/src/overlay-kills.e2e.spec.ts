import { OverlayClient } from '@droppio/delivery/testing';
import { DEFAULT_OVERLAY_CONFIG } from '@droppio/tips';
import { random, randomInt } from '@droppio/tips/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { HouseClient, startStandalone, startTrio, type House } from './houses/index.js';
import { ENDS, MortalSource, type End } from './mortal-source.js';

const TIPS = 200;
const KILLS = 20;
/** Fewer than are folded into one card. */
const WAITING_MAX = 12;
/** By the rule that every overlay begins with; one more, and they are a card. */
const ONE_BY_ONE = DEFAULT_OVERLAY_CONFIG.catchUp.maxAlerts;
/**
 * Of 4.4 seconds, 110 ms are left, and half of them make an alert count as shown: more than it takes to hear of a sighting, so that none is lost with
 * the browser that is killed, on a machine with other things to do, too.
 */
const DURATION_MS = 4400;
const PACE = 40;
const STORY_MS = 150_000;
const LOOK = { durationMs: DURATION_MS, gapMs: 0, sound: null };

const houses: readonly (readonly [string, () => Promise<House>])[] = [
  ['standalone', () => startStandalone({ anvilPath: inject('anvilPath') })],
  ['trio', () => startTrio({ anvilPath: inject('anvilPath'), redisUrl: inject('redisUrl'), postgresUrl: inject('postgresUrl') })],
];

describe.each(houses)('a browser source that is ended twenty times (%s)', (_, start) => {
  let house: House;

  beforeAll(async () => {
    house = await start();
  });

  afterAll(async () => {
    await house.stop();
  });

  it('shows each of two hundred tips once, and none twice', { timeout: STORY_MS }, async () => {
    const client = new HouseClient(house);
    const creator = await client.creator();
    const defaults = { ...DEFAULT_OVERLAY_CONFIG.defaults, ...LOOK };
    // Whatever was missed plays by itself, so that each tip can be looked for.
    const catchUp = { mode: 'play', maxAgeSec: 86_400, maxAlerts: 100, onlyWhileLive: false };
    const config = { ...DEFAULT_OVERLAY_CONFIG, defaults, catchUp };
    await client.call('PUT', `/v1/overlays/${creator.overlayId}/config`, creator.accessToken, config, { 'if-match': '"v1"' });
    const source = await MortalSource.open(inject('chromiumPath'), creator.pageUrl, PACE);
    const known = (): number => new Set(source.sightings.map(({ tipId }) => tipId)).size;
    const ends: End[] = [];
    const sent: string[] = [];
    try {
      const sending = (async () => {
        while (sent.length < TIPS) {
          if (sent.length - known() < WAITING_MAX)
            sent.push(await client.send(creator, BigInt(sent.length + 1), `tip ${String(sent.length)}`));
          else await pause(5);
        }
      })();
      for (let kill = 0; kill < KILLS; kill += 1) {
        const due = Math.floor(((kill + random()) * (TIPS - WAITING_MAX)) / KILLS);
        await expect.poll(known, { timeout: 20_000, interval: 2 }).toBeGreaterThanOrEqual(due);
        // Anywhere in the life of an alert: before its first frame, in the middle, between two of them.
        await pause(random() * 120);
        const end = ENDS[randomInt(ENDS.length)] ?? 'reload';
        ends.push(end);
        await source.end(end);
      }
      await sending;
      await expect.poll(known, { timeout: 20_000, interval: 10 }).toBe(TIPS);
    } finally {
      await source.close();
    }
    const wanted = sent.map((hash) => `${String(house.chain.chainId)}-${hash}-0`);
    const begun = source.sightings.filter(({ resumed }) => !resumed).map(({ tipId }) => tipId);
    expect([...new Set(source.sightings.map(({ tipId }) => tipId))], ends.join()).toEqual(wanted);
    expect(
      begun.filter((tipId, at) => begun.indexOf(tipId) !== at),
      `twice: ${ends.join()}`,
    ).toEqual([]);
  });

  it('plays ten that it missed one by one, and more in one card, whatever ends it then', { timeout: STORY_MS }, async () => {
    const client = new HouseClient(house);
    // Of how missed alerts play nothing is said: as every new overlay has it.
    const creator = await client.creator({ defaults: LOOK });
    const source = await MortalSource.open(inject('chromiumPath'), creator.pageUrl, PACE);
    const feed = new OverlayClient(creator.webSocketUrl);
    await feed.ready();
    const expected: string[] = [];
    const begun = (): string[] => source.sightings.filter(({ resumed }) => !resumed).map(({ tipId }) => tipId);
    const hasBegun = (interval: number) => expect.poll(begun, { timeout: 20_000, interval }).toHaveLength(expected.length);
    const tips = (): string[] => feed.events.flatMap((event) => (event.type === 'tip' ? [event.id] : []));
    /** Their ids, when a gateway has told of them. */
    const send = async (count: number): Promise<string[]> => {
      const before = tips().length;
      for (let sent = 0; sent < count; sent += 1) await client.send(creator, BigInt(before + sent + 1), `tip ${String(before + sent)}`);
      await feed.until(() => tips().length === before + count, `${String(count)} tips`);
      return tips().slice(before);
    };
    try {
      for (const [round, end] of ENDS.entries()) {
        const missed = ONE_BY_ONE + round;
        await source.goneFor(async () => {
          const ids = await send(missed);
          expected.push(...(missed > ONE_BY_ONE ? [`${String(missed)} tips`] : ids));
        });
        await hasBegun(2);
        // In the midst of the last one, or just after it.
        await source.end(end);
        expected.push(...(await send(1)));
        await hasBegun(10);
      }
    } finally {
      await feed.close();
      await source.close();
    }
    expect(begun()).toEqual(expected);
  });
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
