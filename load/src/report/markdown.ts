import { figureText, isKept, unjudged, verdictOf, type Outcome } from '../scenarios/outcome.js';
import { boundText, FIGURES, type FigureName } from '../scenarios/scenario.js';
import { LENGTHS, type RunFacts } from './html.js';

/** The run as a page of docs/proof. */
export function markdownReport(outcomes: readonly Outcome[], facts: RunFacts): string {
  const kept = outcomes.filter(isKept).length;
  return [
    '# Under load',
    '',
    `Written by \`npm run load\` on ${facts.began.toISOString().slice(0, 10)}: ${LENGTHS[facts.length]}, seed ${String(facts.seed)}, ${(facts.seconds / 60).toFixed(1)} minutes.`,
    `${String(kept)} of ${String(outcomes.length)} scenarios kept their bounds. ${openText(unjudged(outcomes))}`,
    '',
    facts.where,
    '',
    'Gateways, overlays and whoever makes tips are processes of their own on this one machine. Connections and deliveries count from the moment they',
    'were due; percentiles are of every one of them, to a tenth of a millisecond; lost and doubled go by seq.',
    '',
    ...outcomes.flatMap(section),
  ].join('\n');
}

const openText = (open: readonly string[]): string =>
  open.length === 0 ? 'Every bound was judged.' : `**NOT JUDGED, for the run was too short: ${open.join(', ')}.**`;

function section(outcome: Outcome): string[] {
  const { scenario, checks, fault, figures, marks } = outcome;
  const promised = new Set(checks.map(({ figure }) => figure));
  const rest = (Object.keys(FIGURES) as FigureName[]).flatMap((name) =>
    promised.has(name) || figures[name] === undefined ? [] : [`${FIGURES[name].label} ${figureText(name, figures[name])}`],
  );
  const rows = checks.map(
    ({ figure, bound, value, verdict }) =>
      `| ${FIGURES[figure].label} | ${figureText(figure, value)} | ${boundText(bound)} | ${verdict === 'not judged' ? '**NOT JUDGED: too short a run**' : verdict} |`,
  );
  return [
    `## ${scenario.title} (\`${scenario.name}\`): ${verdictOf(outcome)}`,
    '',
    scenario.says,
    '',
    `${scenario.overlays.toLocaleString('en')} overlays, ${scenario.rooms.toLocaleString('en')} rooms, ${String(scenario.gateways)} gateways, ${String(scenario.tipsPerSecond)} tips a second; ${String(scenario.rampSeconds)} s to arrive, then ${String(scenario.holdSeconds)} s.`,
    '',
    ...(fault === undefined ? [] : [`It could not be played to its end: ${fault.split('\n')[0] ?? ''}`, '']),
    '| | measured | promised | |',
    '| --- | ---: | ---: | --- |',
    ...rows,
    '',
    ...(rest.length === 0 ? [] : [`Beside it: ${rest.join('; ')}.`, '']),
    ...(scenario.play === 'scale' ? [`What happened: ${marks.map(({ at, text }) => `${at.toFixed(0)} s ${text}`).join('; ')}.`, ''] : []),
  ];
}
