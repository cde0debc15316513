import { DEFAULT_OVERLAY_CONFIG } from '@droppio/tips';
import { HOSTILE_TEXTS, randomHex } from '@droppio/tips/testing';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { TOKEN, until, useTheatre } from '../testing/overlay-theatre.js';
import { WidgetStand, type WidgetChange } from '../testing/widget-stand.js';

const theatre = useTheatre();
const eth = { unit: 'token' as const, chainId: 31_337, token: `0x${'00'.repeat(20)}` as const, symbol: 'ETH', decimals: 18 };
const ETH = 10n ** 18n;

const goal = (target: bigint, title = 'New microphone'): WidgetChange => ({
  widget: 'goal',
  goal: { ...eth, title, target: target.toString(), start: '0', since: null },
});
const text = (page: Page, part: string) => page.locator(`#widget [data-${part}]`).allTextContents();
const says = (page: Page, part: string, ...texts: readonly string[]) => expect.poll(() => text(page, part)).toEqual(texts);

describe('a goal bar', () => {
  it('stands where the server says, and moves with every tip, there and back', async () => {
    const stand = new WidgetStand(theatre, goal(10n * ETH));
    stand.before('someone', 2n * ETH, 60);
    const { page, said, foreign } = await theatre.spectate();
    await says(page, 'goal-title', 'New microphone');
    await says(page, 'goal-amount', '2 ETH');
    await says(page, 'goal-target', 'of 10 ETH');
    const tip = stand.tip('vitalik.eth', (ETH * 43n) / 10n);
    await says(page, 'goal-amount', '6.3 ETH');
    await says(page, 'goal-percent', '63 %');
    expect(theatre.gateway.widgetAsked).toEqual([`Bearer ${TOKEN}`]);
    stand.retract(tip);
    await says(page, 'goal-amount', '2 ETH');
    theatre.test();
    stand.tip('bob', ETH);
    await says(page, 'goal-percent', '30 %');
    expect(await page.locator('[data-alert]').count()).toBe(0);
    expect(theatre.gateway.shown).toEqual([]);
    expect([said, foreign, theatre.gateway.violations]).toEqual([[], [], []]);
  });

  it('asks again when it was away, and about an older tip that is taken back', async () => {
    const stand = new WidgetStand(theatre, goal(10n * ETH));
    const old = stand.before('someone', 2n * ETH, 60);
    const { page } = await theatre.spectate();
    await says(page, 'goal-amount', '2 ETH');
    stand.retract(old);
    await says(page, 'goal-amount', '0 ETH');
    theatre.gateway.cut();
    // At once: a page may be back after a few milliseconds.
    stand.tip('while-away', 3n * ETH);
    await says(page, 'goal-amount', '3 ETH');
    expect(theatre.gateway.auths).toHaveLength(2);
    await page.reload();
    await says(page, 'goal-amount', '3 ETH');
  });

  it('celebrates once, over reloads, and never blinks', async () => {
    const stand = new WidgetStand(theatre, goal(ETH));
    const { page } = await theatre.spectate();
    await says(page, 'goal-percent', '0 %');
    const tip = stand.tip('alice.eth', ETH);
    await page.waitForSelector('[data-paper]');
    expect(await page.locator('[data-goal][data-reached]').count()).toBe(1);
    const animations = await page.evaluate(() =>
      document
        .getAnimations()
        .map((one) => ({ times: one.effect?.getTiming().iterations, lasts: Number(one.effect?.getTiming().duration) })),
    );
    expect(animations.filter(({ times, lasts }) => times !== 1 || lasts < 400)).toEqual([]);
    await page.reload();
    await says(page, 'goal-percent', '100 %');
    stand.retract(tip);
    await says(page, 'goal-percent', '0 %');
    stand.tip('bob.eth', 2n * ETH);
    await says(page, 'goal-percent', '200 %');
    expect(await page.locator('[data-paper]').count()).toBe(0);
  });
});

