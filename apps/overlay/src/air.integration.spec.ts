import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DEFAULT_OVERLAY_CONFIG, type OverlayConfig } from '@droppio/tips';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { alertOf, stopTime, until, useTheatre } from './testing/overlay-theatre.js';

const theatre = useTheatre();

function configure(change: Partial<OverlayConfig> = {}, durationMs = 2000): void {
  const defaults = { ...DEFAULT_OVERLAY_CONFIG.defaults, durationMs };
  theatre.gateway.config = { ...DEFAULT_OVERLAY_CONFIG, defaults, ...change };
}

async function stage(count = 1): Promise<{ pages: Page[]; page: Page; seen: () => string[][] }> {
  const pages = await Promise.all(Array.from({ length: count }, () => theatre.context.newPage()));
  const seen = await Promise.all(pages.map((page) => theatre.record(page)));
  const [page] = pages;
  if (page === undefined) throw new Error('no page');
  return { pages, page, seen: () => seen.map((of) => of()) };
}

const hide = (page: Page, hidden: boolean): Promise<void> =>
  page.evaluate((isHidden) => {
    Object.defineProperty(document, 'hidden', { value: isHidden, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);

const say = (page: Page, name: string): Promise<void> =>
  page.evaluate((event) => {
    dispatchEvent(new CustomEvent(event, { detail: null }));
  }, name);

/** All that its database holds; nothing where there is none. */
const shelved = (page: Page): Promise<string> =>
  page.evaluate(
    () =>
      new Promise<string>((resolve) => {
        const opening = indexedDB.open('droppio');
        opening.onupgradeneeded = () => opening.transaction?.abort();
        opening.onerror = () => {
          resolve('');
        };
        opening.onsuccess = () => {
          const all = opening.result.transaction('texts').objectStore('texts').getAll();
          all.onsuccess = () => {
            opening.result.close();
            resolve(all.result.join());
          };
        };
      }),
  );

describe('a page that nobody can see', () => {
  it('shows one card after five minutes, and no burst', async () => {
    const { page, seen } = await stage();
    await page.clock.install();
    await theatre.visit(page);
    await hide(page, true);
    for (let i = 0; i < 12; i += 1) theatre.tip();
    await page.clock.fastForward(300_000);
    await page.waitForSelector('body[data-connection="open"]');
    expect(seen()).toEqual([[]]);
    await hide(page, false);
    await until(() => seen()[0]?.length === 1);
    await page.clock.runFor(5000);
    expect(seen()).toEqual([['digest of 12']]);
  });

  it('shows that card also where OBS loads it anew to show it', async () => {
    const { page, seen } = await stage();
    await theatre.visit(page);
    await hide(page, true);
    for (let i = 0; i < 12; i += 1) theatre.tip();
    await until(async () => (await page.evaluate(() => JSON.stringify(localStorage))).includes('"e1 0 '));
    // The new page is in sight from its beginning on.
    await page.reload();
    await until(() => seen()[0]?.length === 1);
    expect(seen()).toEqual([['digest of 12']]);
  });

  it('plays on what waited where it is loaded anew at once, which the browser calls hidden', async () => {
    const { page, seen } = await stage();
    configure();
    await page.addInitScript(() => {
      document.addEventListener('visibilitychange', () => {
        sessionStorage.setItem('hidden', String(document.hidden));
      });
    });
    await theatre.visit(page);
    const tips = Array.from({ length: 13 }, () => theatre.tip());
    await until(() => seen()[0]?.length === 1);
    await page.reload();
    await until(() => seen()[0]?.length === 2);
    expect(await page.evaluate(() => sessionStorage.getItem('hidden'))).toBe('true');
    expect(seen()[0]).toEqual(tips.slice(0, 2).map(({ tipId }) => tipId));
  });

  it('waits for frames where neither the browser nor OBS says that it is hidden', async () => {
    const { page, seen } = await stage();
    await page.addInitScript(() => {
      const draw = window.requestAnimationFrame.bind(window);
      const waiting: FrameRequestCallback[] = [];
      Reflect.set(window, 'stopped', false);
      window.requestAnimationFrame = (run) => (Reflect.get(window, 'stopped') === true ? waiting.push(run) : draw(run));
      addEventListener('frames', () => {
        Reflect.set(window, 'stopped', false);
        for (const run of waiting.splice(0)) draw(run);
      });
    });
    await theatre.visit(page);
    await page.evaluate(() => Reflect.set(window, 'stopped', true));
    const tip = theatre.tip();
    await alertOf(page, tip.tipId).waitFor({ state: 'attached' });
    await alertOf(page, tip.tipId).waitFor({ state: 'detached' });
    await say(page, 'frames');
    await alertOf(page, tip.tipId).waitFor();
    expect(await alertOf(page, tip.tipId).getAttribute('data-resumed')).toBeNull();
    await alertOf(page, tip.tipId).waitFor({ state: 'detached' });
    expect(new Set(seen()[0])).toEqual(new Set([tip.tipId]));
  });

  it('is back when its browser shows so for a while, though OBS never says it', async () => {
    const { page, seen } = await stage();
    await page.clock.install();
    await theatre.visit(page);
    await stopTime(page);
    await hide(page, true);
    await page.evaluate(() => dispatchEvent(new CustomEvent('obsSourceVisibleChanged', { detail: { visible: false } })));
    await hide(page, false);
    const tip = theatre.tip();
    await page.clock.runFor(9000);
    expect(seen()).toEqual([[]]);
    await page.clock.resume();
    await page.clock.runFor(12_000);
    await until(() => seen()[0]?.[0] === tip.tipId);
  });

  it('waits for the stream where the creator wants that', async () => {
    configure({ catchUp: { ...DEFAULT_OVERLAY_CONFIG.catchUp, onlyWhileLive: true } });
    const { page, seen } = await stage();
    await page.addInitScript(() => {
      const getStatus = (answer: (status: object) => void): void => {
        answer({ streaming: false });
      };
      Reflect.set(window, 'obsstudio', { pluginVersion: '2.26.4', getStatus });
    });
    await theatre.visit(page);
    const tip = theatre.tip();
    await page.waitForTimeout(300);
    expect(seen()).toEqual([[]]);
    await say(page, 'obsStreamingStarted');
    await until(() => seen()[0]?.[0] === tip.tipId);
  });
});

describe('a page that ends in mid-alert', () => {
  it('goes on with it after the reload, without entrance, for the time that it has left', async () => {
    configure({}, 4000);
    const { page, seen } = await stage();
    await theatre.visit(page);
    const tip = theatre.tip();
    await until(() => seen()[0]?.length === 1);
    const startedAt = Date.now();
    await page.reload();
    const alert = page.locator('[data-alert][data-resumed]');
    await alert.waitFor();
    expect(await alert.getAttribute('data-tip-id')).toBe(tip.tipId);
    expect(await alert.evaluate((element) => element.getAnimations().length)).toBe(0);
    await alert.waitFor({ state: 'detached' });
    expect(Date.now() - startedAt).toBeLessThan(8000);
    expect(seen()).toEqual([[tip.tipId]]);
  });
});

describe('a page whose database is taken away', () => {
  it('makes another, and writes down there what it shows', async () => {
    configure({}, 2000);
    const { page, seen } = await stage();
    await theatre.visit(page);
    const first = theatre.tip();
    await until(async () => (await shelved(page)).includes(first.tipId));
    await page.evaluate(
      () =>
        new Promise<void>((resolve, reject) => {
          const removing = indexedDB.deleteDatabase('droppio');
          removing.onsuccess = () => {
            resolve();
          };
          removing.onblocked = reject;
        }),
    );
    const second = theatre.tip();
    await until(async () => (await shelved(page)).includes(second.tipId));
    expect(await shelved(page)).toContain(first.tipId);
    await until(() => seen()[0]?.length === 2);
    expect(seen()).toEqual([[first.tipId, second.tipId]]);
  });
});

describe('tips and their transactions', () => {
  it('are two alerts for two tips of one transaction, and none for what was taken back before its turn, or comes back after it', async () => {
    const { page, seen } = await stage();
    await page.clock.install();
    await theatre.visit(page);
    const tx = `31337-0x${'ab'.repeat(32)}`;
    const [first, second, gone] = [theatre.tip({ tipId: `${tx}-0` }), theatre.tip({ tipId: `${tx}-1` }), theatre.tip()];
    theatre.retract(gone);
    await until(() => seen()[0]?.length === 1);
    theatre.retract(first);
    theatre.comeBack(first);
    await page.clock.runFor(10_000);
    await until(() => seen()[0]?.length === 2);
    await page.clock.runFor(5000);
    expect(seen()).toEqual([[first.tipId, second.tipId]]);
  });
});

describe('several pages of an overlay', () => {
  const hosts = ['http://127.0.0.1', 'http://overlay.test'];

  it.each(hosts)(
    'show an alert on one of them only where the creator wants that, and on the next one when that goes (%s)',
    async (host) => {
      configure({ instances: 'primary-only' });
      const { pages, seen } = await stage(2);
      for (const page of pages) await theatre.visit(page, theatre.gateway.origin.replace('http://127.0.0.1', host));
      // Without locks pages find out by talking.
      if (host === 'http://overlay.test') await pages[0]?.waitForTimeout(500);
      const first = theatre.tip();
      await until(() => seen().flat().length === 1);
      const primary = seen().findIndex((of) => of.length === 1);
      await pages[primary]?.close();
      const second = theatre.tip();
      await until(() => seen()[1 - primary]?.length === 1);
      await pages[1 - primary]?.waitForSelector('[data-alert]', { state: 'detached' });
      expect([seen()[primary], seen()[1 - primary]]).toEqual([[first.tipId], [second.tipId]]);
    },
  );
});

describe('two sources in two scenes, of which OBS keeps one alive', () => {
  it('show no tip twice to the viewers of the one stream', async () => {
    const open = async (): Promise<{ page: Page; seen: () => string[] }> => {
      const page = await theatre.context.newPage();
      const seen = await theatre.record(page);
      await theatre.visit(page);
      return { page, seen };
    };
    const first = await open();
    const before = theatre.tip();
    await until(() => first.seen().length === 1);
    await alertOf(first.page, before.tipId).waitFor({ state: 'detached' });
    const second = await open();
    await first.page.close();
    const tips = [theatre.tip(), theatre.tip()];
    await until(() => second.seen().length === 2);
    await alertOf(second.page, tips[1]?.tipId ?? '').waitFor({ state: 'detached' });
    const again = await open();
    await second.page.close();
    const last = theatre.tip();
    await until(() => again.seen().length > 0);
    expect([second.seen(), again.seen()]).toEqual([tips.map(({ tipId }) => tipId), [last.tipId]]);
  });
});

describe('a page that is out of date', () => {
  it('loads the new one while nothing is on the screen, once', async () => {
    const { page } = await stage();
    const file = join(theatre.folder, 'index.html');
    const html = await readFile(file, 'utf8');
    await page.clock.install();
    await theatre.visit(page);
    let loads = 0;
    page.on('load', () => {
      loads += 1;
    });
    try {
      await page.clock.fastForward(11 * 60_000);
      await page.waitForTimeout(200);
      expect(loads).toBe(0);
      await writeFile(file, html.replace('content="noindex"', 'content="noindex, nofollow"'));
      await page.clock.fastForward(11 * 60_000);
      await until(() => loads === 1);
      await page.waitForSelector('body[data-connection="open"]');
    } finally {
      await writeFile(file, html);
    }
  });
});
