import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import * as z from 'zod';
import { HouseClient, startStandalone, type House } from './houses/index.js';
import { OverlaySource } from './overlay-source.js';
import { startBrowser } from './services/browser.js';

/* What a moderator says over the API while an alert is on the air, as viewers see and hear it. */

const GWEI = 1_000_000_000n;
const SOON_MS = 1000;
const TONE_SEC = 9;
/** Of full scale; what is sent to the speakers while nothing sounds is exactly nothing. */
const HEARD = 0.01;
const Asset = z.object({ id: z.string(), url: z.string() });

describe('a moderator’s word while an alert is on the air', () => {
  let browser: Browser;
  let house: House;
  let client: HouseClient;

  beforeAll(async () => {
    browser = await startBrowser(inject('chromiumPath'));
    house = await startStandalone({ anvilPath: inject('anvilPath') });
    client = new HouseClient(house);
  });

  afterAll(async () => {
    await browser.close();
    await house.stop();
  });

  async function aTone(token: string): Promise<z.output<typeof Asset>> {
    const answer = await fetch(`${house.apiUrl}/v1/assets`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'audio/wav' },
      body: new Uint8Array(sine(TONE_SEC)),
    });
    expect(answer.status).toBe(201);
    return Asset.parse(await answer.json());
  }

  it('mutes within a second, is silent for alerts that come, and brings nothing of it back afterwards', { timeout: 60_000 }, async () => {
    const creator = await client.creator();
    const tone = await aTone(creator.accessToken);
    const looks = { defaults: { durationMs: 30_000, sound: { asset: tone.id, volume: 1 } } };
    await client.call(
      'PUT',
      `/v1/overlays/${creator.overlayId}/config`,
      creator.accessToken,
      { schemaVersion: 1, ...looks },
      { 'if-match': '*' },
    );
    const overlay = await OverlaySource.open(browser, creator.pageUrl);
    const { page } = overlay;
    await page.addInitScript(LISTEN);
    const loaded = page.waitForResponse((response) => response.url() === tone.url && response.ok());
    await overlay.reload();
    await loaded;
    // Outside of OBS a browser lets nothing sound before somebody has touched the page.
    await page.mouse.click(5, 5);
    const ask = (method: string, path: string, body?: unknown) => client.call(method, `/v1/queue${path}`, creator.accessToken, body);
    const sounds = (isSo: boolean, ms: number) =>
      expect.poll(async () => (await levelOf(page)) > HEARD, { timeout: ms, interval: 20 }).toBe(isSo);
    await client.tip(creator, GWEI, 'loud');
    await overlay.alert('loud');
    await sounds(true, 5000);
    const saidAt = performance.now();
    await ask('PUT', '', { paused: false, muted: true });
    await sounds(false, SOON_MS - (performance.now() - saidAt));
    expect(await page.locator('[data-alert]', { hasText: 'loud' }).count()).toBe(1);
    await client.tip(creator, GWEI, 'mute');
    await ask('POST', '/skip');
    await overlay.alert('mute');
    expect(await loudestOf(page, 500)).toBe(0);
    // Both of them would still be sounding.
    await ask('PUT', '', { paused: false, muted: false });
    expect(await loudestOf(page, 1000)).toBe(0);
    await client.tip(creator, GWEI, 'loud again');
    await ask('POST', '/skip');
    await overlay.alert('loud again');
    await sounds(true, 5000);
    // A skip ends the sound of what it skips.
    await ask('POST', '/skip');
    await sounds(false, SOON_MS);
    await overlay.close();
  });

  it('hides a message within a second, over a reload and in a replay too; the tip stays', async () => {
    const creator = await client.creator({ defaults: { durationMs: 20_000 } });
    const overlay = await OverlaySource.open(browser, creator.pageUrl);
    const { page } = overlay;
    const hash = await client.tip(creator, GWEI, 'what nobody is to read');
    await overlay.alert('what nobody is to read');
    const id = `${String(house.chain.chainId)}-${hash}-0`;
    const desk = (action: string) => client.call('POST', `/v1/alerts/${id}/${action}`, creator.accessToken);
    const alert = page.locator(`[data-alert][data-tip-id="${id}"]`);
    const gone = alert.locator('[data-message]').waitFor({ state: 'hidden', timeout: SOON_MS });
    await Promise.all([desk('hide-message'), gone]);
    expect(await alert.locator('[data-name]').isVisible()).toBe(true);
    const texts = async (): Promise<string> =>
      `${await page.locator('#stage').innerText()} ${await page.evaluate(() => JSON.stringify(localStorage))}`;
    expect(await texts()).not.toContain('nobody is to read');
    await overlay.reload();
    await alert.waitFor();
    await desk('replay');
    await client.call('POST', '/v1/queue/skip', creator.accessToken);
    await page.locator('[data-alert]:not([data-resumed]):not([data-leaving])').waitFor();
    expect(await texts()).not.toContain('nobody is to read');
    expect((await client.history(creator))[0]).toMatchObject({ id, message: 'what nobody is to read' });
    await overlay.close();
  });
});

/** Of what goes to the speakers at this moment, 0 to 1. */
const levelOf = (page: Page): Promise<number> => page.evaluate((): number => Number((Reflect.get(window, 'level') as () => unknown)()));

async function loudestOf(page: Page, ms: number): Promise<number> {
  const until = performance.now() + ms;
  let loudest = 0;
  while (performance.now() < until) loudest = Math.max(loudest, await levelOf(page));
  return loudest;
}

/** Runs in the page before its own scripts: listens where the speakers are. */
const LISTEN = `
  const taps = [];
  const connect = AudioNode.prototype.connect;
  AudioNode.prototype.connect = function (target, ...rest) {
    if (target instanceof AudioDestinationNode) {
      const tap = this.context.createAnalyser();
      taps.push(tap);
      connect.call(this, tap);
    }
    return connect.call(this, target, ...rest);
  };
  window.level = () => Math.max(0, ...taps.flatMap((tap) => {
    const samples = new Float32Array(tap.fftSize);
    tap.getFloatTimeDomainData(samples);
    return Array.from(samples, Math.abs);
  }));
`;

/** A WAV file: one channel, 8 bits, 8 kHz. */
function sine(seconds: number): Buffer {
  const [rate, size] = [8000, 8000 * seconds];
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + size, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate, 28);
  head.writeUInt16LE(1, 32);
  head.writeUInt16LE(8, 34);
  head.write('data', 36);
  head.writeUInt32LE(size, 40);
  return Buffer.concat([
    head,
    Buffer.from(Array.from({ length: size }, (_, at) => 128 + Math.round(60 * Math.sin((at * 440 * 2 * Math.PI) / rate)))),
  ]);
}
