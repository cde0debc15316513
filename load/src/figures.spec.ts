import { describe, expect, it } from 'vitest';
import { figureTable, ratioOfMedians, verdict, type Figure, type Target } from './figures.js';

const figure = (values: readonly number[], target?: Target): Figure => ({ name: 'a thing', unit: 'ms', values, ...(target && { target }) });

describe(ratioOfMedians, () => {
  it('divides the medians, so that one outlier changes nothing', () => {
    expect(ratioOfMedians([10, 20, 1000], [5, 4, 900])).toBe(4);
  });

  it('is not a number when a side has nothing', () => {
    expect(ratioOfMedians([1], [])).toBeNaN();
  });
});

describe(verdict, () => {
  it('judges the statistic that the target names', () => {
    const values = [1, 1, 1, 50];
    expect(verdict(figure(values, { of: 'p50', bound: 'at most', value: 5 }))).toBe('p50 ≤ 5.00 met');
    expect(verdict(figure(values, { of: 'max', bound: 'at most', value: 5 }))).toBe('max ≤ 5.00 MISSED');
  });

  it('takes a target to be met exactly, and a rate to be missed from below', () => {
    expect(verdict(figure([5], { of: 'p50', bound: 'at most', value: 5 }))).toContain('met');
    expect(verdict(figure([24_999], { of: 'p50', bound: 'at least', value: 25_000 }))).toBe('p50 ≥ 25,000 MISSED');
  });

  it('never calls a figure met that was not measured', () => {
    expect(verdict(figure([], { of: 'p99', bound: 'at most', value: 5 }))).toContain('MISSED');
  });
});

describe(figureTable, () => {
  it('shows percentiles of several values, and one value alone', () => {
    const [head, several, one] = figureTable([figure([1, 2, 3]), figure([1234.5])])
      .split('\n')
      .map((line) => line.trim().split(/\s{2,}/));
    expect(head).toEqual(['p50', 'p99', 'max', 'unit', 'n', 'target']);
    expect(several).toEqual(['a thing', '2.00', '3.00', '3.00', 'ms', '3']);
    expect(one).toEqual(['a thing', '1,235', 'ms', '1']);
  });
});
