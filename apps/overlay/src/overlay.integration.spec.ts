import { CloseCode } from '@droppio/protocol';
import { aDisplay, HOSTILE_TEXTS } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import { alertOf, stopTime, TOKEN, until, useTheatre } from './testing/overlay-theatre.js';

const theatre = useTheatre();
const SIZES = [
  [1920, 1080],
  [1280, 720],
  [800, 600],
  [400, 300],
  [400, 200],
  [300, 200],
  [3840, 2160],
  [1080, 1920],
  [240, 700],
] as const;

/** Runs in the page: the lines of words that are not inside their card, and the size of the smallest letters. */
function lettersOf(alert: Element): { outside: string[]; leastPx: number } {
  const card = (alert.querySelector('.card') ?? alert).getBoundingClientRect();
  const texts = document.createTreeWalker(alert, NodeFilter.SHOW_TEXT);
  const outside: string[] = [];
  let leastPx = Infinity;
  for (let text = texts.nextNode(); text !== null; text = texts.nextNode()) {
    const { parentElement } = text;
    const range = document.createRange();
    range.selectNodeContents(text);
    const lines = [...range.getClientRects()];
    if (parentElement?.closest('.coin') !== null || lines.length === 0) continue;
    leastPx = Math.min(leastPx, parseFloat(getComputedStyle(parentElement).fontSize));
    const isOut = ({ left, right, top, bottom }: DOMRect): boolean =>
      left < card.left - 1 || right > card.right + 1 || top < card.top - 1 || bottom > card.bottom + 1;
    if (lines.some(isOut)) outside.push(parentElement.className);
  }
  return { outside, leastPx };
}

