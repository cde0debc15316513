/** Nearest-rank percentile of unsorted numbers; NaN when there are none. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil((p / 100) * sorted.length) - 1))] ?? Number.NaN;
}

export interface Row {
  readonly name: string;
  readonly values: readonly number[];
}

/** A table of p50, p95, p99 and max in milliseconds. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map(({ name, values }) => [name, ...[50, 95, 99, 100].map((p) => percentile(values, p).toFixed(1).padStart(8))]);
  const width = Math.max(...cells.map(([name = '']) => name.length));
  const head = `${''.padEnd(width)}     p50      p95      p99      max   (ms)`;
  return [head, ...cells.map(([name = '', ...numbers]) => `${name.padEnd(width)}${numbers.join(' ')}`)].join('\n');
}
