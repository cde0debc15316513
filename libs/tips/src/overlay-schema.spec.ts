import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_OVERLAY_CONFIG } from './overlay-config.js';
import { CONFIG_MAX_BYTES, OverlayConfigDocument, readOverlayConfig } from './overlay-schema.js';
import { anOverlayConfig, hostileJson } from './testing/overlay-configs.js';

const issuesOf = (document: unknown): string[] =>
  OverlayConfigDocument.safeParse(document).error?.issues.map(({ path, message }) => `/${path.join('/')} ${message}`) ?? [];
const aTier = (id: string, more: object = {}): object => ({ id, ...more });
const withTiers = (...tiers: object[]): object => ({ schemaVersion: 1, tiers });
const withLook = (defaults: object): object => ({ schemaVersion: 1, defaults });

describe('OverlayConfigDocument', () => {
  it('fills in everything that is not given', () => {
    expect(OverlayConfigDocument.parse({ schemaVersion: 1 })).toEqual(DEFAULT_OVERLAY_CONFIG);
    expect(OverlayConfigDocument.parse(withLook({ font: { color: '#FFF' } })).defaults.font).toEqual({
      ...DEFAULT_OVERLAY_CONFIG.defaults.font,
      color: '#fff',
    });
  });

  it('gives every valid document back as it is, after a way through JSON and back', () => {
    fc.assert(
      fc.property(anOverlayConfig(), (config) => {
        const parsed = OverlayConfigDocument.parse(config);
        expect(OverlayConfigDocument.parse(JSON.parse(JSON.stringify(parsed)))).toStrictEqual(parsed);
        expect(readOverlayConfig(JSON.parse(JSON.stringify(parsed)))).toStrictEqual(parsed);
      }),
    );
  });

  it('lets nothing hostile into any place of a valid document', () => {
    fc.assert(
      fc.property(anOverlayConfig(), hostileJson(), fc.nat(), (config, poison, pick) => {
        const paths = pathsOf(config);
        const path = paths[pick % paths.length] ?? [];
        const parsed = OverlayConfigDocument.safeParse(planted(config, path, poison));
        if (parsed.success) expect(hostileIn(parsed.data)).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });

  it('takes anything at all without throwing', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withBigInt: true }), (anything) => {
        OverlayConfigDocument.safeParse(anything);
      }),
    );
  });

  it.each([
    [{ schemaVersion: 2 }, '/schemaVersion'],
    [{ schemaVersion: 1, customCss: 'x' }, 'Unrecognized key'],
    [{ schemaVersion: 1, durationMs: 5000 }, 'Unrecognized key'],
    [JSON.parse('{"schemaVersion":1,"__proto__":{"x":1}}'), 'Unrecognized key'],
    [withLook(JSON.parse('{"constructor":{}}') as object), '/defaults Unrecognized key'],
    [withLook({ durationMs: 1e308 }), '/defaults/durationMs'],
    [withLook({ durationMs: Number.NaN }), '/defaults/durationMs'],
    [withLook({ durationMs: '8000' }), '/defaults/durationMs'],
    [withLook({ durationMs: 1999 }), '/defaults/durationMs'],
    [withLook({ gapMs: 0.5 }), '/defaults/gapMs'],
    [withLook({ enter: 'explode' }), '/defaults/enter'],
    [withLook({ template: '{nmae} tipped' }), '/defaults/template there is no variable {nmae} (at character 1)'],
    [
      withLook({ messageTemplate: 'so: {message' }),
      '/defaults/messageTemplate the brace is never closed around a variable (at character 5)',
    ],
    [withLook({ font: { family: 'x; } body { display: none' } }), '/defaults/font/family'],
    [withLook({ font: { family: 'url(x)' } }), '/defaults/font/family'],
    [withLook({ font: { color: 'var(--x)' } }), '/defaults/font/color'],
    [withLook({ card: { background: '#12345' } }), '/defaults/card/background'],
    [withLook({ card: { background: 'url(https://evil)' } }), '/defaults/card/background'],
    [withLook({ image: { asset: 'https://evil/x.png', maxHeightPct: 25 } }), '/defaults/image/asset'],
    [withLook({ sound: { asset: '../x', volume: 1 } }), '/defaults/sound/asset'],
    [withLook({ sound: { asset: 'chime', volume: Infinity } }), '/defaults/sound/volume'],
    [withTiers(aTier('big'), aTier('big')), '/tiers/1/id another tier has this id'],
    [withTiers(aTier('Big Tip')), '/tiers/0/id'],
    [withTiers(aTier('x', { override: { template: '{' } })), '/tiers/0/override/template'],
    [withTiers(aTier('x', { override: { tiers: [] } })), '/tiers/0/override Unrecognized key'],
    [withTiers(aTier('x', { when: { all: [{ field: 'usd', op: '>=', value: '1e3' }] } })), '/tiers/0/when/all/0/value'],
    [withTiers(aTier('x', { when: { all: [{ field: 'usd', op: '==', value: '1.00' }] } })), '/tiers/0/when/all/0/op'],
    [withTiers(aTier('x', { when: { all: [{ field: 'random', weight: 1 }] } })), '/tiers/0/when/all/0/field'],
    [
      withTiers(aTier('x', { when: { all: [{ field: 'amount', op: '>', chainId: 1, token: `0x${'0'.repeat(40)}`, raw: '-1' }] } })),
      '/tiers/0/when/all/0/raw',
    ],
    [withTiers(aTier('x', { when: { all: Array.from({ length: 9 }, () => ({ field: 'hasMessage', is: true })) } })), '/tiers/0/when/all'],
    [{ schemaVersion: 1, moderation: { maxMessageChars: 281 } }, '/moderation/maxMessageChars'],
    [{ schemaVersion: 1, restAfterSec: 0 }, '/restAfterSec'],
    [{ schemaVersion: 1, widget: 'roulette' }, '/widget'],
    [{ schemaVersion: 1, goal: { unit: 'usd', target: '0.00' } }, '/goal/target must be more than zero'],
    [{ schemaVersion: 1, goal: { unit: 'usd', target: '1e3' } }, '/goal/target'],
    [{ schemaVersion: 1, goal: { unit: 'usd', chainId: 1 } }, '/goal Unrecognized key'],
    [{ schemaVersion: 1, goal: { unit: 'token', target: '1' } }, '/goal/chainId'],
    [{ schemaVersion: 1, goal: { unit: 'usd', since: 'yesterday' } }, '/goal/since'],
    [{ schemaVersion: 1, goal: { unit: 'usd', since: '2015-01-01T00:00:00+14:00' } }, '/goal/since must be from 2015 on'],
    [{ schemaVersion: 1, ticker: { count: 21 } }, '/ticker/count'],
    [{ schemaVersion: 1, ticker: { count: 0 } }, '/ticker/count'],
    [{ schemaVersion: 1, top: { unit: 'usd', period: 'year' } }, '/top/period'],
    [{ schemaVersion: 1, top: { unit: 'eur' } }, '/top/unit'],
  ])('refuses %j and says where: %s', (document, where) => {
    expect(issuesOf(document).join('\n')).toContain(where);
  });

  it('refuses a hundred thousand tiers, soon', () => {
    const startedAt = performance.now();
    expect(issuesOf(withTiers(...Array.from({ length: 100_000 }, (_, n) => aTier(`t${String(n)}`)))).length).toBeGreaterThan(0);
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });

  it('refuses what is too large for a frame, though every part of it fits', () => {
    const template = '\u{1f600}'.repeat(40);
    const override = { template, messageTemplate: template, font: { family: 'A'.repeat(40), color: '#01234567' } };
    const token = `0x${'ab'.repeat(20)}`;
    const all = Array.from({ length: 8 }, () => ({ field: 'amount', op: '>=', chainId: 8453, token, raw: '9'.repeat(78) }));
    const document = withTiers(...Array.from({ length: 20 }, (_, n) => aTier(`t${String(n)}`, { override, when: { all } })));
    expect(issuesOf(document)).toEqual([`/ is larger than ${String(CONFIG_MAX_BYTES)} bytes`]);
  });

  it('keeps the moment that a goal begins at, however it is written', () => {
    const { goal } = OverlayConfigDocument.parse({ schemaVersion: 1, goal: { unit: 'usd', since: '2026-11-23T18:00:00+02:00' } });
    expect(goal.since).toBe('2026-11-23T16:00:00.000Z');
  });

  it('cleans what is invisible out of words, and keeps no half of a character', () => {
    const { defaults, tiers } = OverlayConfigDocument.parse({
      schemaVersion: 1,
      defaults: { template: '  {na\u200bme}\u202e sent\ud800 {amount} ' },
      tiers: [{ id: 'a', name: 'x\u0000\ud800y' }],
    });
    expect(defaults.template).toBe('{name} sent {amount}');
    expect(tiers[0]?.name).toBe('xy');
  });
});

