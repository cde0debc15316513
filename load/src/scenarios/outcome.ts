import type { Audit } from '../crowd/orders.js';
import { Latencies } from '../fanout/latencies.js';
import type { Extra } from './plays.js';
import { FIGURES, keeps, type Bound, type FigureName, type Scenario } from './scenario.js';
import { merged, type Mark, type Second, type Timeline } from './timeline.js';

export interface Check {
  readonly figure: FigureName;
  readonly bound: Bound;
  /** `undefined`: the run was too short to say. */
  readonly value: number | undefined;
  readonly verdict: 'kept' | 'broken' | 'not judged';
}

/** A run as it is reported. */
export interface Outcome {
  readonly scenario: Scenario;
  readonly figures: Extra;
  readonly checks: readonly Check[];
  readonly seconds: readonly Second[];
  readonly marks: readonly Mark[];
  /** In tenths of milliseconds, ascending. */
  readonly connects: readonly (readonly [number, number])[];
  readonly deliveries: readonly (readonly [number, number])[];
  readonly tookSeconds: number;
  /** It could not be played to its end. */
  readonly fault?: string;
}

const ABRUPT = [1001, 1006] as const;
/** Figures that only a long run has. */
const LONG: readonly FigureName[] = ['heapMiBPerHour'];

/** Everything that any run measures. */
export function commonFigures({ overlays, tipsPerSecond }: Scenario, timeline: Timeline, audit: Audit): Extra {
  const connects = new Latencies(timeline.connects);
  const reconnects = new Latencies(timeline.reconnects);
  const latencies = timeline.latencies;
  const all = audit.delivered + audit.missing;
  const figures: Extra = {
    connectedPercent: (timeline.connected / overlays) * 100,
    connectP95Ms: connects.percentile(95),
    connectP99Ms: connects.percentile(99),
    closes: timeline.closed(),
    cutOff: timeline.closed(...ABRUPT),
    ...(timeline.reconnects.length === 0 ? {} : { reconnectP95Ms: reconnects.percentile(95) }),
  };
  if (tipsPerSecond === 0) return figures;
  return {
    ...figures,
    deliveries: audit.delivered,
    deliveredPercent: (audit.delivered / all) * 100,
    deliveryP50Ms: latencies.percentile(50),
    deliveryP95Ms: latencies.percentile(95),
    deliveryP99Ms: latencies.percentile(99),
    deliveryMaxMs: latencies.percentile(100),
    lost: audit.missing + audit.holes,
    doubled: audit.doubled,
    leaked: audit.leaked,
  };
}

export function outcomeOf(scenario: Scenario, timeline: Timeline, figures: Extra, tookSeconds: number): Outcome {
  const { seconds, marks } = timeline;
  const [connects, deliveries] = [merged(timeline.connects), merged(timeline.distribution)];
  return { scenario, figures, checks: checksOf(scenario, figures), seconds, marks, connects, deliveries, tookSeconds };
}

/** A scenario that broke down keeps none of its bounds. */
export function brokenDown(scenario: Scenario, error: unknown, tookSeconds: number): Outcome {
  const fault = error instanceof Error ? error.message : String(error);
  const checks = scenario.thresholds.map(({ figure, bound }) => ({ figure, bound, value: undefined, verdict: 'broken' as const }));
  return { scenario, figures: {}, checks, seconds: [], marks: [], connects: [], deliveries: [], tookSeconds, fault };
}

export function checksOf({ thresholds }: Scenario, figures: Extra): Check[] {
  return thresholds.map(({ figure, bound }) => {
    const value = figures[figure];
    if (value === undefined && LONG.includes(figure)) return { figure, bound, value, verdict: 'not judged' };
    return { figure, bound, value, verdict: value !== undefined && keeps(value, bound) ? 'kept' : 'broken' };
  });
}

export const isKept = ({ checks, fault }: Outcome): boolean => fault === undefined && checks.every(({ verdict }) => verdict !== 'broken');

/** What a reader is told first; a bound that nobody judged is nothing that was kept. */
export function verdictOf(outcome: Outcome): 'kept' | 'BROKEN' | 'kept, as far as it was judged' {
  if (!isKept(outcome)) return 'BROKEN';
  return unjudged([outcome]).length === 0 ? 'kept' : 'kept, as far as it was judged';
}

/** `soak heapMiBPerHour`: bounds for which a run was too short. */
export function unjudged(outcomes: readonly Outcome[]): string[] {
  return outcomes.flatMap(({ scenario, checks }) =>
    checks.flatMap(({ figure, verdict }) => (verdict === 'not judged' ? [`${scenario.name} ${figure}`] : [])),
  );
}

/** A number as a person reads it, with its unit. */
export function figureText(figure: FigureName, value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '–';
  const { unit } = FIGURES[figure];
  const digits = Number.isInteger(value) || Math.abs(value) >= 1000 ? 0 : Math.abs(value) >= 100 ? 1 : 2;
  return `${value.toLocaleString('en', { maximumFractionDigits: digits })}${unit === '' ? '' : ` ${unit}`}`;
}
