import { percentile } from './percentiles.js';

/** One line of the bench's table. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  /** Several numbers are shown as p50, p99 and max, one alone as it is. */
  readonly values: readonly number[];
  readonly target?: Target;
}

export interface Target {
  readonly of: 'p50' | 'p99' | 'max';
  readonly bound: 'at most' | 'at least';
  readonly value: number;
}

/** p50 of a value for each unit of time or memory needs fewer digits the larger it is. */
function digits(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en');
  return value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
}

/** `met`, `missed`, or nothing to meet. */
export function verdict({ values, target }: Figure): string {
  if (target === undefined) return '';
  const value = percentile(values, { p50: 50, p99: 99, max: 100 }[target.of]);
  const isMet = target.bound === 'at most' ? value <= target.value : value >= target.value;
  const wanted = `${target.of} ${target.bound === 'at most' ? '≤' : '≥'} ${digits(target.value)}`;
  return `${wanted} ${isMet ? 'met' : 'MISSED'}`;
}

/** The median of one over the median of the other: above 1, the first took longer. */
export function ratioOfMedians(these: readonly number[], those: readonly number[]): number {
  return percentile(these, 50) / percentile(those, 50);
}

export function figureTable(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => {
    const { name, unit, values } = figure;
    const [p50, p99, max] = [50, 99, 100].map((p) => digits(percentile(values, p)));
    const rest = values.length > 1 ? [p99 ?? '', max ?? ''] : ['', ''];
    return [name, p50 ?? '', ...rest, unit, String(values.length), verdict(figure)];
  });
  const table = [['', 'p50', 'p99', 'max', 'unit', 'n', 'target'], ...rows];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  const isNumber = (column: number): boolean => [1, 2, 3, 5].includes(column);
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (isNumber(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0))).join('  ');
  return table.map((row) => line(row).trimEnd()).join('\n');
}
