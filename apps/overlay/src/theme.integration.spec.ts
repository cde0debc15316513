import { ANCHORS, ANIMATIONS } from '@droppio/tips';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { alertOf, stopTime, until, useTheatre } from './testing/overlay-theatre.js';

const theatre = useTheatre();

/** Stops the alert's own animation at a share of its length and says how it looks there. */
function frameAt(page: Page, share: number): Promise<{ opacity: string; transform: string }> {
  return page.locator('[data-alert]').evaluate((alert, at) => {
    for (const animation of alert.getAnimations()) {
      animation.pause();
      animation.currentTime = Number(animation.effect?.getComputedTiming().duration ?? 0) * at;
    }
    const { opacity, transform } = getComputedStyle(alert);
    return { opacity, transform };
  }, share);
}

describe('the theme', () => {
  it('gives every animation an entrance and an exit of its own, fully visible in between', async () => {
    const keyFrames = new Set<string>();
    const { page } = await theatre.spectate();
    await page.clock.install();
    await page.reload();
    await page.waitForSelector('body[data-connection="open"]');
    await stopTime(page);
    for (const animation of ANIMATIONS) {
      theatre.configure({ defaults: { durationMs: 2000, enter: animation, exit: animation } });
      const alert = alertOf(page, theatre.tip().tipId);
      await alert.waitFor({ state: 'attached' });
      // Its time begins with the first frame of it that is drawn.
      await page.clock.runFor(20);
      const entering = await frameAt(page, 0.05);
      expect(Number(entering.opacity), `${animation} begins unseen`).toBeLessThan(0.6);
      expect(Number((await frameAt(page, 0.999)).opacity)).toBeGreaterThan(0.98);
      await page.clock.runFor(1700);
      await page.waitForSelector('[data-alert][data-leaving]', { state: 'attached' });
      const leaving = await frameAt(page, 0.95);
      expect(Number(leaving.opacity), `${animation} ends unseen`).toBeLessThan(0.2);
      keyFrames.add(entering.transform);
      keyFrames.add(leaving.transform);
      await page.clock.runFor(300);
      await alert.waitFor({ state: 'detached' });
      await page.clock.runFor(250);
    }
    // Fading in and fading out have the same (no) transform; the other ten are all different.
    expect(keyFrames.size).toBe(ANIMATIONS.length * 2 - 1);
  });

  const third = (at: number, of: number): number => Math.floor((at / of) * 3);

  it.each(ANCHORS)('puts alerts at %s', async (anchor) => {
    theatre.gateway.config = { schemaVersion: 1, defaults: { durationMs: 30_000 }, canvas: { anchor, marginPct: 5 }, motion: 'none' };
    const { page } = await theatre.spectate();
    const tip = theatre.tip();
    const box = await alertOf(page, tip.tipId).boundingBox();
    if (box === null) throw new Error('no alert');
    const column = ['left', 'center', 'right'][third(box.x + box.width / 2, 1920)];
    const row = ['top', 'center', 'bottom'][third(box.y + box.height / 2, 1080)];
    expect(anchor === 'center' ? 'center-center' : anchor).toBe(`${String(row)}-${String(column)}`);
    expect(Math.min(box.x, box.y, 1920 - box.x - box.width, 1080 - box.y - box.height)).toBeGreaterThanOrEqual(53.9);
  });

  it.each(['reduced', 'none'] as const)('keeps still when the creator asks for %s motion', async (motion) => {
    theatre.gateway.config = { schemaVersion: 1, defaults: { durationMs: 30_000, enter: 'flip' }, motion };
    const { page } = await theatre.spectate();
    const tip = theatre.tip();
    await alertOf(page, tip.tipId).waitFor();
    expect(await frameAt(page, 0.1)).toMatchObject({ transform: 'none' });
    const turning = await page.locator('[data-coin]').evaluate((coin) => coin.getAnimations().length);
    expect(turning).toBe(0);
  });

  it('dresses a big tip by its tier, lets it go first, and fills the words once', async () => {
    const { chainId, token } = theatre.eth('1');
    theatre.gateway.config = {
      schemaVersion: 1,
      defaults: { durationMs: 2000 },
      tiers: [
        {
          id: 'whale',
          when: { all: [{ field: 'amount', chainId, token, op: '>=', raw: '500000000000000000' }] },
          override: { font: { accent: '#ffd700' }, template: '{name} is a whale: {amount} {symbol}' },
          queue: 'jump',
        },
      ],
    };
    const page = await theatre.context.newPage();
    const seen = await theatre.record(page);
    await theatre.visit(page);
    const [first, small, big] = [theatre.tip(), theatre.tip(), theatre.tip({ amount: theatre.eth('500000000000000000') }, '{message}')];
    await alertOf(page, big.tipId).waitFor();
    expect(await page.locator('[data-alert] [data-amount]').evaluate((e) => getComputedStyle(e).color)).toBe('rgb(255, 215, 0)');
    expect(await page.locator('[data-alert] .headline').innerText()).toBe('{message} is a whale:');
    expect(await page.locator('[data-alert] [data-amount]').innerText()).toBe('0.5 ETH');
    await until(() => seen().length === 3);
    expect(seen()).toEqual([first.tipId, big.tipId, small.tipId]);
  });

  it('wears the document of the API: its words, colours, letters and sizes', async () => {
    theatre.gateway.config = {
      schemaVersion: 1,
      canvas: { anchor: 'bottom-left', scale: 1.5 },
      motion: 'none',
      defaults: {
        template: 'Big thanks to {name} for {amount} {symbol}!',
        durationMs: 30_000,
        font: { family: 'Noto Sans', sizePx: 48, color: '#ff0000', accent: '#00ff00' },
        card: { background: '#0000ff', radiusPx: 0 },
        show: { message: false },
      },
    };
    const { page } = await theatre.spectate();
    const tip = theatre.tip({ name: '<b>{symbol}</b>', amount: theatre.eth('500000000000000000'), message: 'hidden words' });
    const alert = alertOf(page, tip.tipId);
    await alert.waitFor();
    expect(await alert.locator('.headline').innerText()).toBe('Big thanks to <b>{symbol}</b> for 0.5 ETH!');
    expect(await page.getByText('hidden words').isVisible()).toBe(false);
    const looks = await alert.locator('[data-card]').evaluate((card) => {
      const of = (element: Element | null) => (element === null ? undefined : getComputedStyle(element));
      const { color, fontFamily } = of(card.querySelector('[data-action]')) ?? {};
      const { backgroundColor, borderRadius } = getComputedStyle(card);
      return { color, fontFamily, backgroundColor, borderRadius, accent: of(card.querySelector('[data-amount]'))?.color };
    });
    expect(looks).toMatchObject({
      color: 'rgb(255, 0, 0)',
      accent: 'rgb(0, 255, 0)',
      backgroundColor: 'rgb(0, 0, 255)',
      borderRadius: '0px',
    });
    expect(looks.fontFamily).toMatch(/^"?Noto Sans"?,/);
    const size = await alert.locator('.headline').evaluate((headline) => getComputedStyle(headline).fontSize);
    expect(Math.round(parseFloat(size))).toBe(72);
    expect(await page.locator('#stage').getAttribute('data-anchor')).toBe('bottom-left');
  });

  it('takes a new config for the next alert, without a reload', async () => {
    const { page } = await theatre.spectate();
    const first = theatre.tip();
    await alertOf(page, first.tipId).waitFor();
    theatre.configure({ defaults: { durationMs: 2000 }, canvas: { anchor: 'bottom-right' }, moderation: { showMessages: false } });
    const second = theatre.tip({ message: 'hidden words' });
    expect(await page.locator('#stage').getAttribute('data-anchor')).toBe('top-center');
    await alertOf(page, second.tipId).waitFor();
    expect(await page.locator('#stage').getAttribute('data-anchor')).toBe('bottom-right');
    expect(await page.getByText('hidden words').isVisible()).toBe(false);
  });
});

