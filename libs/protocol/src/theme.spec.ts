import { DEFAULT_OVERLAY_CONFIG } from '@droppio/tips';
import { OverlayConfigDocument } from '@droppio/tips/overlay-schema';
import { anOverlayConfig } from '@droppio/tips/testing/overlay-configs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_THEME, readTheme, Theme } from './theme.js';

describe(readTheme.name, () => {
  it('fills everything that a config does not say', () => {
    expect(readTheme({ schemaVersion: 1, durationMs: 5000 })).toEqual({ ...DEFAULT_THEME, durationMs: 5000 });
  });

  it('takes each field by itself, so that one bad field spoils no other', () => {
    const theme = readTheme({ durationMs: 1, enter: 'explode', accent: 'red;background:url(//evil)', anchor: 'center', scale: 2 });
    expect(theme).toEqual({ ...DEFAULT_THEME, anchor: 'center', scale: 2 });
  });

  it('wears what every overlay begins with as it looks by itself', () => {
    const { radius, font, ...same } = DEFAULT_THEME;
    const theme = readTheme({ ...DEFAULT_OVERLAY_CONFIG });
    expect(theme).toMatchObject(same);
    expect(theme).not.toHaveProperty('template');
    expect(theme.font).toBe(`'Inter', ${font}`);
    expect(theme.radius).toBeCloseTo(radius, 1);
  });

  it('wears the document of the API', () => {
    fc.assert(
      fc.property(anOverlayConfig(), (given) => {
        const document = OverlayConfigDocument.parse(given);
        const { defaults, canvas, moderation } = document;
        const theme = readTheme({ ...document });
        expect(Theme.safeParse(theme).success).toBe(true);
        expect(theme).toMatchObject({
          durationMs: defaults.durationMs,
          enter: defaults.enter,
          exit: defaults.exit,
          accent: defaults.font.accent,
          ink: defaults.font.color,
          card: defaults.card.background,
          volume: defaults.sound?.volume ?? 0,
          anchor: canvas.anchor,
          marginPct: canvas.marginPct,
          maxWidthPct: canvas.maxWidthPct,
          motion: document.motion,
          showMessage: defaults.show.message && moderation.showMessages,
          linkDot: document.linkDot,
        });
        expect(theme.restAfterSec ?? null).toBe(document.restAfterSec);
        expect(theme.scale).toBeCloseTo((canvas.scale * defaults.font.sizePx) / 36);
        expect(theme.font).toContain(defaults.font.family);
        const isCustom = defaults.template !== '' && defaults.template !== DEFAULT_OVERLAY_CONFIG.defaults.template;
        expect(theme.template).toBe(isCustom ? defaults.template : undefined);
      }),
    );
  });

  it('never throws and always gives a valid theme', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...Object.keys(Theme.shape), 'other'), fc.jsonValue()), (config) => {
        expect(Theme.safeParse(readTheme(config)).success).toBe(true);
      }),
    );
  });
});

describe('Theme', () => {
  const accepts = (change: object): boolean => Theme.safeParse({ ...DEFAULT_THEME, ...change }).success;

  it('knows its variables, and no others', () => {
    expect(accepts({ action: 'sent {amount} with love' })).toBe(true);
    expect(accepts({ action: 'sent {amuont}' })).toBe(false);
  });

  it.each([{ font: 'x; } body { display: none' }, { font: 'url(x)' }, { ink: 'var(--x)' }, { card: '#12345' }, { volume: 2 }])(
    'refuses %j',
    (change) => {
      expect(accepts(change)).toBe(false);
    },
  );
});
