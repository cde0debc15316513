import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blocksIn, merged, uncovered, type BlockRange } from './block-range.js';

const range = fc.tuple(fc.nat(60), fc.nat(60)).map(([a, b]): BlockRange => ({ from: Math.min(a, b), to: Math.max(a, b) }));
const heights = (ranges: readonly BlockRange[]): number[] =>
  ranges.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, n) => from + n));

describe(uncovered.name, () => {
  it('finds the holes before, between and after', () => {
    const covered = [
      { from: 30, to: 39 },
      { from: 10, to: 19 },
    ];
    expect(uncovered({ from: 0, to: 50 }, covered)).toEqual([
      { from: 0, to: 9 },
      { from: 20, to: 29 },
      { from: 40, to: 50 },
    ]);
    expect(uncovered({ from: 12, to: 35 }, covered)).toEqual([{ from: 20, to: 29 }]);
    expect(uncovered({ from: 11, to: 19 }, covered)).toEqual([]);
    expect(uncovered({ from: 5, to: 4 }, [])).toEqual([]);
  });

  it('leaves exactly the heights that no range holds, in order and without touching ranges', () => {
    fc.assert(
      fc.property(range, fc.array(range, { maxLength: 8 }), (asked, covered) => {
        const taken = new Set(heights(covered));
        const holes = uncovered(asked, covered);
        expect(heights(holes)).toEqual(heights([asked]).filter((height) => !taken.has(height)));
        expect(merged(holes)).toEqual(holes);
      }),
    );
  });
});

describe(merged.name, () => {
  it('keeps the heights and leaves no two ranges that touch', () => {
    fc.assert(
      fc.property(fc.array(range, { maxLength: 8 }), (ranges) => {
        const whole = merged(ranges);
        expect(heights(whole)).toEqual([...new Set(heights(ranges))].sort((a, b) => a - b));
        expect(blocksIn(whole)).toBe(heights(whole).length);
        for (const [n, { from }] of whole.entries()) expect(from).toBeGreaterThan((whole[n - 1]?.to ?? -2) + 1);
      }),
    );
  });
});
