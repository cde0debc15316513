import { expect, it } from 'vitest';
import { percentile, table } from './percentiles.js';

it('takes the nearest rank', () => {
  const values = Array.from({ length: 100 }, (_, i) => 100 - i);
  expect([50, 95, 99, 100].map((p) => percentile(values, p))).toEqual([50, 95, 99, 100]);
  expect(percentile([7], 50)).toBe(7);
  expect(percentile([], 50)).toBeNaN();
});

it('draws a table', () => {
  expect(table([{ name: 'path', values: [1, 2, 3] }])).toContain('path     2.0      3.0      3.0      3.0');
});