describe('commands', () => {
  it('skip ends the alert within a second and goes on with the next', async () => {
    theatre.gateway.config = { schemaVersion: 1, durationMs: 30_000 };
    const { page } = await theatre.spectate();
    const [first, second] = [theatre.tip(), theatre.tip()];
    await alertOf(page, first.tipId).waitFor();
    // The page itself notes when it leaves, however seldom anybody has time to look.
    await page.evaluate(() => {
      const left = new Promise<number>((resolve) => {
        new MutationObserver(() => {
          if (document.querySelector('[data-leaving]') !== null) resolve(Date.now());
        }).observe(document.body, { subtree: true, attributes: true, attributeFilter: ['data-leaving'] });
      });
      Reflect.set(window, 'left', left);
    });
    const saidAt = Date.now();
    theatre.command('skip');
    const leftAt = await page.evaluate(() => Reflect.get(window, 'left') as Promise<number>);
    expect(leftAt - saidAt).toBeLessThan(1000);
    await alertOf(page, second.tipId).waitFor();
  });

  it('pause lets the running alert end and holds the others, over a reload too, until resume', async () => {
    const page = await theatre.context.newPage();
    const seen = await theatre.record(page);
    await theatre.visit(page);
    const [first, second] = [theatre.tip(), theatre.tip()];
    await alertOf(page, first.tipId).waitFor();
    theatre.command('pause');
    await alertOf(page, first.tipId).waitFor({ state: 'detached' });
    await page.reload();
    await page.waitForSelector('body[data-connection="open"]');
    await page.waitForTimeout(600);
    expect(seen()).toEqual([first.tipId]);
    theatre.command('resume');
    await until(() => seen().length === 2);
    expect(seen()).toEqual([first.tipId, second.tipId]);
  });

  it('clear drops what waits, and only that', async () => {
    const page = await theatre.context.newPage();
    const seen = await theatre.record(page);
    await theatre.visit(page);
    const [first] = [theatre.tip(), theatre.tip(), theatre.tip()];
    await until(() => seen().length === 1);
    theatre.command('clear');
    const last = theatre.tip();
    await until(() => seen().length === 2);
    expect(seen()).toEqual([first.tipId, last.tipId]);
  });
});

