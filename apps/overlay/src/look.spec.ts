import type { TipAlert } from '@droppio/client';
import { aDisplay } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import { amountText, fill } from './look.js';

describe(fill.name, () => {
  it('fills variables once, so that a stranger cannot write any', () => {
    const display = aDisplay();
    const amount = { ...display.amount, raw: '1500000', symbol: 'USDC', decimals: 6 };
    const view = { ...display, amount, name: '{message}', message: '$& {name} $1' };
    const tip: TipAlert = { kind: 'tip', id: 'a', seq: 1, view, test: false, replay: false };
    expect(fill('{name} sent {amount} {symbol}: {message} {{x}}', tip)).toBe('{message} sent 1.5 USDC: $& {name} $1 {x}');
  });
});

describe(amountText.name, () => {
  it('says only the token when the amount is not one', () => {
    expect(amountText({ raw: '1', decimals: 0, symbol: 'X' })).toBe('1 X');
    expect(amountText({ raw: '0x10', decimals: 0, symbol: 'X' })).toBe('X');
  });
});
