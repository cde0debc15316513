import type { Counter, Histogram } from 'prom-client';

/** A histogram as it stood at one moment, summed over all label sets but `by`. */
export interface Reading {
  readonly count: number;
  readonly sum: number;
  /** Upper bound → how many were at or below it. */
  readonly below: ReadonlyMap<number, number>;
}

export interface Spread {
  readonly count: number;
  readonly avgMs: number | null;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

const EMPTY: Reading = { count: 0, sum: 0, below: new Map() };

export async function total(counter: Counter, labels: Readonly<Record<string, string>> = {}): Promise<number> {
  const { values } = await counter.get();
  return values.filter((one) => fits(one.labels, labels)).reduce((sum, one) => sum + one.value, 0);
}

export async function reading(histogram: Histogram, labels: Readonly<Record<string, string>> = {}): Promise<Reading> {
  const { values } = await histogram.get();
  const below = new Map<number, number>();
  let count = 0;
  let sum = 0;
  for (const { metricName = '', labels: found, value } of values) {
    if (!fits(found, labels)) continue;
    if (metricName.endsWith('_sum')) sum += value;
    else if (metricName.endsWith('_count')) count += value;
    else if ('le' in found) {
      const bound = found['le'] === '+Inf' ? Infinity : Number(found['le']);
      below.set(bound, (below.get(bound) ?? 0) + value);
    }
  }
  return { count, sum, below };
}

/** What came between two readings of a histogram of seconds. */
export function spreadOf(now: Reading, before: Reading = EMPTY): Spread {
  const count = now.count - before.count;
  if (count <= 0) return { count: 0, avgMs: null, p50Ms: null, p99Ms: null };
  const below = [...now.below].map(([bound, n]): [number, number] => [bound, n - (before.below.get(bound) ?? 0)]).sort(([a], [b]) => a - b);
  const quantileMs = (share: number): number | null => milliseconds(quantile(below, share * count));
  return { count, avgMs: milliseconds((now.sum - before.sum) / count), p50Ms: quantileMs(0.5), p99Ms: quantileMs(0.99) };
}

/** By straight lines between the bounds, as Prometheus does it; `null` above the last bound. */
function quantile(below: readonly (readonly [bound: number, count: number])[], rank: number): number | null {
  let [from, reached] = [0, 0];
  for (const [bound, count] of below) {
    if (count >= rank && bound === Infinity) return null;
    if (count >= rank) return from + (bound - from) * ((rank - reached) / Math.max(1, count - reached));
    [from, reached] = [bound, count];
  }
  return null;
}

function milliseconds(seconds: number | null): number | null {
  return seconds === null ? null : Math.round(seconds * 100_000) / 100;
}

function fits(found: Readonly<Record<string, unknown>>, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([name, value]) => found[name] === value);
}
