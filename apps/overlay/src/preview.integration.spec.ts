import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { heardOn, hearing } from './testing/hearing.js';
import { alertOf, TOKEN, until, useTheatre } from './testing/overlay-theatre.js';

const theatre = useTheatre();

async function preview(query = '?preview=1'): Promise<Page> {
  const page = await theatre.context.newPage();
  await page.goto(`${theatre.gateway.origin}/overlay/${query}#${TOKEN}`);
  await page.waitForSelector('body[data-connection="open"]');
  return page;
}

describe('a preview, in a dock of OBS or on a page of the creator’s', () => {
  it('takes neither sound nor picture from the sources of the stream, leaves nothing behind, and says what it is', async () => {
    theatre.gateway.config = { schemaVersion: 1, defaults: { durationMs: 2000, gapMs: 0 }, instances: 'primary-only' };
    await hearing(theatre.context);
    const looking = await preview();
    await alertOf(looking, theatre.tip().tipId).waitFor();
    expect(await looking.locator('#preview').textContent()).toBe('Preview');
    expect(await looking.locator('#preview').isVisible()).toBe(true);
    const left = await looking.evaluate(async () => ({
      kept: [localStorage.length, sessionStorage.length, (await indexedDB.databases()).length],
      locks: (await navigator.locks.query()).held?.length,
    }));
    expect(left).toEqual({ kept: [0, 0, 0], locks: 0 });
    // The source comes second, and is the first all the same.
    const source = await theatre.context.newPage();
    await theatre.visit(source);
    const both = theatre.tip();
    for (const page of [looking, source]) await alertOf(page, both.tipId).waitFor();
    await until(async () => (await heardOn(source)).length === 2);
    expect(await heardOn(looking)).toEqual([]);
    await until(() => theatre.gateway.shown.length > 0);
    expect(theatre.gateway.shown.map(({ seq }) => seq)).toEqual([2]);
    expect(theatre.gateway.sockets.map((url) => new URLSearchParams(url.split('?')[1]).get('preview'))).toEqual(['1', null]);
    expect(await source.locator('#preview').isVisible()).toBe(false);
  });

  it('sounds where that is asked for, beside the source that sounds', async () => {
    theatre.gateway.config = { schemaVersion: 1, durationMs: 2000 };
    await hearing(theatre.context);
    const source = await theatre.context.newPage();
    await theatre.visit(source);
    const listening = await preview('?preview=1&sound=1');
    theatre.tip();
    for (const page of [source, listening]) await until(async () => (await heardOn(page)).length === 2);
  });

  it('says why it is not connected, in OBS too', async () => {
    await hearing(theatre.context);
    theatre.gateway.refuseWith = 4500;
    const page = await theatre.context.newPage();
    await page.goto(`${theatre.gateway.origin}/overlay/?preview=1#${TOKEN}`);
    await page.waitForSelector('body[data-connection="stopped"]');
    expect(await page.locator('#notice').textContent()).toContain('was replaced by a new one');
    expect(await page.locator('#notice').isVisible()).toBe(true);
  });
});
