import { ManualClock } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import { Assets, assetsIn, assetUrl, Gone, type AssetLoaders } from './assets.js';

const id = (n: number): string => `ast_${String(n).padStart(20, '0')}`;
const soundConfig = (...ids: string[]) => ({
  defaults: { sound: { asset: ids[0] } },
  tiers: ids.slice(1).map((asset) => ({ override: { sound: { asset } } })),
});

/** Loads nothing by itself: the test answers each request. */
function aShelf() {
  const clock = new ManualClock();
  const asked: { url: string; give: (bytes: ArrayBuffer) => void; fail: (error: Error) => void; signal: AbortSignal }[] = [];
  const sound: AssetLoaders['sound'] = (url, signal) =>
    new Promise((give, fail) => {
      signal.addEventListener('abort', () => {
        fail(new Error('aborted'));
      });
      asked.push({ url, give, fail, signal });
    });
  const assets = new Assets(clock, { sound, image: () => Promise.reject(new Gone()) });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const urls = () => asked.map(({ url }) => url);
  return { clock, asked, assets, settle, urls };
}

const bytes = (n: number): ArrayBuffer => new Uint8Array([n]).buffer;

describe(assetsIn.name, () => {
  it('finds each image and sound once, of the look and of the tiers', () => {
    const config = {
      defaults: { image: { asset: id(1) }, sound: { asset: 'chime' } },
      tiers: [{ override: { sound: { asset: id(2) } } }, { override: { image: { asset: id(1) }, sound: null } }, { override: {} }],
    };
    expect(assetsIn(config)).toEqual([
      { kind: 'image', id: id(1) },
      { kind: 'sound', id: id(2) },
    ]);
  });

  it.each([
    ['nothing', {}],
    ['another shape', { defaults: [], tiers: { 0: { override: { image: { asset: id(1) } } } } }],
    ['an address', { defaults: { image: { asset: 'https://evil.test/x.png' } } }],
    ['a way out of the folder', { defaults: { image: { asset: 'ast_../../../../../etc' } } }],
    ['a number', { defaults: { image: { asset: 7 }, sound: 'x' }, tiers: [null, 3, { override: null }] }],
  ])('finds nothing in %s', (_what, config) => {
    expect(assetsIn(config)).toEqual([]);
  });

  it('stops at what one config can name', () => {
    expect(assetsIn(soundConfig(...Array.from({ length: 500 }, (_, n) => id(n))))).toHaveLength(42);
  });
});

describe(Assets.name, () => {
  it('has a sound when it is loaded, and hands out copies', async () => {
    const { assets, asked, settle } = aShelf();
    assets.want(soundConfig(id(1)));
    expect(assets.sound(id(1))).toBeUndefined();
    expect(asked[0]?.url).toBe(assetUrl(id(1)));
    asked[0]?.give(bytes(7));
    await settle();
    const [one, other] = [assets.sound(id(1)), assets.sound(id(1))];
    expect(one).toEqual(bytes(7));
    expect(one).not.toBe(other);
    expect(assets.sound(id(2))).toBeUndefined();
  });

  it('loads four at a time', async () => {
    const { assets, asked, settle, urls } = aShelf();
    assets.want(soundConfig(...[1, 2, 3, 4, 5, 6].map(id)));
    expect(urls()).toEqual([1, 2, 3, 4].map((n) => assetUrl(id(n))));
    asked[0]?.give(bytes(1));
    await settle();
    expect(urls()).toHaveLength(5);
  });

  it('keeps what the next config names too, and lets go of the rest', async () => {
    const { assets, asked, settle } = aShelf();
    assets.want(soundConfig(id(1), id(2)));
    asked[0]?.give(bytes(1));
    await settle();
    assets.want(soundConfig(id(1)));
    await settle();
    expect(asked).toHaveLength(2);
    expect(asked[1]?.signal.aborted).toBe(true);
    expect(assets.sound(id(1))).toEqual(bytes(1));
    assets.want({});
    expect(assets.sound(id(1))).toBeUndefined();
  });

  it('tries three times more, each time later, and again with another config', async () => {
    const { assets, asked, settle, clock, urls } = aShelf();
    assets.want(soundConfig(id(1)));
    for (const afterMs of [1000, 5000, 30_000]) {
      asked.at(-1)?.fail(new Error('the api is away'));
      await settle();
      clock.advance(afterMs - 1);
      await settle();
      const before = urls().length;
      clock.advance(1);
      await settle();
      expect(urls().length).toBe(before + 1);
    }
    asked.at(-1)?.fail(new Error('the api is away'));
    await settle();
    clock.advance(1_000_000);
    await settle();
    expect(urls()).toHaveLength(4);
    assets.want(soundConfig(id(1)));
    expect(urls()).toHaveLength(5);
  });

  it('does not ask again for what is gone', async () => {
    const { assets, asked, settle, clock, urls } = aShelf();
    assets.want(soundConfig(id(1)));
    asked[0]?.fail(new Gone());
    await settle();
    clock.advance(1_000_000);
    await settle();
    expect(urls()).toHaveLength(1);
  });

  it('waits fifteen seconds for an answer', async () => {
    const { assets, asked, settle, clock } = aShelf();
    assets.want(soundConfig(id(1)));
    clock.advance(14_999);
    await settle();
    expect(asked[0]?.signal.aborted).toBe(false);
    clock.advance(1);
    await settle();
    expect(asked[0]?.signal.aborted).toBe(true);
  });
});
