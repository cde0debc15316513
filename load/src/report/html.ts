import { BUCKETS_A_MS } from '../fanout/crowd-orders.js';
import { figureText, isKept, unjudged, type Check, type Outcome } from '../scenarios/outcome.js';
import { boundText, FIGURES, type FigureName, type Length } from '../scenarios/scenario.js';
import { chart, escaped } from './chart.js';
import { STYLE } from './style.js';

export interface RunFacts {
  /** Machine and versions, one line. */
  readonly where: string;
  readonly began: Date;
  readonly seconds: number;
  readonly length: Length;
  readonly seed: number;
}

export const LENGTHS: Readonly<Record<Length, string>> = {
  'as-written': 'the whole times of load/scenarios.json',
  full: 'all scenarios (npm run load -- --full)',
  ci: 'the same numbers for a shorter time (--ci)',
};
const COLORS = { blue: '#4f7cff', violet: '#a259ff', pink: '#ff4d8d', green: '#18b48a', amber: '#f0a020' };

/** One file that needs nothing else: it may be mailed, archived and opened without a network. */
export function htmlReport(outcomes: readonly Outcome[], facts: RunFacts): string {
  const kept = outcomes.filter(isKept).length;
  const isGood = kept === outcomes.length;
  const verdict = isGood
    ? `All ${String(kept)} scenarios kept their bounds`
    : `${String(outcomes.length - kept)} of ${String(outcomes.length)} scenarios broke a bound`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Droppio under load: ${escaped(verdict)}</title><style>${STYLE}</style></head><body>
<header class="${isGood ? 'good' : 'bad'}"><p class="brand">Droppio under load</p><h1>${escaped(verdict)}</h1>
<p>${escaped(facts.began.toISOString().slice(0, 16).replace('T', ' '))} UTC · ${(facts.seconds / 60).toFixed(1)} minutes · ${escaped(LENGTHS[facts.length])} · seed ${String(facts.seed)}</p>
<p class="machine">${escaped(facts.where)}</p>${openText(unjudged(outcomes))}</header>
<main><nav><table><thead><tr><th></th><th>Scenario</th><th>Overlays</th><th>Gateways</th><th>Connect p95</th><th>Delivery p95</th><th>Delivery p99</th><th>Lost</th><th>Doubled</th></tr></thead>
<tbody>${outcomes.map(row).join('')}</tbody></table></nav>
${outcomes.map(card).join('\n')}
<footer>Connections and deliveries count from the moment they were due, not from when somebody got round to them; percentiles are of every one of them, to a tenth of a millisecond. Gateways, overlays and whoever makes tips are processes of their own on this one machine. A vertical line marks what was done; hold the pointer over its dot.</footer>
</main></body></html>
`;
}

const openText = (open: readonly string[]): string =>
  open.length === 0 ? '' : `<p class="machine"><b>Not judged, for the run was too short: ${escaped(open.join(', '))}</b></p>`;

function row(outcome: Outcome): string {
  const { scenario, figures } = outcome;
  const cell = (name: FigureName): string => `<td>${figureText(name, figures[name])}</td>`;
  return `<tr><td>${badge(isKept(outcome))}</td><td><a href="#${scenario.name}">${escaped(scenario.name)}</a></td><td>${scenario.overlays.toLocaleString('en')}</td><td>${String(scenario.gateways)}</td>${cell('connectP95Ms')}${cell('deliveryP95Ms')}${cell('deliveryP99Ms')}${cell('lost')}${cell('doubled')}</tr>`;
}

const badge = (isGood: boolean): string => (isGood ? '<span class="badge good">kept</span>' : '<span class="badge bad">broken</span>');

function card(outcome: Outcome): string {
  const { scenario, checks, fault, tookSeconds } = outcome;
  return `<section id="${scenario.name}"><h2>${badge(isKept(outcome))} ${escaped(scenario.title)} <code>${scenario.name}</code></h2>
<p>${escaped(scenario.says).replace(/`(.+?)`/g, '<code>$1</code>')}</p>
${fault === undefined ? '' : `<pre class="fault">${escaped(fault)}</pre>`}
<ul class="checks">${checks.map(check).join('')}</ul>
<div class="charts">${charts(outcome).join('')}</div>
<p class="rest">${others(outcome)} · took ${tookSeconds.toFixed(0)} s</p></section>`;
}

function check({ figure, bound, value, verdict }: Check): string {
  const state = { kept: 'good', broken: 'bad', 'not judged': 'open' }[verdict];
  return `<li class="${state}"><b>${figureText(figure, value)}</b><span>${escaped(FIGURES[figure].label)}</span><em>${escaped(boundText(bound))}${verdict === 'not judged' ? ', NOT JUDGED: too short a run' : ''}</em></li>`;
}

function others({ checks, figures }: Outcome): string {
  const promised = new Set(checks.map(({ figure }) => figure));
  return (Object.keys(FIGURES) as FigureName[])
    .flatMap((name) =>
      promised.has(name) || figures[name] === undefined
        ? []
        : [`${escaped(FIGURES[name].label)} <b>${figureText(name, figures[name])}</b>`],
    )
    .join(' · ');
}

function charts(outcome: Outcome): string[] {
  const { seconds, marks, scenario } = outcome;
  const over = (of: (second: Outcome['seconds'][number]) => number): (readonly [number, number])[] =>
    seconds.map((second) => [second.at, of(second)]);
  const isScaled = seconds.some(({ fleetPercent }) => Number.isFinite(fleetPercent));
  return [
    chart({
      title: 'Connected overlays',
      unit: 'open',
      marks,
      series: [{ name: 'open', color: COLORS.blue, isFilled: true, points: over(({ open }) => open) }],
    }),
    isScaled
      ? chart({
          title: 'How full the fleet is',
          unit: '% of its limit',
          marks,
          bound: 80,
          series: [
            { name: 'fleet', color: COLORS.violet, isFilled: true, points: over(({ fleetPercent }) => fleetPercent) },
            { name: 'fullest gateway', color: COLORS.pink, points: over(({ fullestPercent }) => fullestPercent) },
          ],
        })
      : '',
    isScaled || scenario.play === 'drain' || scenario.play === 'storm'
      ? chart({
          title: 'Gateways',
          unit: 'in service',
          marks,
          series: [{ name: 'gateways', color: COLORS.green, isFilled: true, points: over(({ gateways }) => gateways) }],
        })
      : '',
    chart({
      title: 'Delivery, second by second',
      unit: 'ms',
      marks,
      series: [
        { name: 'p99', color: COLORS.pink, points: over(({ p99 }) => p99) },
        { name: 'p95', color: COLORS.violet, points: over(({ p95 }) => p95) },
        { name: 'p50', color: COLORS.blue, points: over(({ p50 }) => p50) },
      ],
    }),
    chart({
      title: 'How many come within',
      unit: '% of all, logarithmic time',
      isLog: true,
      xUnit: ' ms',
      series: [
        { name: 'connections', color: COLORS.amber, points: cumulative(outcome.connects) },
        { name: 'deliveries', color: COLORS.blue, points: cumulative(outcome.deliveries) },
      ],
    }),
    chart({
      title: 'Deliveries',
      unit: 'a second',
      marks,
      series: [{ name: 'deliveries', color: COLORS.green, isFilled: true, points: over(({ deliveries }) => deliveries) }],
    }),
    chart({
      title: 'Processor time of all gateways',
      unit: 'cores',
      marks,
      series: [{ name: 'cores', color: COLORS.amber, isFilled: true, points: over(({ cores }) => cores) }],
    }),
    chart({
      title: 'Memory of all gateways',
      unit: 'MiB resident',
      marks,
      series: [{ name: 'resident', color: COLORS.violet, isFilled: true, points: over(({ residentMiB }) => residentMiB) }],
    }),
  ].filter((svg) => svg !== '' && !svg.includes('NaN'));
}

function cumulative(buckets: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  const total = buckets.reduce((sum, [, count]) => sum + count, 0);
  let seen = 0;
  return buckets.map(([bucket, count]) => {
    seen += count;
    return [(bucket + 1) / BUCKETS_A_MS, (seen / total) * 100] as const;
  });
}
