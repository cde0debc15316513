import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { heardOn, hearing, silence } from './testing/hearing.js';
import { movingPicture } from './testing/moving-picture.js';
import { alertOf, TOKEN, until, useTheatre } from './testing/overlay-theatre.js';

const theatre = useTheatre();
const SOUND = `ast_${'5'.repeat(24)}`;
const IMAGE = `ast_${'6'.repeat(24)}`;
const MISSING = `ast_${'7'.repeat(24)}`;

const PIXEL = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');

const FRAME_MS = 200;
/** More than the frames last: a picture of the screen takes tens of milliseconds. */
const LOOKS = 15;

/** Runs in the page before its own scripts. */
function noteDecoded(): void {
  const decode = Reflect.get(HTMLImageElement.prototype, 'decode');
  HTMLImageElement.prototype.decode = async function () {
    await decode.call(this);
    Reflect.set(window, 'decoded', true);
  };
}

/** Runs in the page before its own scripts. Chromium does so in a tab that is not shown, of which it draws no frame: it decodes nothing ahead, and never says so. */
function decodeNothing(): void {
  HTMLImageElement.prototype.decode = () => {
    Reflect.set(window, 'asked', true);
    return new Promise(() => undefined);
  };
}

describe('what a creator has uploaded', () => {
  it('moves by itself only where the overlay may move', async () => {
    await theatre.context.route(`**/media/${IMAGE}`, (route) => route.fulfill({ body: movingPicture(FRAME_MS), contentType: 'image/gif' }));
    await theatre.context.addInitScript(noteDecoded);
    const look = { defaults: { durationMs: 30_000, gapMs: 0, image: { asset: IMAGE, maxHeightPct: 20 } } };
    theatre.gateway.config = { schemaVersion: 1, motion: 'reduced', ...look };
    const { page } = await theatre.spectate();
    await page.waitForFunction(() => Reflect.get(window, 'decoded') === true);
    theatre.tip();
    /** The colour in the middle of the picture, as viewers see it at this moment. */
    const colour = async (): Promise<string> => {
      const { data, width, height } = PNG.sync.read(await page.locator('[data-alert] .picture').screenshot({ animations: 'allow' }));
      const [red = 0, , blue = 0] = data.subarray(4 * (width * (height >> 1) + (width >> 1)));
      return red > 200 ? 'red' : blue > 200 ? 'blue' : 'neither';
    };
    const turns = (to: string) => expect.poll(colour).toBe(to);
    await turns('red');
    for (let looks = 0; looks < LOOKS; looks += 1) expect(await colour()).toBe('red');
    theatre.configure({ motion: 'full', ...look });
    const moving = theatre.tip();
    theatre.command('skip');
    await alertOf(page, moving.tipId).waitFor();
    await turns('blue');
    await turns('red');
  });

  it('is there where the page began in a scene that nobody saw, of which no frame was drawn', async () => {
    await theatre.context.route(`**/media/${IMAGE}`, (route) => route.fulfill({ body: PIXEL, contentType: 'image/png' }));
    await theatre.context.addInitScript(decodeNothing);
    theatre.gateway.config = { schemaVersion: 1, defaults: { durationMs: 30_000, image: { asset: IMAGE, maxHeightPct: 20 } } };
    const page = await theatre.context.newPage();
    await page.clock.install();
    await theatre.visit(page);
    await until(() => page.evaluate(() => Reflect.get(window, 'asked') === true));
    await page.clock.runFor(2000);
    await alertOf(page, theatre.tip().tipId).waitFor();
    expect(await page.locator('[data-alert] .picture').count()).toBe(1);
  });

  it('is shown and heard, and an alert without it is not late', async () => {
    await hearing(theatre.context);
    await theatre.context.route(`**/media/${SOUND}`, (route) => route.fulfill({ body: silence(), contentType: 'audio/wav' }));
    await theatre.context.route(`**/media/${IMAGE}`, (route) => route.fulfill({ body: PIXEL, contentType: 'image/png' }));
    const { chainId, token } = theatre.eth('1');
    theatre.gateway.config = {
      schemaVersion: 1,
      defaults: { durationMs: 2000, sound: { asset: SOUND, volume: 0.5 }, image: { asset: IMAGE, maxHeightPct: 20 } },
      tiers: [
        {
          id: 'lost',
          when: { all: [{ field: 'amount', chainId, token, op: '>=', raw: '1000000000000000000' }] },
          override: { sound: { asset: MISSING, volume: 0.5 }, image: { asset: MISSING, maxHeightPct: 20 } },
        },
      ],
    };
    const { page } = await theatre.spectate();
    await page.waitForFunction((id) => performance.getEntriesByName(new URL(`media/${id}`, location.href).href).length > 0, SOUND);
    await page.waitForFunction((id) => performance.getEntriesByName(new URL(`media/${id}`, location.href).href).length > 0, IMAGE);
    const own = theatre.tip({ amount: theatre.eth('5') });
    await alertOf(page, own.tipId).waitFor();
    const shownAt = Date.now();
    expect(await page.locator('[data-alert] .picture').evaluate((image) => image instanceof HTMLImageElement && image.complete)).toBe(true);
    expect(await page.locator('[data-alert] .coin').count()).toBe(0);
    await until(async () => JSON.stringify(await heardOn(page)) === '[3]');
    await alertOf(page, own.tipId).waitFor({ state: 'detached' });
    // Not after two seconds, but one after its sound.
    expect(Date.now() - shownAt).toBeGreaterThan(3500);
    const lost = theatre.tip({ amount: theatre.eth('1000000000000000000') });
    await alertOf(page, lost.tipId).waitFor();
    expect(await page.locator('[data-alert] .picture').count()).toBe(0);
    await until(async () => JSON.stringify(await heardOn(page)) === '[3,"chime","chime"]');
  });
});

