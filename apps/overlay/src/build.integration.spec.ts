import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { transformWithOxc } from 'vite';
import { beforeAll, describe, expect, it } from 'vitest';
import { cssFeaturesIn } from './testing/css-features.js';
import { forget, NEWER } from './testing/newer-built-ins.js';
import { alertOf, until, useTheatre, type Spectator } from './testing/overlay-theatre.js';
import { WidgetStand } from './testing/widget-stand.js';

const theatre = useTheatre();
const MAX_BYTES = 60 * 1024;
const FONT = '.woff2';

/** All that the style sheets are made of is in Chrome 103, and so in OBS 30. Look up since when, before you add anything. */
const CSS_OF_103 = new Set(
  `@font-face @keyframes @media (max-aspect-ratio
  ::before :before :empty :first-child :is :not :root
  1% 1deg 1em 1ms 1px 1s 1vh 1vmin 1vw
  calc() clamp() cubic-bezier() drop-shadow() format() linear-gradient() max() min() perspective() rgb() rotate() rotateX() rotateY() scale() skew()
  skewX() steps() translate() translateX() translateY() var()
  align-items animation animation-delay animation-duration animation-fill-mode animation-name animation-timing-function background border
  border-radius bottom box-shadow box-sizing color color-scheme content cursor display filter flex flex-direction font-display font-family font-size
  font-style font-variant-numeric font-weight gap height inset justify-content left letter-spacing line-height list-style margin margin-inline
  margin-top max-height max-width min-width object-fit opacity overflow overflow-wrap padding padding-left place-items pointer-events position right
  row-gap src text-align text-overflow text-shadow top transform transition unicode-bidi unicode-range white-space width`.split(/\s+/),
);
const isNewerCss = (css: string): string[] => [...cssFeaturesIn(css)].filter((feature) => !CSS_OF_103.has(feature));

let files: ReadonlyMap<string, Buffer>;
const textsOf = (ending: string): string[] =>
  [...files].filter(([name]) => name.endsWith(ending)).map(([, content]) => content.toString('utf8'));

beforeAll(async () => {
  const found = (await readdir(theatre.folder, { recursive: true, withFileTypes: true })).filter((file) => file.isFile());
  const paths = found.map((file) => join(file.parentPath, file.name));
  files = new Map(await Promise.all(paths.map(async (path) => [path, await readFile(path)] as const)));
});

