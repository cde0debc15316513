import { percentile } from '../percentiles.js';
import type { Outcome, Setting } from './round.js';

/** All rounds of one server in one setting. */
export interface Series {
  readonly name: string;
  readonly outcomes: readonly Outcome[];
}

interface Column {
  readonly head: string;
  readonly of: (outcome: Outcome) => number;
  readonly digits: number;
}

const COLUMNS: readonly Column[] = [
  { head: 'CPU µs a delivery', of: ({ cpuMicroseconds }) => cpuMicroseconds, digits: 1 },
  { head: 'p50 ms', of: ({ p50Ms }) => p50Ms, digits: 1 },
  { head: 'p99 ms', of: ({ p99Ms }) => p99Ms, digits: 1 },
  { head: 'deliveries/s', of: ({ deliveriesPerSecond }) => deliveriesPerSecond, digits: 0 },
  { head: 'missing', of: ({ missing }) => missing, digits: 0 },
  { head: 'idle B/socket', of: ({ idleBytes }) => idleBytes, digits: 0 },
  { head: 'kernel B/pair', of: ({ kernelBytes }) => kernelBytes, digits: 0 },
  { head: 'handshakes/s', of: ({ handshakesPerSecond }) => handshakesPerSecond, digits: 0 },
  { head: 'connect p99 ms', of: ({ connectP99Ms }) => connectP99Ms, digits: 0 },
];

export const median = (outcomes: readonly Outcome[], of: (outcome: Outcome) => number): number => percentile(outcomes.map(of), 50);

/** Medians of the rounds, a line for each server, and how ours compares in processor time. */
export function settingTable({ sockets, rooms, rate }: Setting, series: readonly Series[]): string {
  const ours = series[0];
  const own = ours === undefined ? Number.NaN : median(ours.outcomes, ({ cpuMicroseconds }) => cpuMicroseconds);
  const rows = series.map(({ name, outcomes }) => {
    const ratio = own / median(outcomes, ({ cpuMicroseconds }) => cpuMicroseconds);
    const cells = COLUMNS.map(({ of, digits }) => median(outcomes, of).toFixed(digits));
    return `| ${[name, ...cells, ratio.toFixed(2)].join(' | ')} |`;
  });
  const where = rooms === 1 ? 'in one room' : `in ${String(rooms)} rooms`;
  const heads = ['', ...COLUMNS.map(({ head }) => head), 'our CPU / theirs'];
  return [
    `### ${sockets.toLocaleString('en')} sockets ${where}, ${rate.toLocaleString('en')} deliveries/s asked for; medians of ${String(ours?.outcomes.length)} rounds`,
    '',
    `| ${heads.join(' | ')} |`,
    `|${heads.map((_, column) => (column === 0 ? '---' : '---:')).join('|')}|`,
    ...rows,
  ].join('\n');
}
