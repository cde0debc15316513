import { percentile } from '../percentiles.js';
import type { Case } from './cases.js';

/** One round of one case. */
export interface Turn {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time of the server's process for one request. */
  readonly cpuMicroseconds: number;
}

export interface Series {
  readonly asked: Case;
  readonly turns: readonly Turn[];
}

const median = (turns: readonly Turn[], of: (turn: Turn) => number): number => percentile(turns.map(of), 50);

/** Medians over the rounds; the ratios are of medians. */
export function apiTable(series: readonly Series[]): string {
  const rows = series.map(({ asked, turns }) => {
    const [rate, cpu] = [median(turns, (turn) => turn.perSecond), median(turns, (turn) => turn.cpuMicroseconds)];
    const peer = series.find((other) => other.asked.name === asked.peer)?.turns;
    const ratios =
      peer === undefined
        ? ['', '']
        : [ratio(rate / median(peer, (turn) => turn.perSecond)), ratio(cpu / median(peer, (turn) => turn.cpuMicroseconds))];
    const rates = turns.map(({ perSecond }) => perSecond);
    return [
      asked.name,
      whole(rate),
      `${whole(percentile(rates, 0))}–${whole(percentile(rates, 100))}`,
      median(turns, (turn) => turn.p50Ms).toFixed(1),
      median(turns, (turn) => turn.p99Ms).toFixed(1),
      whole(cpu),
      ...ratios,
    ];
  });
  const head = ['', 'requests/s', 'range', 'p50 ms', 'p99 ms', 'CPU µs each', 'requests/s ÷ peer', 'CPU ÷ peer'];
  return [head, head.map((_, column) => (column === 0 ? '---' : '---:')), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

const ratio = (value: number): string => value.toFixed(2);
const whole = (value: number): string => Math.round(value).toLocaleString('en');