describe('a ticker', () => {
  it('says of messages what alerts of the overlay would say, of those that were there and of those that come', async () => {
    const { chainId, token } = eth;
    const moderation = {
      showMessages: true,
      maxMessageChars: 12,
      stripLinks: true,
      minToShowMessage: [{ chainId, token, raw: ETH.toString() }],
    };
    const stand = new WidgetStand(theatre, { widget: 'ticker', moderation });
    stand.before('dave', ETH - 1n, 6, { message: 'for less' });
    stand.before('carol', ETH, 5, { message: 'see evil.com/x' });
    const { page } = await theatre.spectate();
    await says(page, 'row-message', 'see', '');
    stand.tip('erin', ETH, { message: 'twelve letters and more' });
    stand.tip('frank', ETH / 2n, { message: 'for less' });
    await says(page, 'row-message', '', 'twelve lette…', 'see', '');
  });

  it('shows the latest tips, newest first, each as text', async () => {
    // The texts themselves are looked at here, not what moderation takes out of them.
    const moderation = { ...DEFAULT_OVERLAY_CONFIG.moderation, stripLinks: false };
    const stand = new WidgetStand(theatre, { widget: 'ticker', moderation, ticker: { ...DEFAULT_OVERLAY_CONFIG.ticker, count: 3 } });
    stand.before('carol', ETH / 100n, 5, { message: 'first' });
    const { page, said } = await theatre.spectate();
    await says(page, 'row-name', 'carol');
    await says(page, 'row-age', '5 min');
    for (const words of HOSTILE_TEXTS) {
      const { tipId } = stand.tip(words, ETH, { message: words });
      await page.waitForSelector(`[data-ticker-row][data-tip-id="${tipId}"]`);
      const row = page.locator('[data-ticker-row]').first();
      expect(await row.locator('[data-row-name]').textContent()).toBe(words);
      expect(await row.locator('[data-row-message]').textContent()).toBe(words);
      expect(await row.locator('[data-row-name] *, [data-row-message] *').count()).toBe(0);
    }
    expect(await page.locator('[data-ticker-row]').count()).toBe(3);
    const last = stand.tip('mallory', ETH, { message: 'taken back' });
    await expect.poll(async () => (await text(page, 'row-name'))[0]).toBe('mallory');
    stand.retract(last);
    await expect.poll(async () => (await text(page, 'row-name'))[0]).toBe(HOSTILE_TEXTS.at(-1));
    expect([said, theatre.gateway.violations]).toEqual([[], []]);
  });

  it('tells the ages of tips by the clock of the server, though the one of the computer is three hours fast', async () => {
    theatre.gateway.tellsTime = true;
    const stand = new WidgetStand(theatre, { widget: 'ticker' });
    stand.before('carol', ETH, 5);
    const page = await theatre.context.newPage();
    await page.clock.install({ time: Date.now() + 3 * 3_600_000 });
    await theatre.visit(page);
    await says(page, 'row-age', '5 min');
  });

  it('gives each of many rows its turn by the clock, where there is room for few', async () => {
    await theatre.resize(800, 200);
    const stand = new WidgetStand(theatre, { widget: 'ticker', ticker: { ...DEFAULT_OVERLAY_CONFIG.ticker, count: 8 } });
    for (let n = 0; n < 8; n += 1) stand.before(`tipper-${String(n)}`, BigInt(n + 1) * ETH, 10 - n);
    const page = await theatre.context.newPage();
    await page.clock.install({ time: 0 });
    await theatre.visit(page);
    await page.clock.runFor(2000);
    const shown = async (): Promise<string[]> => {
      const rows = page.locator('[data-ticker-row]:visible [data-row-name]');
      return rows.allTextContents();
    };
    await expect.poll(shown).toContain('tipper-7');
    await page.clock.pauseAt(60_000);
    const seen = new Set(await shown());
    expect(seen.size).toBeLessThan(8);
    for (let page_ = 0; page_ < 8; page_ += 1) {
      await page.clock.runFor(7000);
      for (const name of await shown()) seen.add(name);
    }
    expect(seen.size).toBe(8);
  });
});

describe('a board', () => {
  it('sorts who tipped, by exact amounts', async () => {
    const stand = new WidgetStand(theatre, { widget: 'top', top: { ...eth, title: 'Top tippers', count: 3, period: 'all' } });
    const [alice, bob] = [randomHex(20), randomHex(20)];
    stand.before('alice', 10n ** 30n, 60, { from: alice });
    const { page } = await theatre.spectate();
    await says(page, 'row-name', 'alice');
    stand.tip('bob', 10n ** 30n - 1n, { from: bob });
    await expect.poll(() => text(page, 'top-row')).toHaveLength(2);
    expect((await text(page, 'row-name'))[0]).toBe('alice');
    stand.tip('bob', 2n, { from: bob });
    await expect.poll(async () => (await text(page, 'row-name'))[1]).toBe('alice');
    for (const amount of [1n, 2n, 3n]) stand.tip('small', amount);
    await expect.poll(() => text(page, 'top-row')).toHaveLength(3);
  });
});

describe('a page whose config changes', () => {
  it('becomes another widget at once, and alerts again', async () => {
    const stand = new WidgetStand(theatre, goal(10n * ETH));
    const { page } = await theatre.spectate();
    await says(page, 'goal-amount', '0 ETH');
    stand.change({ widget: 'ticker' });
    await says(page, 'list-title', 'Latest tips');
    expect(await page.locator('[data-goal]').count()).toBe(0);
    stand.tip('alice', ETH);
    await says(page, 'row-name', 'alice');
    stand.change({ widget: 'alerts' });
    await until(async () => (await page.locator('#widget > *').count()) === 0);
    stand.tip('bob', ETH);
    await page.waitForSelector('[data-alert]');
    expect(await page.locator('[data-alert] [data-name]').textContent()).toBe('bob');
    stand.change(goal(10n * ETH, 'Again'));
    await says(page, 'goal-title', 'Again');
    await says(page, 'goal-amount', '2 ETH');
  });

  it('moves nothing where the creator wants no movement', async () => {
    const stand = new WidgetStand(theatre, { ...goal(ETH), motion: 'none' });
    const { page } = await theatre.spectate();
    await says(page, 'goal-percent', '0 %');
    stand.tip('alice', ETH);
    await says(page, 'goal-percent', '100 %');
    expect(await page.locator('[data-paper]').count()).toBe(0);
    expect(await page.evaluate(() => document.getAnimations().length)).toBe(0);
  });
});
