import { randomHex } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import { BlockVisibility } from './block-visibility.js';

describe(BlockVisibility.name, () => {
  it('tells how much later than the first an endpoint knows a block, once for each', () => {
    const visibility = new BlockVisibility();
    const block = randomHex(32);
    expect(visibility.told(block, 'quick', 1000)).toBe(0);
    expect(visibility.told(block, 'slow', 1250)).toBe(250);
    expect(visibility.told(block, 'slow', 1500)).toBeUndefined();
    expect(visibility.told(randomHex(32), 'slow', 1600)).toBe(0);
  });

  it('forgets what is long past', () => {
    const visibility = new BlockVisibility();
    const block = randomHex(32);
    visibility.told(block, 'one', 0);
    for (let n = 0; n < 600; n += 1) visibility.told(randomHex(32), 'one', n);
    expect(visibility.told(block, 'two', 5000)).toBe(0);
  });
});