describe(readOverlayConfig.name, () => {
  it('reads what the first version stored', () => {
    const read = readOverlayConfig({ schemaVersion: 1, durationMs: 5000 });
    expect(read).toEqual({ ...DEFAULT_OVERLAY_CONFIG, defaults: { ...DEFAULT_OVERLAY_CONFIG.defaults, durationMs: 5000 } });
    expect(OverlayConfigDocument.parse(read)).toEqual(read);
  });

  it('reads what a newer version stored, without what it does not know', () => {
    const newer = { schemaVersion: 1, sparkles: true, canvas: { anchor: 'center', depth: 3 }, defaults: { enter: 'vortex', gapMs: 300 } };
    const read = readOverlayConfig(newer);
    expect(read.canvas).toEqual({ ...DEFAULT_OVERLAY_CONFIG.canvas, anchor: 'center' });
    expect(read.defaults).toEqual({ ...DEFAULT_OVERLAY_CONFIG.defaults, gapMs: 300 });
  });

  it('leaves out the tier that does not fit and keeps the others', () => {
    const read = readOverlayConfig(withTiers(aTier('a'), aTier('B'), aTier('c', { override: { enter: 'vortex', exit: 'zoom' } })));
    expect(read.tiers.map(({ id, override }) => [id, override])).toContainEqual(['c', { exit: 'zoom' }]);
    expect(read.tiers.map(({ id }) => id)).toContain('a');
  });

  it('gives something whole and valid for whatever is there, and never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.anything(), hostileJson(), anOverlayConfig()), (stored) => {
        expect(OverlayConfigDocument.safeParse(readOverlayConfig(stored)).success).toBe(true);
      }),
    );
  });
});