describe('sound', () => {
  /** Pages that count the notes they strike. */
  async function listeners(count: number): Promise<{ pages: Page[]; notes: () => Promise<number[]> }> {
    await theatre.context.addInitScript(() => {
      Reflect.set(window, 'obsstudio', { pluginVersion: '2.26.4' });
      Reflect.set(window, 'notes', 0);
      window.AudioContext = class extends AudioContext {
        override createOscillator(): OscillatorNode {
          Reflect.set(window, 'notes', Number(Reflect.get(window, 'notes')) + 1);
          return super.createOscillator();
        }
      };
    });
    const pages = await Promise.all(Array.from({ length: count }, () => theatre.context.newPage()));
    for (const page of pages) await theatre.visit(page);
    return { pages, notes: () => Promise.all(pages.map((page) => page.evaluate(() => Number(Reflect.get(window, 'notes'))))) };
  }

  it('comes from one of two pages of an overlay, and from the other one when that is gone', async () => {
    const { pages, notes } = await listeners(2);
    const tip = theatre.tip();
    for (const page of pages) await alertOf(page, tip.tipId).waitFor();
    const struck = await notes();
    expect(struck.toSorted((a, b) => a - b)).toEqual([0, 2]);
    const silent = pages[struck.indexOf(0)];
    await pages[struck.indexOf(2)]?.close();
    await silent?.locator('[data-alert]').waitFor({ state: 'detached' });
    theatre.tip();
    await silent?.locator('[data-alert]').waitFor();
    expect(await silent?.evaluate(() => Number(Reflect.get(window, 'notes')))).toBe(2);
  });

  it('is off while the overlay is muted, and the picture is not', async () => {
    const { pages, notes } = await listeners(1);
    theatre.command('mute');
    const tip = theatre.tip();
    for (const page of pages) await alertOf(page, tip.tipId).waitFor();
    expect(await notes()).toEqual([0]);
  });
});
