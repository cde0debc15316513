import { stringify } from 'yaml';
import type { Scenario } from '../scenarios/scenario.js';
import { byHand, guards, measured, sign, unmeasured, type Measured } from './measurable.js';

const SOCKETS_A_USER = 50;

/** An Artillery file of one scenario; what all of them share is in load/artillery/processor.ts. One virtual user is fifty overlays. */
export function artilleryFile(scenario: Scenario): string {
  const { title, overlays, rooms, rampSeconds, holdSeconds, tipsPerSecond } = scenario;
  const all = [...guards(scenario), ...measured(scenario)];
  const users = overlays / SOCKETS_A_USER;
  if (!Number.isInteger(users)) throw new Error(`${scenario.name}: ${String(overlays)} overlays are no whole number of virtual users`);
  const file = {
    config: {
      target: '{{ $env.DROPPIO_WS_URL }}',
      processor: './processor.ts',
      variables: { rooms, tipsPerSecond, holdSeconds, overlaysEach: SOCKETS_A_USER, secondsEach: rampSeconds / users },
      phases: [{ name: 'arrive', duration: rampSeconds, arrivalCount: users }],
      plugins: { ensure: {} },
      ensure: {
        thresholds: all.filter(isCeiling).map((one) => ({ [metricName(one)]: sign(one.bound).value })),
        conditions: all.filter((one) => !isCeiling(one)).map((one) => ({ expression: expression(one) })),
      },
    },
    scenarios: [{ flow: [{ function: 'watch' }] }],
  };
  const notes = [byHand(scenario), unmeasured(scenario).length === 0 ? undefined : `Not judged here: ${unmeasured(scenario).join(', ')}.`];
  const head = [
    `${title}. Written by "npm run load:scripts" from ../scenarios.json; do not edit.`,
    ...notes.filter((note) => note !== undefined),
  ];
  return `${head.map((line) => `# ${line}`).join('\n')}\n${stringify(file, { singleQuote: true, lineWidth: 140 })}`;
}

/** Artillery's own thresholds are upper bounds of percentiles. */
const isCeiling = ({ metric, bound }: Measured): boolean => metric.kind === 'trend' && 'below' in bound;

function metricName({ metric }: Measured): string {
  if (metric.kind !== 'trend') return `droppio.${metric.metric}`;
  const suffix = metric.percentile === 100 ? 'max' : metric.percentile === 50 ? 'median' : `p${String(metric.percentile)}`;
  return `droppio.${metric.metric}.${suffix}`;
}

function expression(one: Measured): string {
  const { operator, value } = sign(one.bound);
  const { metric } = one;
  if (metric.kind !== 'rate') return `${metricName(one)} ${operator} ${String(value)}`;
  return `100 * droppio.${metric.metric} ${operator} ${String(value)} * (droppio.${metric.metric} + droppio.not_${metric.metric})`;
}