/** Every place of a document, from the top. */
function pathsOf(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]: [string, unknown]) => pathsOf(inner, [...path, key]))];
}

function planted(value: unknown, [key, ...rest]: readonly string[], poison: unknown): unknown {
  if (key === undefined) return poison;
  if (Array.isArray(value)) return value.map((item: unknown, at) => (String(at) === key ? planted(item, rest, poison) : item));
  const entries = Object.entries(value as object).map(([name, inner]: [string, unknown]) => [
    name,
    name === key ? planted(inner, rest, poison) : inner,
  ]);
  return Object.fromEntries(entries);
}

/** Words that no accepted document may hold: half characters, controls, markup, addresses, numbers beyond any bound. */
function hostileIn(value: unknown): unknown[] {
  if (typeof value === 'number')
    return Number.isFinite(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER && !Object.is(value, -0) ? [] : [value];
  if (typeof value === 'string') return !/\p{Cs}/u.test(value) && !/\p{Cc}|[\u202a-\u202e]/u.test(value) ? [] : [value];
  if (typeof value !== 'object' || value === null) return [];
  const keys = Object.keys(value).filter((key) => ['__proto__', 'constructor', 'prototype'].includes(key));
  return [...keys, ...Object.values(value).flatMap(hostileIn)];
}
