import { describe, expect, it } from 'vitest';
import { TokenBucket } from './token-bucket.js';

describe(TokenBucket.name, () => {
  it('lets a burst through and then the rate, not one a second with a burst of the rate', () => {
    const bucket = new TokenBucket(500, 1000, 0);
    const taken = (at: number, tries: number) => Array.from({ length: tries }, () => bucket.take(at)).filter(Boolean).length;
    expect(taken(0, 3000)).toBe(1000);
    expect(taken(1000, 3000)).toBe(500);
    expect(taken(1100, 3000)).toBe(50);
    expect(taken(60_000, 3000)).toBe(1000);
  });

  it('does not mind a clock that jumps back', () => {
    const bucket = new TokenBucket(1, 1, 10_000);
    expect(bucket.take(10_000)).toBe(true);
    expect(bucket.take(0)).toBe(false);
  });
});