describe('the build', () => {
  it('has at most 60 KB to fetch, gzipped and without fonts, and needs nobody else', () => {
    const sizes = [...files].filter(([name]) => !name.endsWith(FONT)).map(([, content]) => gzipSync(content).length);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(MAX_BYTES);
    const text = [...textsOf('.html'), ...textsOf('.css'), ...textsOf('.js')].join('\n');
    expect(text.match(/(?:src|href)="(?:https?:)?\/\/[^"]*"|url\(["']?(?:https?:)?\/\/[^)]*\)|url\(["']?data:[^)]*\)/g)).toBeNull();
    const [html = ''] = textsOf('index.html');
    expect(html).not.toMatch(/<script>|<style|\son\w+=|style="/);
    expect(html).toMatch(/<meta name="droppio-gateway" content=""/);
  });

  it('knows no address without TLS', () => {
    const open = [...textsOf('.html'), ...textsOf('.css'), ...textsOf('.js')].flatMap(
      (text) => text.match(/["'`(](?:http|ws):\/\/[^"'`)]*/g) ?? [],
    );
    // Names of markup, which nobody fetches.
    expect(open.filter((address) => !address.includes('www.w3.org/'))).toEqual([]);
  });

  it('carries its letters as woff2 only, with their licence', () => {
    const fonts = [...files.keys()].filter((name) => /\.(?:woff2?|ttf|otf)$/.test(name));
    expect(fonts.length).toBeGreaterThanOrEqual(16);
    expect(fonts.filter((name) => !name.endsWith(FONT))).toEqual([]);
    expect(textsOf('fonts-OFL.txt')[0]).toContain('SIL OPEN FONT LICENSE');
  });

  it('is written in what Chrome 103 reads', async () => {
    const scripts = textsOf('.js');
    expect(scripts.length).toBeGreaterThan(0);
    for (const script of scripts) {
      const [old, young] = await Promise.all(['chrome103', 'esnext'].map((target) => transformWithOxc(script, 'page.js', { target })));
      // Whatever is newer would be written otherwise for the older one.
      expect(old?.code === young?.code, 'newer syntax').toBe(true);
      expect(script.match(/\/[a-z]*v[a-z]*\.test\(|new RegExp\([^)]*,"[a-z]*v/g)).toBeNull();
    }
    expect(textsOf('.css').flatMap(isNewerCss)).toEqual([]);
  });

  it.each([
    '.a { color: color-mix(in srgb, red, blue) }',
    '.a { paint-order: stroke }',
    '.a { translate: 1px }',
    '.a { text-wrap: balance }',
    '.a { width: 100dvw }',
    '.a { .b { color: red } }',
    '.a:has(.b) { color: red }',
    '@container (min-width: 1px) { .a { color: red } }',
    '@media (width < 1px) { .a { color: red } }',
    '@media (prefers-reduced-transparency: reduce) { .a { color: red } }',
  ])('would notice %s', (css) => {
    expect(isNewerCss(css)).not.toEqual([]);
  });
});

describe('a page in Chrome 103', () => {
  /** As if nothing of what came later were there. */
  async function spectate(): Promise<Spectator> {
    await theatre.context.addInitScript(forget, NEWER);
    const spectator = await theatre.spectate();
    expect(await spectator.page.evaluate(() => 'toSorted' in Array.prototype || 'any' in AbortSignal)).toBe(false);
    return spectator;
  }

  it('shows alerts and a card of many', async () => {
    theatre.gateway.config = {
      schemaVersion: 1,
      defaults: { durationMs: 2000, gapMs: 0, textEffect: 'wave', template: '{name}: {usd} {message}' },
      tiers: [{ id: 'any', when: { all: [{ field: 'usd', op: '>=', value: '1' }] } }],
    };
    const { page, said } = await spectate();
    const tip = theatre.tip({ message: 'see example.com', usd: '2.00' });
    await alertOf(page, tip.tipId).waitFor();
    await alertOf(page, tip.tipId).waitFor({ state: 'detached' });
    theatre.gateway.cut();
    for (let missed = 0; missed < 11; missed += 1) theatre.tip();
    await page.locator('[data-alert][data-tips="11"]').waitFor();
    expect(said).toEqual([]);
  });

  it('gets them by a stream of events, where sockets do not get through', async () => {
    theatre.gateway.breaksSockets = true;
    const { page } = await spectate();
    const tip = theatre.tip();
    await alertOf(page, tip.tipId).waitFor();
    expect(theatre.gateway.requests.some((url) => url.startsWith('/overlay/events'))).toBe(true);
  });

  it('shows each widget', async () => {
    const eth = { unit: 'token' as const, chainId: 31_337, token: `0x${'00'.repeat(20)}` as const, symbol: 'ETH', decimals: 18 };
    const stand = new WidgetStand(theatre, { widget: 'goal', goal: { ...eth, title: '', target: '10', start: '0', since: null } });
    stand.change({ top: { ...eth, title: '', count: 3, period: 'all' } });
    const { page, said } = await spectate();
    await page.locator('#widget [data-goal]').waitFor();
    stand.tip('alice.eth', 10n);
    await page.locator('[data-goal][data-reached]').waitFor();
    for (const [widget, row] of [
      ['ticker', 'ticker-row'],
      ['top', 'top-row'],
    ] as const) {
      stand.change({ widget });
      await page.locator(`#widget [data-${row}]`).first().waitFor();
      stand.tip('bob.eth', 5n);
      await until(async () => (await page.locator(`#widget [data-${row}]`).count()) > 1);
    }
    expect(said).toEqual([]);
  });
});
