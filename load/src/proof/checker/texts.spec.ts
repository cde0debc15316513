import { describe, expect, it } from 'vitest';
import { isSameText, isShownIn } from './texts.js';

describe(isSameText.name, () => {
  it('takes a plain message for nothing but itself', () => {
    expect(isSameText('hello there', 'hello there')).toBe(true);
    expect(isSameText('hello', 'hello there')).toBe(false);
    expect(isSameText('', 'hello')).toBe(false);
    expect(isSameText('', '')).toBe(true);
  });

  it('wants the mark and no poison of one that has to be cleaned', () => {
    const poison = '#12# zal\u0300\u0301\u0302\u0303\u0304go\u0000';
    expect(isSameText('#12# zal\u0300go', poison)).toBe(true);
    expect(isSameText(poison, poison)).toBe(false);
    expect(isSameText('#13# zalgo', poison)).toBe(false);
  });
});

describe(isShownIn.name, () => {
  it('finds the message in the text of the whole alert', () => {
    expect(isShownIn('0x12 tipped 1 ETH: hello there', 'hello there')).toBe(true);
    expect(isShownIn('0x12 tipped 1 ETH', 'hello there')).toBe(false);
  });
});
