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
