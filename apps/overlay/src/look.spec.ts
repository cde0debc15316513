import type { TipAlert } from '@droppio/client';
import { DEFAULT_THEME, type Theme } from '@droppio/protocol';
import { aDisplay } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import { amountText, fill, jumps, styleOf } from './look.js';

function aTip(raw: string, fields: Partial<TipAlert['view']> = {}, symbol = 'ETH', decimals = 18): TipAlert {
  const display = aDisplay();
  const view = { ...display, amount: { ...display.amount, raw, symbol, decimals }, ...fields };
  return { kind: 'tip', id: 'a', seq: 1, view, test: false, replay: false };
}

const themed: Theme = {
  ...DEFAULT_THEME,
  tiers: [
    { symbol: 'ETH', min: '0.05', style: { accent: '#ffd700' } },
    { symbol: 'ETH', min: '1', jump: true, style: { enter: 'zoom', durationMs: 12_000 } },
    { symbol: 'USDC', min: '100.50' },
  ],
};

describe(styleOf.name, () => {
  it.each([
    ['49999999999999999', '#2dd4bf', 'slide-down'],
    ['50000000000000000', '#ffd700', 'slide-down'],
    ['999999999999999999', '#ffd700', 'slide-down'],
    ['1000000000000000000', '#2dd4bf', 'zoom'],
  ])('gives %s wei the accent %s and the entrance %s', (raw, accent, enter) => {
    expect(styleOf(themed, aTip(raw))).toMatchObject({ accent, enter });
  });

  it('does not take one token for another, nor rubbish for an amount', () => {
    expect(styleOf(themed, aTip('1000000000000000000', {}, 'PEPE')).enter).toBe('slide-down');
    expect(styleOf(themed, aTip('1e30')).enter).toBe('slide-down');
  });
});

describe(jumps.name, () => {
  it('lets only tiers go first that say so, compared to the last decimal', () => {
    expect(jumps(themed, aTip('1000000000000000000'))).toBe(true);
    expect(jumps(themed, aTip('999999999999999999'))).toBe(false);
    expect(jumps(themed, aTip('100500000', {}, 'USDC', 6))).toBe(false);
  });
});

describe(fill.name, () => {
  it('fills variables once, so that a stranger cannot write any', () => {
    const tip = aTip('1500000', { name: '{message}', message: '$& {name} $1' }, 'USDC', 6);
    expect(fill('{name} sent {amount} {symbol}: {message} {{x}}', tip)).toBe('{message} sent 1.5 USDC: $& {name} $1 {x}');
  });
});

describe(amountText.name, () => {
  it('says only the token when the amount is not one', () => {
    expect(amountText({ raw: '1', decimals: 0, symbol: 'X' })).toBe('1 X');
    expect(amountText({ raw: '0x10', decimals: 0, symbol: 'X' })).toBe('X');
  });
});
