import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ROOT } from '@droppio/e2e/houses';
import * as z from 'zod';

/** What a run is judged by, with how a person reads it. `wants`: what an unfinished sentence says before the number. */
export const FIGURES = {
  connectedPercent: { label: 'connected at the first attempt', unit: '%' },
  connectP95Ms: { label: 'connect, p95', unit: 'ms' },
  connectP99Ms: { label: 'connect, p99', unit: 'ms' },
  deliveredPercent: { label: 'delivered', unit: '%' },
  deliveryP50Ms: { label: 'delivery, p50', unit: 'ms' },
  deliveryP95Ms: { label: 'delivery, p95', unit: 'ms' },
  deliveryP99Ms: { label: 'delivery, p99', unit: 'ms' },
  deliveryMaxMs: { label: 'delivery, slowest', unit: 'ms' },
  deliveries: { label: 'deliveries', unit: '' },
  deliveriesPerSecond: { label: 'deliveries a second', unit: '' },
  lost: { label: 'lost, by seq', unit: '' },
  doubled: { label: 'doubled, by seq', unit: '' },
  leaked: { label: 'leaked into another room', unit: '' },
  closes: { label: 'connections that ended', unit: '' },
  cutOff: { label: 'cut off without a word (1001, 1006)', unit: '' },
  stragglers: { label: 'closed at the end of a drain', unit: '' },
  paceRatio: { label: 'busiest second of a gateway over the drain’s plan', unit: '×' },
  backSeconds: { label: 'all back after', unit: 's' },
  reconnectP95Ms: { label: 'back, from the loss, p95', unit: 'ms' },
  refusedPercent: { label: 'of the surplus told 503', unit: '%' },
  retryAfterPercent: { label: 'of them told when to come back', unit: '%' },
  slowClosedPercent: { label: 'of those that do not read let go', unit: '%' },
  p99GrowthMs: { label: 'p99 of the others grew by', unit: 'ms' },
  openFilesGrowth: { label: 'open files, growth', unit: '' },
  heapMiBPerHour: { label: 'heap, slope', unit: 'MiB/h' },
  fleetPeakPercent: { label: 'fullest the fleet was', unit: '%' },
  gatewayPeakPercent: { label: 'fullest a gateway was', unit: '%' },
  scaleUps: { label: 'decisions to grow', unit: '' },
  scaleDowns: { label: 'decisions to shrink', unit: '' },
  mostGateways: { label: 'most gateways', unit: '' },
} as const;
export type FigureName = keyof typeof FIGURES;
const FigureName = z.custom<FigureName>((name) => typeof name === 'string' && name in FIGURES, 'no such figure');

const Bound = z.union([
  z.strictObject({ above: z.number() }),
  z.strictObject({ below: z.number() }),
  z.strictObject({ atMost: z.number() }),
  z.strictObject({ atLeast: z.number() }),
  z.strictObject({ is: z.number() }),
]);
export type Bound = z.output<typeof Bound>;

const times = { rampSeconds: z.number().positive(), holdSeconds: z.number().positive() };
const Shorter = z.strictObject(times).partial();
const Scenario = z.strictObject({
  title: z.string(),
  says: z.string(),
  play: z.enum(['flow', 'shed', 'storm', 'drain', 'failover', 'hot', 'slow', 'soak', 'scale']),
  gateways: z.int().min(1).max(20),
  overlays: z.int().min(1).max(50_000),
  rooms: z.int().min(1).max(50_000),
  ...times,
  /** Over all rooms. */
  tipsPerSecond: z.number().min(0),
  /** For `--full` and `--ci`: shorter, never smaller. */
  full: Shorter.optional(),
  ci: Shorter,
  thresholds: z.record(z.string(), Bound).transform((bounds, context) =>
    Object.entries(bounds).map(([name, bound]) => {
      const figure = FigureName.safeParse(name);
      if (!figure.success) context.addIssue(`${name} is no figure that is measured`);
      return { figure: figure.data ?? 'lost', bound };
    }),
  ),
});
export type Scenario = z.output<typeof Scenario> & { readonly name: string };

/** How much time the scenarios get. */
export type Length = 'as-written' | 'full' | 'ci';

export const SCENARIOS_FILE = resolve(ROOT, 'load/scenarios.json');

/** All scenarios, in the order of the file. */
export function readScenarios(length: Length, file = SCENARIOS_FILE): readonly Scenario[] {
  const all = z.record(z.string().regex(/^[a-z0-9-]+$/), Scenario).parse(JSON.parse(readFileSync(file, 'utf8')));
  return Object.entries(all).map(([name, scenario]) => {
    const { rampSeconds = scenario.rampSeconds, holdSeconds = scenario.holdSeconds } =
      (length === 'ci' ? scenario.ci : length === 'full' ? scenario.full : undefined) ?? {};
    return { ...scenario, name, rampSeconds, holdSeconds };
  });
}

export function keeps(value: number, bound: Bound): boolean {
  if ('above' in bound) return value > bound.above;
  if ('below' in bound) return value < bound.below;
  if ('atMost' in bound) return value <= bound.atMost;
  if ('atLeast' in bound) return value >= bound.atLeast;
  return value === bound.is;
}

export function boundText(bound: Bound): string {
  const [[word, value]] = Object.entries(bound) as [[string, number]];
  return `${{ above: '>', below: '<', atMost: '≤', atLeast: '≥', is: '=' }[word] ?? word} ${value.toLocaleString('en')}`;
}
