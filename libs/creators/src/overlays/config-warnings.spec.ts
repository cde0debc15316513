import { DEFAULT_OVERLAY_CONFIG } from '@droppio/tips';
import { OverlayConfigDocument } from '@droppio/tips/overlay-schema';
import { anOverlayConfig } from '@droppio/tips/testing/overlay-configs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { warningsOf } from './config-warnings.js';

const warnings = (document: object): string[] =>
  warningsOf(OverlayConfigDocument.parse({ schemaVersion: 1, ...document })).map(({ pointer, code }) => `${pointer} ${code}`);
const looks = (color: string, background: string, outline?: object): string[] =>
  warnings({ defaults: { font: { color, ...(outline === undefined ? {} : { outline }) }, card: { background } } });

describe(warningsOf.name, () => {
  it('has nothing against what every overlay begins with', () => {
    expect(warningsOf(DEFAULT_OVERLAY_CONFIG)).toEqual([]);
  });

  it.each([
    ['#000000', '#ffffff', true],
    ['#767676', '#ffffff', true],
    ['#777777', '#ffffff', false],
    ['#ffffff', '#0b1220ed', true],
    // Half of the video shines through: on a white one it is not legible.
    ['#ffffff', '#00000080', false],
    ['#fff', '#0000', false],
  ])('calls %s on %s legible or not as WCAG does', (color, background, isLegible) => {
    expect(looks(color, background)).toEqual(isLegible ? [] : ['/defaults/font/color low-contrast']);
  });

  it('takes an outline that is thick enough for a card', () => {
    expect(looks('#fff', '#0000', { color: '#000', widthPx: 3 })).toEqual([]);
    expect(looks('#fff', '#0000', { color: '#000', widthPx: 1 })).toEqual(['/defaults/font/color low-contrast']);
    expect(looks('#fff', '#0000', { color: '#eee', widthPx: 3 })).toEqual(['/defaults/font/color low-contrast']);
  });

  it('judges a tier by its own look and by what it takes over', () => {
    const tier = (override: object) => warnings({ tiers: [{ id: 'big', override }] });
    expect(tier({ enter: 'zoom' })).toEqual([]);
    expect(tier({ font: { color: '#101828' } })).toEqual(['/tiers/0/override/font/color low-contrast']);
    expect(tier({ font: { color: '#101828' }, card: { background: '#ffffff' } })).toEqual([]);
    expect(tier({ image: { asset: `ast_${'a'.repeat(20)}`, maxHeightPct: 20 } })).toEqual(['/tiers/0/override/image/asset asset-unknown']);
  });

  it('finds a template that is too long for its card', () => {
    const template = `{name} ${'very '.repeat(18)}kindly tipped`;
    expect(warnings({ canvas: { maxWidthPct: 20 }, defaults: { template } })).toEqual(['/defaults/template template-too-long']);
    expect(warnings({ canvas: { maxWidthPct: 100 }, defaults: { template } })).toEqual([]);
  });

  it('finds tiers that none can reach, and messages that nobody will see', () => {
    const when = { all: [{ field: 'hasMessage', is: true }] };
    expect(warnings({ tiers: [{ id: 'a', when }, { id: 'all' }, { id: 'b', priority: 5, when }, { id: 'c', when }] })).toEqual([
      '/tiers/3 tier-unreachable',
    ]);
    expect(warnings({ moderation: { showMessages: false } })).toEqual(['/defaults/show/message message-never-shown']);
    expect(warnings({ moderation: { showMessages: false }, defaults: { show: { message: false } } })).toEqual([]);
  });

  it('takes every valid document without throwing', () => {
    fc.assert(
      fc.property(anOverlayConfig(), (config) => {
        warningsOf(OverlayConfigDocument.parse(config));
      }),
    );
  });
});
