import type { Scenario } from '../scenarios/scenario.js';
import { byHand, guards, measured, sign, unmeasured, type Measured } from './measurable.js';

const SOCKETS_A_VU = 50;

/** A k6 script of one scenario; what all of them share is in load/k6/overlays.ts. */
export function k6Script(scenario: Scenario): string {
  const { name, title, overlays, rampSeconds, holdSeconds, rooms, tipsPerSecond } = scenario;
  const vus = Math.ceil(overlays / SOCKETS_A_VU);
  const seconds = rampSeconds + holdSeconds;
  const options = {
    scenarios: { overlays: { executor: 'per-vu-iterations', vus, iterations: 1, maxDuration: `${String(seconds + 120)}s`, exec: 'watch' } },
    thresholds: thresholds([...guards(scenario), ...measured(scenario)]),
  };
  const plan = { overlays, rooms, vus, rampSeconds, holdSeconds, tipsPerSecond };
  const notes = [byHand(scenario), unmeasured(scenario).length === 0 ? undefined : `Not judged here: ${unmeasured(scenario).join(', ')}.`];
  return [
    `// ${title}. Written by "npm run load:scripts" from ../scenarios.json; do not edit.`,
    ...notes.flatMap((note) => (note === undefined ? [] : [`// ${note}`])),
    "import type { Options } from 'k6/options';",
    "import { watching } from './overlays.ts';",
    '',
    `export const options: Options = ${JSON.stringify(options)};`,
    '',
    `// k6 calls it once for each VU, ${name}.`,
    `export const watch = watching(${JSON.stringify(plan)});`,
    '',
  ].join('\n');
}

function thresholds(all: readonly Measured[]): Record<string, string[]> {
  const lines: Record<string, string[]> = {};
  for (const { bound, metric } of all) {
    const { operator, value } = sign(bound);
    const metricName = `droppio_${metric.metric}`;
    const of = {
      rate: () => `rate${operator}${String(value / 100)}`,
      count: () => `count${operator}${String(value)}`,
      trend: () =>
        metric.kind === 'trend' && metric.percentile === 100
          ? `max${operator}${String(value)}`
          : `p(${String(percentileOf(metric))})${operator}${String(value)}`,
    }[metric.kind]();
    lines[metricName] = [...(lines[metricName] ?? []), of];
  }
  return lines;
}

const percentileOf = (metric: Measured['metric']): number => (metric.kind === 'trend' ? metric.percentile : Number.NaN);
