import { DEFAULT_OVERLAY_CONFIG, NATIVE_TOKEN, TEMPLATE_VARIABLES } from '@droppio/tips';
import { aDisplay } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import { chainName } from './chain-names.js';
import { amountText, say, shownMessage, usdText } from './words.js';

const display = aDisplay();
const amount = { ...display.amount, chainId: 8453, token: NATIVE_TOKEN, raw: '1500000', symbol: 'USDC', decimals: 6 };
const view = { ...display, amount, name: 'ada.eth', from: `0x${'12'.repeat(20)}`, txHash: `0x${'ab'.repeat(32)}`, usd: '1.5' };
const { moderation } = DEFAULT_OVERLAY_CONFIG;
const filled = (template: string, of = view, message = of.message): string =>
  say(template, of, message)
    .map(({ text }) => text)
    .join('');

describe(say.name, () => {
  it('knows every variable', () => {
    const all = TEMPLATE_VARIABLES.map((name) => `{${name}}`).join('|');
    expect(filled(all, view, 'hi')).toBe('ada.eth|1.5|USDC|$1.50|hi|Base|1|0x1212…1212|0xabab…abab');
  });

  it('fills once, so that a stranger cannot write any', () => {
    const stranger = { ...view, name: '{message}', message: '$& {name} $1 {{' };
    expect(filled('{name} sent {amount} {symbol}: {message} {{x}}', stranger)).toBe('{message} sent 1.5 USDC: $& {name} $1 {{ {x}');
    expect(filled('{nonsense}', stranger)).toBe('{nonsense}');
  });

  it('says nothing of what is not known', () => {
    const { usd, ...unpriced } = view;
    expect(usd).toBe('1.5');
    expect(say('{usd}{message}', unpriced, '')).toEqual([]);
    expect(filled('{amount} {symbol}', { ...view, amount: { ...amount, raw: '0x10' } })).toBe(' USDC');
  });

  it('tells the creator’s words from those of others', () => {
    expect(say('Hey {name}', view, '')).toEqual([{ text: 'Hey ' }, { of: 'name', text: 'ada.eth' }]);
  });
});

describe(amountText.name, () => {
  it('is exact, and says only the token when the amount is not one', () => {
    expect(amountText({ ...amount, raw: '1', decimals: 18 })).toBe('0.000000000000000001 USDC');
    expect(amountText({ ...amount, raw: '-1' })).toBe('USDC');
  });
});

describe(usdText.name, () => {
  it.each([
    [undefined, ''],
    ['rubbish', ''],
    ['0', '$0.00'],
    ['0.00000001', '<$0.01'],
    ['0.00499999', '<$0.01'],
    ['0.005', '$0.01'],
    ['1', '$1.00'],
    ['999.995', '$1,000.00'],
    ['1234567.89', '$1,234,567.89'],
  ])('%s is %s', (usd, text) => {
    expect(usdText(usd)).toBe(text);
  });
});

describe(chainName.name, () => {
  it('has words for chains that nobody has named, too', () => {
    expect([8453, 424242].map(chainName)).toEqual(['Base', 'chain 424242']);
  });
});

describe(shownMessage.name, () => {
  const shown = (message: string, change: Partial<typeof moderation> = {}): string =>
    shownMessage({ moderation: { ...moderation, ...change } }, { ...view, message });

  it('shows what the overlay lets through', () => {
    expect(shown('hello')).toBe('hello');
    expect(shown('hello', { showMessages: false })).toBe('');
    expect(shown('hello', { maxMessageChars: 0 })).toBe('');
  });

  it('cuts between what readers call characters', () => {
    expect(shown('👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦', { maxMessageChars: 2 })).toBe('👩‍👩‍👧‍👦👩‍👩‍👧‍👦…');
    expect(shown('abc', { maxMessageChars: 3 })).toBe('abc');
  });

  it('takes links away, those too that only the cut makes', () => {
    expect(shown('see https://evil.example/x now')).not.toContain('evil');
    expect(shown('see https://evil.example/x now', { stripLinks: false })).toContain('evil.example');
    expect(shown('go to evil.comx')).toBe('go to evil.comx');
    expect(shown('go to evil.comx', { maxMessageChars: 14 })).toBe('go to…');
  });

  it('wants the least amount of any token that is named', () => {
    const least = (raw: string, token = NATIVE_TOKEN, chainId = 8453) => ({ minToShowMessage: [{ chainId, token, raw }] });
    expect([shown('hi', least('1500000')), shown('hi', least('1500001')), shown('hi', least('1', NATIVE_TOKEN, 1))]).toEqual([
      'hi',
      '',
      '',
    ]);
    const either = { minToShowMessage: [...least('9', `0x${'1'.repeat(40)}`).minToShowMessage, ...least('1').minToShowMessage] };
    expect(shown('hi', either)).toBe('hi');
  });
});