describe('two sources of one address', () => {
  const cases = ['http://127.0.0.1', 'http://overlay.test'].flatMap((host) => [
    { instances: 'primary-with-sound', host, sounding: 1 },
    { instances: 'all-with-sound', host, sounding: 2 },
  ]);

  it.each(cases)('both show an alert; $instances: $sounding of them sound ($host)', async ({ instances, host, sounding }) => {
    theatre.gateway.config = { schemaVersion: 1, durationMs: 3000, instances };
    await hearing(theatre.context);
    const origin = theatre.gateway.origin.replace('http://127.0.0.1', host);
    const pages = [await theatre.context.newPage(), await theatre.context.newPage()];
    for (const page of pages) await theatre.visit(page, origin);
    const heard = () => Promise.all(pages.map(async (page) => (await heardOn(page)).length));
    const soundAt = async (): Promise<number> => (await heard()).filter((count) => count > 0).length;
    // Without locks pages find out by talking.
    if (host === 'http://overlay.test') await pages[0]?.waitForTimeout(500);
    const tip = theatre.tip();
    await Promise.all(pages.map((page) => alertOf(page, tip.tipId).waitFor()));
    await until(async () => (await soundAt()) === sounding);
    await Promise.all(pages.map((page) => alertOf(page, tip.tipId).waitFor({ state: 'detached' })));
    expect((await heard()).sort()).toEqual(sounding === 1 ? [0, 2] : [2, 2]);
  });

  it('sound where one of them has a name, and goes on sounding when the other one ends, without locks too', async () => {
    theatre.gateway.config = { schemaVersion: 1, durationMs: 2000 };
    await hearing(theatre.context);
    const origin = theatre.gateway.origin.replace('http://127.0.0.1', 'http://overlay.test');
    const open = async (fragment: string) => {
      const page = await theatre.context.newPage();
      await page.goto(`${origin}/overlay/#${fragment}`);
      await page.waitForSelector('body[data-connection="open"]');
      return page;
    };
    const [named, nameless] = [await open(`token=${TOKEN}&name=left`), await open(TOKEN)];
    await nameless.close();
    await named.waitForTimeout(500);
    await alertOf(named, theatre.tip().tipId).waitFor();
    await until(async () => (await heardOn(named)).length === 2);
  });
});

describe('a browser that wants a click first', () => {
  it.each([true, false])('is asked for one, but never on a stream (inside OBS: %s)', async (inObs) => {
    if (inObs) await theatre.context.addInitScript(() => Reflect.set(window, 'obsstudio', { pluginVersion: '2.26.4' }));
    // Whoever drives the browser from outside counts as a person who clicks.
    await theatre.context.addInitScript(() => {
      Object.defineProperty(navigator, 'userActivation', { value: { hasBeenActive: false } });
    });
    const { page } = await theatre.spectate();
    const note = page.getByText('Click to enable sound');
    // The config is worn by then.
    await alertOf(page, theatre.tip().tipId).waitFor();
    expect(await note.isVisible()).toBe(!inObs);
    await page.mouse.click(5, 5);
    await until(async () => !(await note.isVisible()));
  });

  it('is not asked for one where nothing would sound', async () => {
    theatre.gateway.config = { schemaVersion: 1, defaults: { sound: null } };
    const { page } = await theatre.spectate();
    await alertOf(page, theatre.tip().tipId).waitFor();
    expect(await page.getByText('Click to enable sound').isVisible()).toBe(false);
  });
});
