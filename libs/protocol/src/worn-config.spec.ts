import { DEFAULT_OVERLAY_CONFIG } from '@droppio/tips';
import { OverlayConfigDocument } from '@droppio/tips/overlay-schema';
import { anOverlayConfig, hostileJson } from '@droppio/tips/testing/overlay-configs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { catchUpMs, wornConfig } from './worn-config.js';
import { changedLook } from './worn-look.js';

const D = DEFAULT_OVERLAY_CONFIG;
const without = (object: object, fields: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(Object.entries(object).filter(([name]) => !fields.includes(name)));

describe(wornConfig.name, () => {
  it('wears every valid document exactly as it is, and what every overlay begins with when there is none', () => {
    expect(wornConfig({})).toEqual(D);
    fc.assert(
      fc.property(anOverlayConfig(), (given) => {
        const document = OverlayConfigDocument.parse(given);
        expect(wornConfig({ ...document })).toEqual(document);
      }),
    );
  });

  it('fills in a document with gaps as the server does', () => {
    const { schemaVersion, ...D1 } = D;
    const gaps = fc.tuple(fc.subarray(Object.keys(D1)), fc.subarray(Object.keys(D.defaults)));
    fc.assert(
      fc.property(anOverlayConfig(), gaps, (given, [top, within]) => {
        const document = { ...OverlayConfigDocument.parse(given) };
        const thin = {
          ...without(document, top),
          ...(!top.includes('defaults') && { defaults: without(document.defaults, within) }),
          schemaVersion,
        };
        expect(wornConfig(thin)).toEqual(OverlayConfigDocument.parse(thin));
      }),
    );
  });

  it('takes each field by itself, so that one bad field spoils no other', () => {
    const worn = wornConfig({
      motion: 'wild',
      canvas: { anchor: 'center', scale: 100 },
      defaults: { enter: 'explode', template: '{rank}. {name}', font: { color: 'red;background:url(//evil)', sizePx: 48 }, card: 7 },
      tiers: 'none',
      moderation: {
        showMessages: 'no',
        maxMessageChars: 10,
        minToShowMessage: [{}, { chainId: 1, token: `0x${'Ab'.repeat(20)}`, raw: '5' }],
      },
    });
    expect(worn).toEqual({
      ...D,
      canvas: { ...D.canvas, anchor: 'center' },
      defaults: { ...D.defaults, font: { ...D.defaults.font, sizePx: 48 } },
      moderation: { ...D.moderation, maxMessageChars: 10, minToShowMessage: [{ chainId: 1, token: `0x${'ab'.repeat(20)}`, raw: '5' }] },
    });
  });

  it('leaves out a tier that it does not wholly understand, and of its look only what it does not know', () => {
    const tier = { id: 'a', priority: 3, when: { all: [{ field: 'hasMessage', is: true }] }, override: { enter: 'zoom', exit: 'melt' } };
    const strange = { ...tier, id: 'b', when: { all: [{ field: 'isFirstTip', is: true }] } };
    const broken = { ...tier, id: 'c', when: 'always' };
    expect(wornConfig({ tiers: [strange, tier, broken, null] }).tiers).toEqual([
      { ...tier, name: '', override: { enter: 'zoom' }, queue: 'queue' },
    ]);
  });

  it('reads the one field of the first version, and what the creator’s desk says', () => {
    const worn = wornConfig({ schemaVersion: 1, durationMs: 5000, paused: true, muted: 'yes' });
    expect(worn).toEqual({ ...D, defaults: { ...D.defaults, durationMs: 5000 }, paused: true });
    expect(worn).not.toHaveProperty('muted');
  });

  it('never throws, and always gives a valid document', () => {
    const fields = fc.constantFrom(
      ...Object.keys(D),
      ...Object.keys(D.defaults),
      'family',
      'when',
      'all',
      'field',
      'override',
      'in',
      '__proto__',
    );
    const nested = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 5 }, hostileJson(), fc.array(tie('value'), { maxLength: 3 }), fc.dictionary(fields, tie('value'))),
    })).value;
    fc.assert(
      fc.property(fc.dictionary(fields, nested), anOverlayConfig(), (strange, given) => {
        for (const config of [strange, { ...given, ...strange }, { defaults: strange, canvas: strange, tiers: [strange] }]) {
          const { paused, muted, ...document } = wornConfig(config);
          expect(OverlayConfigDocument.safeParse(document).error?.issues).toBeUndefined();
          expect([typeof paused, typeof muted].filter((type) => type !== 'undefined' && type !== 'boolean')).toEqual([]);
        }
      }),
    );
  });
});

describe(changedLook.name, () => {
  it('changes what is said, and within letters, card and parts only what is said of them', () => {
    const look = changedLook(D.defaults, { image: null, enter: undefined, font: { accent: '#fff' }, show: { chain: true } });
    expect(look).toEqual({
      ...D.defaults,
      image: null,
      font: { ...D.defaults.font, accent: '#fff' },
      show: { ...D.defaults.show, chain: true },
    });
  });
});

describe(catchUpMs.name, () => {
  it('is what the page of that config waits for, whatever else is in it', () => {
    expect(catchUpMs({})).toBe(600_000);
    expect(catchUpMs({ catchUp: { maxAgeSec: 86_400, mode: 'nonsense' } })).toBe(86_400_000);
    fc.assert(
      fc.property(fc.anything(), (catchUp) => {
        expect(catchUpMs({ catchUp })).toBe(wornConfig({ catchUp }).catchUp.maxAgeSec * 1000);
      }),
    );
  });
});
