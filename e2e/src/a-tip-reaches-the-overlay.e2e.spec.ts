import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { cleanMessage } from '@droppio/tips';
import { HOSTILE_TEXTS } from '@droppio/tips/testing';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { HouseClient } from './houses/index.js';
import { ROOT, startStandalone, startTrio, type House } from './houses/index.js';
import { OverlaySource } from './overlay-source.js';
import { startBrowser } from './services/browser.js';

const PICTURES = process.env['DROPPIO_PICTURES'] ?? resolve(ROOT, 'test-results');
const GWEI = 1_000_000_000n;
/** Fewer than are summed up in one card. */
const ON_THEIR_WAY = 10;
/** As the contract takes it: at most 280 bytes of UTF-8; the last character may be cut to one that stands for none. */
const onChain = (text: string): string => Buffer.from(text).subarray(0, 277).toString();
/** Lets the page's time run, in steps in which no alert comes and goes. */
async function runUntil(page: Page, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error('it did not come so far');
    await page.clock.runFor(100);
  }
}
/** What the page itself fetches after it has begun: its icon, and letters when a text needs them. */
const OWN_FILES = /^http:\/\/127\.0\.0\.1:\d+\/overlay\/(?:favicon\.svg|assets\/[\w-]+\.woff2)$/;

const houses: readonly (readonly [string, () => Promise<House>])[] = [
  ['standalone: memory and embedded Postgres', () => startStandalone({ anvilPath: inject('anvilPath') })],
  [
    'api, listener and two gateways: Redis and Postgres',
    () => startTrio({ anvilPath: inject('anvilPath'), redisUrl: inject('redisUrl'), postgresUrl: inject('postgresUrl'), gateways: 2 }),
  ],
];

