import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { transformWithOxc } from 'vite';
import { beforeAll, describe, expect, it } from 'vitest';
import { alertOf, useTheatre } from './testing/overlay-theatre.js';

const theatre = useTheatre();
const MAX_BYTES = 60 * 1024;
const FONT = '.woff2';

/** What came after Chrome 103, which OBS 30 carries: on prototypes, and as functions of globals. */
const NEWER: Readonly<Record<string, readonly string[]>> = {
  'Array.prototype': ['toSorted', 'toReversed', 'toSpliced', 'with'],
  'Uint8Array.prototype.__proto__': ['toSorted', 'toReversed', 'with'],
  'String.prototype': ['isWellFormed', 'toWellFormed'],
  'Set.prototype': ['union', 'intersection', 'difference', 'symmetricDifference', 'isSubsetOf', 'isSupersetOf', 'isDisjointFrom'],
  'Iterator.prototype': ['map', 'filter', 'take', 'drop', 'flatMap', 'reduce', 'toArray', 'forEach', 'some', 'every', 'find'],
  'ArrayBuffer.prototype': ['transfer', 'transferToFixedLength', 'resize'],
  Promise: ['withResolvers', 'try'],
  Object: ['groupBy'],
  Map: ['groupBy'],
  Array: ['fromAsync'],
  RegExp: ['escape'],
  URL: ['canParse', 'parse'],
  AbortSignal: ['any'],
  CSS: ['highlights'],
};
/** Of style sheets: nesting, colours, units and selectors of later years. */
const NEWER_CSS =
  /color-mix\(|oklch\(|oklab\(|@container|@layer|@scope|@starting-style|\d(?:dv|sv|lv)[wh]\b|:has\(|text-wrap:\s*balance|linear\(\s*0/;

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
    for (const css of textsOf('.css')) expect(NEWER_CSS.exec(css)).toBeNull();
  });

  it('shows alerts without anything that came after Chrome 103', async () => {
    await theatre.context.addInitScript((newer) => {
      const isObject = (value: unknown): value is object => (typeof value === 'object' ? value !== null : typeof value === 'function');
      const within = (from: unknown, step: string): unknown => (isObject(from) ? Reflect.get(from, step) : undefined);
      for (const [path, names] of Object.entries(newer)) {
        const owner = path.split('.').reduce<unknown>(within, globalThis);
        if (isObject(owner)) for (const name of names) Reflect.deleteProperty(owner, name);
      }
    }, NEWER);
    theatre.gateway.config = {
      schemaVersion: 1,
      defaults: { durationMs: 2000, textEffect: 'wave', template: '{name}: {usd} {message}' },
      tiers: [{ id: 'any', when: { all: [{ field: 'usd', op: '>=', value: '1' }] } }],
    };
    const { page, said } = await theatre.spectate();
    expect(await page.evaluate(() => 'toSorted' in Array.prototype || 'any' in AbortSignal)).toBe(false);
    const tip = theatre.tip({ message: 'see example.com', usd: '2.00' });
    await alertOf(page, tip.tipId).waitFor();
    await alertOf(page, tip.tipId).waitFor({ state: 'detached' });
    expect(said).toEqual([]);
  });
});
