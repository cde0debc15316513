import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import * as z from 'zod';
import { HouseClient, ROOT, startStandalone, type House } from './houses/index.js';
import { startBrowser } from './services/browser.js';

/* A creator uploads an image and a sound and puts them into the config of an overlay; the next tip looks and sounds like that. */

const PICTURES = process.env['DROPPIO_PICTURES'] ?? resolve(ROOT, 'test-results');
const PINK = [225, 29, 155] as const;
const SOUND_MS = 400;
const Asset = z.object({ id: z.string(), url: z.string() });

describe('a creator’s own image and sound', () => {
  let browser: Browser;
  let house: House;
  let client: HouseClient;

  beforeAll(async () => {
    mkdirSync(PICTURES, { recursive: true });
    browser = await startBrowser(inject('chromiumPath'));
    house = await startStandalone({ anvilPath: inject('anvilPath') });
    client = new HouseClient(house);
  });

  afterAll(async () => {
    await browser.close();
    await house.stop();
  });

  async function upload(token: string, type: string, body: Buffer): Promise<z.output<typeof Asset>> {
    const answer = await fetch(`${house.apiUrl}/v1/assets`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': type },
      body: new Uint8Array(body),
    });
    expect(answer.status).toBe(201);
    return Asset.parse(await answer.json());
  }

  async function open(pageUrl: string): Promise<{ page: Page; played: PlayedSound[]; complaints: string[] }> {
    const context = await browser.newContext({ viewport: { width: 1920, height: 1080 } });
    const page = await context.newPage();
    const played: PlayedSound[] = [];
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.exposeFunction('notePlayed', (seconds: number, loudest: number) => played.push({ seconds, loudest }));
    await page.addInitScript(HEAR);
    await page.goto(pageUrl);
    await page.waitForSelector('body[data-connection="open"]', { state: 'attached', timeout: 15_000 });
    // Outside of OBS a browser lets nothing sound before somebody has touched the page.
    await page.mouse.click(5, 5);
    return { page, played, complaints };
  }

  it('is painted and played with the next tip, and fetched before it from the page’s own origin', async () => {
    const creator = await client.creator();
    const image = await upload(creator.accessToken, 'image/png', aPicture());
    const sound = await upload(creator.accessToken, 'audio/wav', aTone());
    const { page, played, complaints } = await open(creator.pageUrl);
    const fetched: string[] = [];
    page.on('request', (request) => fetched.push(request.url()));
    const loaded = [image, sound].map(({ url }) => page.waitForResponse((response) => response.url() === url && response.ok()));
    const config = {
      schemaVersion: 1,
      defaults: { image: { asset: image.id, maxHeightPct: 30 }, sound: { asset: sound.id, volume: 0.8 } },
    };
    const put = await fetch(`${house.apiUrl}/v1/overlays/${creator.overlayId}/config`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${creator.accessToken}`, 'content-type': 'application/json', 'if-match': '*' },
      body: JSON.stringify(config),
    });
    expect(put.status).toBe(200);
    await Promise.all(loaded);

    await client.tip(creator, 10_000_000_000_000_000n, 'with my own picture');
    await page.waitForSelector('[data-alert] img', { timeout: 20_000 });
    await page.waitForFunction(() => document.getAnimations().every(({ playState }) => playState !== 'running'), undefined, {
      timeout: 10_000,
    });
    const screen = PNG.sync.read(await page.screenshot({ path: resolve(PICTURES, 'overlay-own-image.png') }));
    expect(pinkPixels(screen)).toBeGreaterThan(5000);
    await expect.poll(() => played, { timeout: 5000 }).toHaveLength(1);
    expect(played[0]?.seconds).toBeCloseTo(SOUND_MS / 1000, 2);
    expect(played[0]?.loudest).toBeGreaterThan(0.4);
    expect(fetched.filter((url) => !url.startsWith(house.apiUrl) && !url.startsWith('ws:') && !url.startsWith('data:'))).toEqual([]);
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});

interface PlayedSound {
  readonly seconds: number;
  readonly loudest: number;
}

/** Tells of every sound that is started, by what is in it: neither the chime's oscillators nor silence count. */
const HEAR = `
  const start = AudioBufferSourceNode.prototype.start;
  AudioBufferSourceNode.prototype.start = function (...when) {
    const samples = this.buffer.getChannelData(0);
    window.notePlayed(this.buffer.duration, samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0));
    return start.apply(this, when);
  };
`;

function aPicture(): Buffer {
  const picture = new PNG({ width: 240, height: 160 });
  for (let at = 0; at < picture.data.length; at += 4) picture.data.set([...PINK, 255], at);
  return PNG.sync.write(picture);
}

/** WebP changes a colour by a little. */
function pinkPixels({ data }: PNG): number {
  let count = 0;
  for (let at = 0; at < data.length; at += 4) {
    if (PINK.every((value, channel) => Math.abs((data[at + channel] ?? 0) - value) < 8)) count += 1;
  }
  return count;
}

/** A WAV of 16 bits at 16 kHz. */
function aTone(): Buffer {
  const [hertz, samples] = [16_000, 16 * SOUND_MS];
  const wav = Buffer.alloc(44 + samples * 2);
  wav.write('RIFF', 0, 'latin1');
  wav.writeUInt32LE(wav.length - 8, 4);
  wav.write('WAVEfmt ', 8, 'latin1');
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(hertz, 24);
  wav.writeUInt32LE(hertz * 2, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36, 'latin1');
  wav.writeUInt32LE(samples * 2, 40);
  for (let n = 0; n < samples; n += 1) wav.writeInt16LE(Math.round(16_000 * Math.sin((2 * Math.PI * 440 * n) / hertz)), 44 + n * 2);
  return wav;
}