describe.each(houses)('a tip reaches the overlay (%s)', (_, start) => {
  let browser: Browser;
  let house: House;
  let client: HouseClient;

  beforeAll(async () => {
    mkdirSync(PICTURES, { recursive: true });
    browser = await startBrowser(inject('chromiumPath'));
    house = await start();
    client = new HouseClient(house);
  });

  afterAll(async () => {
    await browser.close();
    await house.stop();
  });

  it('shows name, amount and message in a real browser', async () => {
    const creator = await client.creator();
    const overlay = await OverlaySource.open(browser, creator.pageUrl);
    await client.tip(creator, 10_000_000n * GWEI, 'gg <b>well played</b> 🎉');
    await overlay.alert('0.01 ETH');
    await overlay.alert('gg <b>well played</b> 🎉');
    expect(await overlay.page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe('rgba(0, 0, 0, 0)');
    expect(await overlay.page.locator('[data-alert] b').count()).toBe(0);
    // The alert has come in fully when its entry animation is over.
    await overlay.page.waitForFunction(() => document.getAnimations().every((animation) => animation.playState !== 'running'), undefined, {
      timeout: 10_000,
    });
    await overlay.page.evaluate(() => {
      document.documentElement.style.background = 'linear-gradient(135deg, #1b2735, #3b2b58)';
    });
    await overlay.page.screenshot({
      path: resolve(PICTURES, `overlay-${house.name}.png`),
      clip: { x: 460, y: 0, width: 1000, height: 320 },
    });
    await overlay.close();
  });

  it('shows each of two tips exactly once, though the page is reloaded in between and closed during the second', async () => {
    const creator = await client.creator();
    const overlay = await OverlaySource.open(browser, creator.pageUrl);
    const first = await client.tip(creator, 20_000_000n * GWEI, 'the first');
    await overlay.alert('the first');
    await overlay.reload();
    await overlay.page.goto('about:blank');
    const second = await client.tip(creator, 30_000_000n * GWEI, 'while away');
    await overlay.page.goto(creator.pageUrl);
    await overlay.alert('while away');
    const third = await client.tip(creator, 40_000_000n * GWEI, 'the last');
    await overlay.alert('the last');
    const { chainId } = house.chain;
    expect(overlay.shown.map((alert) => alert.tipId)).toEqual([first, second, third].map((hash) => `${String(chainId)}-${hash}-0`));
    await overlay.close();
  });

  it('skips, pauses and clears within a second of the word to the API', async () => {
    const creator = await client.creator();
    const overlay = await OverlaySource.open(browser, creator.pageUrl);
    const ask = (method: string, path: string, body?: unknown) => client.call(method, `/v1/queue${path}`, creator.accessToken, body);
    const within = { timeout: 1000 };
    const leaving = (message: string) => overlay.page.locator('[data-alert][data-leaving]', { hasText: message });
    /** What the page writes down when it obeys, for the page after it. */
    const notes = (text: string) =>
      expect.poll(() => overlay.page.evaluate(() => JSON.stringify(localStorage)), { ...within, interval: 20 }).toContain(text);
    const sent: string[] = [];
    for (const message of ['the first', 'the second', 'the third', 'the fourth']) sent.push(await client.tip(creator, GWEI, message));
    await overlay.alert('the first');
    await Promise.all([ask('POST', '/skip'), leaving('the first').waitFor(within)]);
    await overlay.alert('the second');
    await Promise.all([ask('PUT', '', { paused: true, muted: true }), notes('paused muted')]);
    // What is on the screen comes to its end, here a little sooner; nothing follows it.
    await Promise.all([ask('POST', '/skip'), leaving('the second').waitFor(within)]);
    await overlay.page.waitForSelector('[data-alert]', { state: 'detached', ...within });
    await overlay.page.waitForTimeout(800);
    // What will not be shown is written down with what was.
    await Promise.all([ask('POST', '/clear'), notes(sent.at(-1) ?? 'the fourth')]);
    await ask('PUT', '', { paused: false, muted: false });
    await client.tip(creator, GWEI, 'the last');
    await overlay.alert('the last');
    expect(overlay.shown.map(({ text }) => /the \w+/.exec(text)?.[0])).toEqual(['the first', 'the second', 'the last']);
    await overlay.close();
  });

  it('has the tips in the history, newest first', async () => {
    const creator = await client.creator();
    await client.tip(creator, GWEI, 'older');
    await client.tip(creator, GWEI, 'newer');
    await expect.poll(async () => (await client.history(creator)).map((tip) => tip.message)).toEqual(['newer', 'older']);
  });

  it('keeps the tips of one creator from the overlay of another', async () => {
    const [mine, theirs] = [await client.creator(), await client.creator()];
    const overlay = await OverlaySource.open(browser, mine.pageUrl);
    await client.tip(theirs, GWEI, 'not for you');
    await client.tip(mine, GWEI, 'for you');
    await overlay.alert('for you');
    expect(overlay.shown.map((alert) => alert.text).join()).not.toContain('not for you');
    await overlay.close();
  });

  it('shows hostile messages as the very text they are, from the contract to the screen, and asks nobody for anything because of them', async () => {
    const creator = await client.creator({ defaults: { durationMs: 2000, gapMs: 0 }, moderation: { stripLinks: false } });
    const overlay = await OverlaySource.open(browser, creator.pageUrl);
    const { page } = overlay;
    const asked: string[] = [];
    await page.addInitScript(() => {
      addEventListener('securitypolicyviolation', () => {
        Reflect.set(window, 'violations', Number(Reflect.get(window, 'violations') ?? 0) + 1);
      });
    });
    // From here on the page's own time runs only as far as it is let.
    await page.clock.install();
    await overlay.reload();
    await page.clock.pauseAt(Date.now() + 5000);
    page.on('request', (request) => asked.push(request.url()));
    for (let at = 0; at < HOSTILE_TEXTS.length; at += ON_THEIR_WAY) {
      const texts = HOSTILE_TEXTS.slice(at, at + ON_THEIR_WAY).map(onChain);
      const hashes: string[] = [];
      for (const text of texts) hashes.push(await client.send(creator, GWEI, text));
      for (const [place, hash] of hashes.entries()) {
        const alert = page.locator(`[data-alert][data-tip-id="${String(house.chain.chainId)}-${hash}-0"]`);
        await runUntil(page, async () => (await alert.count()) === 1);
        const shown = await alert.evaluate((element) => ({
          text: element.querySelector('[data-message]')?.textContent,
          elements: element.querySelectorAll('[data-message] *').length,
        }));
        expect(shown).toEqual({ text: cleanMessage(texts[place] ?? ''), elements: 0 });
        await runUntil(page, async () => (await alert.count()) === 0);
      }
    }
    expect(await page.evaluate((): unknown => [document.title, Reflect.get(window, 'violations')])).toEqual(['Droppio overlay', undefined]);
    expect([asked.filter((url) => !OWN_FILES.test(url)), overlay.console]).toEqual([[], []]);
    await overlay.close();
  });

  it('wears the Custom CSS of an OBS source, in each way that OBS has had of putting it in, and no markup', async () => {
    const creator = await client.creator();
    const overlay = await OverlaySource.open(browser, creator.pageUrl);
    await overlay.page.evaluate(() => {
      // Until 2019: a style sheet in a data URL.
      const link = document.createElement('link');
      link.rel = 'stylesheet';
      link.href = `data:text/css;charset=utf-8;base64,${btoa('.alert .name { letter-spacing: 7px }')}`;
      // Since then as HTML of a style element, today as its text.
      const [older, newer, image] = ['style', 'style', 'div'].map((tag) => document.createElement(tag));
      if (older === undefined || newer === undefined || image === undefined) throw new Error('no elements');
      older.innerHTML = decodeURIComponent(encodeURIComponent('.alert .name { word-spacing: 5px; quotes: "<b>" "&" }'));
      newer.append(document.createTextNode('.alert .name { text-indent: 3px }'));
      image.innerHTML = '<img src="/nobody" onerror="document.title = 1">';
      document.head.append(link, older, newer);
      document.body.append(image);
    });
    await client.tip(creator, GWEI, 'in other clothes');
    await overlay.alert('in other clothes');
    const worn = await overlay.page.locator('[data-name]').evaluate((name) => {
      const { letterSpacing, wordSpacing, textIndent, quotes } = getComputedStyle(name);
      return [letterSpacing, wordSpacing, textIndent, quotes, document.title, document.querySelectorAll('img[src="/nobody"]').length];
    });
    expect(worn).toEqual(['7px', '5px', '3px', '"<b>" "&"', 'Droppio overlay', 0]);
    expect(overlay.console).toEqual([]);
    await overlay.close();
  });

  it('writes no overlay token and no message into any log', async () => {
    const creator = await client.creator();
    const overlay = await OverlaySource.open(browser, creator.pageUrl);
    await client.tip(creator, GWEI, 'canary-in-the-message');
    await overlay.alert('canary-in-the-message');
    const token = creator.pageUrl.split('#')[1] ?? 'missing';
    for (const text of [house.output(), overlay.console.join('\n')]) {
      expect(text).not.toContain(token);
      expect(text).not.toContain(creator.accessToken);
      expect(text).not.toContain('canary-in-the-message');
    }
    await overlay.close();
  });
});