describe('an alert', () => {
  it('shows who tipped, how much and what they wrote, on a page that is otherwise transparent', async () => {
    const { page, said, foreign } = await theatre.spectate();
    const tip = theatre.tip({
      name: 'vitalik.eth',
      message: 'gg\nwell played',
      amount: theatre.eth('1500000000000000001'),
    });
    const alert = alertOf(page, tip.tipId);
    await alert.waitFor();
    expect(await alert.locator('[data-name]').textContent()).toBe('vitalik.eth');
    expect(await alert.locator('[data-amount]').textContent()).toBe('1.500000000000000001 ETH');
    expect(await alert.locator('[data-message]').textContent()).toBe('gg\nwell played');
    expect(await alert.locator('[data-test]').count()).toBe(0);
    const backgrounds = await page.evaluate(() =>
      [document.documentElement, document.body, document.querySelector('#stage')].map((e) => e && getComputedStyle(e).backgroundColor),
    );
    expect(backgrounds).toEqual(Array(3).fill('rgba(0, 0, 0, 0)'));
    expect(await page.evaluate(() => getComputedStyle(document.body).overflow)).toBe('hidden');
    await until(() => theatre.gateway.shown.length === 1);
    expect(theatre.gateway.shown[0]).toMatchObject({ seq: 1 });
    expect(theatre.gateway.shown[0]?.ms).toBeGreaterThanOrEqual(500);
    await alert.waitFor({ state: 'detached' });
    expect([said, foreign, theatre.gateway.violations]).toEqual([[], [], []]);
  });

  it('is marked when it is only a test', async () => {
    const { page } = await theatre.spectate();
    theatre.test();
    expect(await page.locator('[data-alert] [data-test]').textContent()).toBe('TEST');
  });

  it('adds up what the page was not there for', async () => {
    const { page } = await theatre.spectate();
    const eth = { ...aDisplay().amount, raw: '500000000000000000' };
    const usdc = { ...eth, raw: '20000000', decimals: 6, symbol: 'USDC' };
    theatre.gateway.publish({ type: 'summary', d: { tips: 12, totals: [eth, usdc] } });
    expect(await page.locator('[data-alert] [data-name]').textContent()).toBe('12 tips');
    expect(await page.locator('[data-alert]').textContent()).toContain('while you were away');
    expect(await page.locator('[data-alert] [data-amount]').textContent()).toBe('0.5 ETH · 20 USDC');
  });

  it('does not come when its tip is retracted before its turn', async () => {
    const page = (await theatre.spectate()).page;
    const first = theatre.tip();
    const gone = theatre.tip();
    const last = theatre.tip();
    theatre.retract(gone);
    await alertOf(page, first.tipId).waitFor();
    await alertOf(page, first.tipId).waitFor({ state: 'detached' });
    await page.waitForSelector('[data-alert]');
    expect(await page.locator('[data-alert]').getAttribute('data-tip-id')).toBe(last.tipId);
  });

  it('shows hostile names and messages as the very text they are', async () => {
    // The texts themselves are looked at here, not what moderation takes out of them.
    theatre.gateway.config = { schemaVersion: 1, defaults: { durationMs: 2000 }, moderation: { stripLinks: false } };
    const { page, said, foreign } = await theatre.spectate();
    await page.evaluate(() => {
      document.title = 'untouched';
    });
    // The page's timers run as fast as the test wants.
    await page.clock.install();
    await page.reload();
    await page.waitForSelector('body[data-connection="open"]');
    for (const text of HOSTILE_TEXTS) {
      const tip = theatre.tip({ message: text }, text);
      const alert = alertOf(page, tip.tipId);
      await alert.waitFor();
      const shown = await alert.evaluate((element) => ({
        texts: ['[data-name]', '[data-message]'].map((part) => element.querySelector(part)?.textContent),
        elements: element.querySelectorAll('[data-name] *, [data-message] *').length,
        title: document.title,
      }));
      expect(shown).toEqual({ texts: [text, text], elements: 0, title: 'Droppio overlay' });
      await page.clock.runFor(2250);
      await alert.waitFor({ state: 'detached' });
    }
    expect([said, foreign, theatre.gateway.violations]).toEqual([[], [], []]);
  });

  it.each(SIZES)('stays inside a source of %i×%i, however much was written', async (width, height) => {
    await theatre.resize(width, height);
    theatre.gateway.config = { schemaVersion: 1, defaults: { durationMs: 30_000, gapMs: 0 }, motion: 'none' };
    const { page } = await theatre.spectate();
    const most = theatre.tip({ message: 'W'.repeat(280), amount: theatre.eth('9'.repeat(78)) }, 'W'.repeat(50));
    const alert = alertOf(page, most.tipId);
    await alert.waitFor();
    const box = await alert.boundingBox();
    expect(box?.x).toBeGreaterThanOrEqual(0);
    expect(box?.y).toBeGreaterThanOrEqual(0);
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(width);
    expect((box?.y ?? 0) + (box?.height ?? 0)).toBeLessThanOrEqual(height);
    const inner = await alert.evaluate((element) => [...element.querySelectorAll('*')].every((e) => e.clientWidth <= element.clientWidth));
    expect(inner).toBe(true);
    const { outside, leastPx } = await alert.evaluate(lettersOf);
    expect(outside).toEqual([]);
    expect(leastPx).toBeGreaterThanOrEqual(height === 1080 ? 28 : 7);
    // What most people write is read by most people.
    theatre.command('skip');
    const usual = theatre.tip({ message: 'Thank you for the stream, what a run!', amount: theatre.eth('250000000000000000') });
    await alertOf(page, usual.tipId).waitFor();
    expect(await alertOf(page, usual.tipId).evaluate(lettersOf)).toMatchObject({ outside: [] });
    expect((await alertOf(page, usual.tipId).evaluate(lettersOf)).leastPx).toBeGreaterThanOrEqual(10);
  });
});

