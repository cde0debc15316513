import type { TipAlert } from '@droppio/client';
import { DEFAULT_OVERLAY_CONFIG, NATIVE_TOKEN, type OverlayConfig, type OverlayTier, type TierCondition } from '@droppio/tips';
import { aDisplay } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import { lookOf, tierOf } from './tier.js';

const USDC = `0x${'ab'.repeat(20)}` as const;

function aTip(amount: Partial<TipAlert['view']['amount']> = {}, message = ''): TipAlert {
  const display = aDisplay();
  const view = { ...display, message, amount: { ...display.amount, chainId: 8453, token: NATIVE_TOKEN, raw: '1000', ...amount } };
  return { kind: 'tip', id: 'a', seq: 1, view, test: false, replay: false };
}

const aTier = (id: string, all: readonly TierCondition[], fields: Partial<OverlayTier> = {}): OverlayTier => ({
  id,
  name: '',
  priority: 0,
  when: { all },
  override: {},
  queue: 'queue',
  ...fields,
});
const withTiers = (...tiers: readonly OverlayTier[]): OverlayConfig => ({ ...DEFAULT_OVERLAY_CONFIG, tiers });
const meets = (condition: TierCondition, tip: TipAlert): boolean => tierOf(withTiers(aTier('t', [condition])), tip) !== undefined;

describe(tierOf.name, () => {
  it.each([
    ['>=', '999', false],
    ['>=', '1000', true],
    ['>', '1000', false],
    ['>', '1001', true],
    ['<=', '1000', true],
    ['<=', '1001', false],
    ['<', '999', true],
    ['<', '1000', false],
  ] as const)('compares an amount by %s: %s and 1000', (op, raw, expected) => {
    expect(meets({ field: 'amount', chainId: 8453, token: NATIVE_TOKEN, op, raw: '1000' }, aTip({ raw }))).toBe(expected);
  });

  it('compares to the last of 78 digits, and takes no rubbish for an amount', () => {
    const most: TierCondition = { field: 'amount', chainId: 8453, token: NATIVE_TOKEN, op: '>=', raw: '9'.repeat(78) };
    expect(meets(most, aTip({ raw: '9'.repeat(78) }))).toBe(true);
    expect(meets(most, aTip({ raw: `${'9'.repeat(77)}8` }))).toBe(false);
    for (const raw of ['', '-1', '1e80', '0xff', '1.5', 'NaN']) expect(meets({ ...most, op: '>=', raw: '0' }, aTip({ raw }))).toBe(false);
  });

  it('does not take one token, or one chain, for another', () => {
    const condition: TierCondition = { field: 'amount', chainId: 8453, token: USDC, op: '>=', raw: '1' };
    expect(meets(condition, aTip({ token: USDC.toUpperCase().replace('0X', '0x') }))).toBe(true);
    expect(meets(condition, aTip())).toBe(false);
    expect(meets(condition, aTip({ token: USDC, chainId: 1 }))).toBe(false);
    const tokens: TierCondition = { field: 'token', in: [{ chainId: 8453, token: USDC }] };
    expect([aTip(), aTip({ token: USDC }), aTip({ token: USDC, chainId: 1 })].map((tip) => meets(tokens, tip))).toEqual([
      false,
      true,
      false,
    ]);
    const chains: TierCondition = { field: 'chainId', in: [1, 10] };
    expect([aTip(), aTip({ chainId: 10 })].map((tip) => meets(chains, tip))).toEqual([false, true]);
  });

  it('compares dollars exactly, and takes part only when they are known', () => {
    const least: TierCondition = { field: 'usd', op: '>=', value: '50.00' };
    const worth = (usd: string | undefined): TipAlert => ({ ...aTip(), view: { ...aTip().view, usd } });
    expect(['50', '50.00000000', '49.99999999', '1e9', '', undefined].map((usd) => meets(least, worth(usd)))).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
    expect(meets({ ...least, op: '<' }, worth(undefined))).toBe(false);
  });

  it('knows a tip with a message from one without', () => {
    expect([aTip(), aTip({}, 'hi')].map((tip) => meets({ field: 'hasMessage', is: true }, tip))).toEqual([false, true]);
    expect([aTip(), aTip({}, 'hi')].map((tip) => meets({ field: 'hasMessage', is: false }, tip))).toEqual([true, false]);
  });

  it('wants all conditions, then the highest priority, then the first', () => {
    const [says, base]: TierCondition[] = [
      { field: 'hasMessage', is: true },
      { field: 'chainId', in: [8453] },
    ];
    if (says === undefined || base === undefined) throw new Error('no conditions');
    const config = withTiers(
      aTier('all', []),
      aTier('first', [base], { priority: 5 }),
      aTier('second', [base], { priority: 5 }),
      aTier('both', [base, says], { priority: 9 }),
    );
    expect(tierOf(config, aTip())?.id).toBe('first');
    expect(tierOf(config, aTip({}, 'hi'))?.id).toBe('both');
    expect(tierOf(config, aTip({ chainId: 1 }, 'hi'))?.id).toBe('all');
    expect(tierOf(withTiers(), aTip())).toBeUndefined();
  });
});

describe(lookOf.name, () => {
  it('is the overlay’s own with what the tier changes of it; a card for several tips has one when all of them do', () => {
    const { defaults } = DEFAULT_OVERLAY_CONFIG;
    const config = withTiers(aTier('t', [], { override: { enter: 'zoom', sound: null, font: { accent: '#ffd700' } } }));
    expect(lookOf(config, aTip())).toEqual({ ...defaults, enter: 'zoom', sound: null, font: { ...defaults.font, accent: '#ffd700' } });
    const digest = { kind: 'digest', tips: 3, totals: [], missed: true } as const;
    expect(lookOf(config, digest)).toEqual(defaults);
    expect(lookOf(config, { ...digest, tier: 't' }).enter).toBe('zoom');
  });
});