describe('exactly once', () => {
  it('shows each tip once when the page is reloaded in between, and in the middle of an alert', async () => {
    const page = await theatre.context.newPage();
    const seen = await theatre.record(page);
    await theatre.visit(page);
    const tips = [theatre.tip(), theatre.tip()];
    await until(() => seen().length === 1);
    await page.reload();
    await until(() => seen().length === 2);
    tips.push(theatre.tip());
    await page.reload();
    await until(() => seen().length === 3);
    await page.reload();
    await page.waitForSelector('body[data-connection="open"]');
    tips.push(theatre.tip());
    await until(() => seen().length === 4);
    expect(seen()).toEqual(tips.map((tip) => tip.tipId));
    expect(theatre.gateway.auths.at(-1)?.cursor).toEqual({ epoch: 'e1', seq: 3 });
  });

  it('resumes with its cursor after the server went away', async () => {
    const page = await theatre.context.newPage();
    const seen = await theatre.record(page);
    await theatre.visit(page);
    const tips = [theatre.tip()];
    await until(() => seen().length === 1);
    theatre.gateway.cut();
    tips.push(theatre.tip());
    await until(() => theatre.gateway.auths.length === 2);
    expect(theatre.gateway.auths[1]?.cursor).toEqual({ epoch: 'e1', seq: 1 });
    await until(() => seen().length === 2);
    expect(seen()).toEqual(tips.map((tip) => tip.tipId));
  });

  it.each([
    ['http://127.0.0.1', ''],
    ['http://overlay.test', ''],
    ['http://127.0.0.1', '&name=left'],
    ['http://overlay.test', '&name=left'],
  ])('shows every tip on both of two sources with the same URL (%s%s)', async (host, name) => {
    const origin = theatre.gateway.origin.replace('http://127.0.0.1', host);
    const pages = [await theatre.context.newPage(), await theatre.context.newPage()];
    const seen = await Promise.all(pages.map((page) => theatre.record(page)));
    for (const page of pages) {
      await theatre.visit(page, origin, `token=${TOKEN}${name}`);
    }
    expect(await pages[0]?.evaluate(() => isSecureContext)).toBe(host === 'http://127.0.0.1');
    const first = theatre.tip();
    await until(() => seen.every((of) => of().length === 1));
    const second = theatre.tip();
    for (const page of pages) await page.reload();
    await until(() => seen.every((of) => of().length === 2));
    for (const of of seen) expect(of()).toEqual([first.tipId, second.tipId]);
    const bookmarks = await pages[0]?.evaluate(() => Object.keys(localStorage).filter((key) => key.endsWith(':shown')));
    expect(bookmarks).toHaveLength(2);
  });

  it('folds many missed alerts into one card', async () => {
    const page = await theatre.context.newPage();
    const seen = await theatre.record(page);
    await theatre.visit(page);
    await page.goto('about:blank');
    await until(() => theatre.gateway.connections === 0);
    for (let i = 0; i < 12; i += 1) theatre.tip();
    await page.goto(`${theatre.gateway.origin}/overlay/#${TOKEN}`);
    await until(() => seen().length === 1);
    expect(seen()).toEqual(['digest of 12']);
  });
});

describe('the link', () => {
  it('shows nothing for thirty seconds without one, then a small dot until it is back', async () => {
    const { page } = await theatre.spectate();
    await page.clock.install();
    await page.reload();
    await page.waitForSelector('body[data-connection="open"]');
    await stopTime(page);
    theatre.gateway.refuseWith = CloseCode.overloaded;
    theatre.gateway.cut();
    await page.waitForSelector('body[data-connection="connecting"]');
    await page.clock.runFor(29_900);
    expect(await page.locator('#link-dot').isVisible()).toBe(false);
    await page.clock.runFor(200);
    await until(() => page.locator('#link-dot').isVisible());
    expect(await page.locator('#notice').isVisible()).toBe(false);
    theatre.gateway.refuseWith = undefined;
    await page.clock.resume();
    await page.clock.runFor(25_000);
    await page.waitForSelector('body[data-connection="open"]');
    expect(await page.locator('#link-dot').isVisible()).toBe(false);
  });

  it.each([false, true])('explains a refused token in plain words, but never on a stream (inside OBS: %s)', async (inObs) => {
    if (inObs) await theatre.context.addInitScript(() => Reflect.set(window, 'obsstudio', { pluginVersion: '2.26.4' }));
    theatre.gateway.refuseWith = CloseCode.badToken;
    const { page } = await theatre.spectate({ connected: false });
    await page.waitForSelector('body[data-connection="stopped"]');
    expect(await page.locator('#notice').isVisible()).toBe(!inObs);
    expect(await page.locator('body').textContent()).toContain(inObs ? '' : 'was replaced by a new one');
  });

  it('asks for the whole address when the token is missing', async () => {
    const { page } = await theatre.spectate({ fragment: 'nothing', connected: false });
    await until(() => page.locator('#notice').isVisible());
    expect(await page.locator('body').getAttribute('data-connection')).toBe('stopped');
    expect(theatre.gateway.auths).toEqual([]);
  });

  it('tells the token to the gateway only', async () => {
    const { page, said } = await theatre.spectate();
    const tip = theatre.tip();
    await alertOf(page, tip.tipId).waitFor();
    theatre.gateway.cut();
    await until(() => theatre.gateway.auths.length === 2);
    const kept = await page.evaluate(() => JSON.stringify([localStorage, sessionStorage, document.title, document.cookie]));
    expect(kept).toContain('droppio:');
    const secret = TOKEN.slice('dro_ov_'.length);
    for (const text of [kept, said.join(), theatre.gateway.requests.join()]) expect(text).not.toContain(secret);
  });

  it('follows an address that OBS changes without a reload', async () => {
    const { page } = await theatre.spectate();
    await page.evaluate(() => {
      location.hash = '#dro_ov_another';
    });
    await until(() => theatre.gateway.auths.at(-1)?.token === 'dro_ov_another');
  });
});
