import { figureText, isKept, unjudged, verdictOf, type Outcome } from '../scenarios/outcome.js';
import { boundText, FIGURES } from '../scenarios/scenario.js';

/** A run in a few lines for a terminal: what was promised first, then what was measured beside it. */
export function summaryOf(outcome: Outcome): string {
  const { scenario, checks, figures, tookSeconds, fault } = outcome;
  const head = `${verdictOf(outcome).padEnd(6)} ${scenario.name} (${tookSeconds.toFixed(0)} s)${fault === undefined ? '' : `: ${fault}`}`;
  const lines = checks.map(({ figure, bound, value, verdict }) => {
    const sign = { kept: '  ✓', broken: '  ✗', 'not judged': '  ?' }[verdict];
    return `${sign} ${FIGURES[figure].label.padEnd(50)} ${figureText(figure, value).padStart(12)}   ${boundText(bound)}${verdict === 'not judged' ? '   NOT JUDGED: too short a run' : ''}`;
  });
  const promised = new Set(checks.map(({ figure }) => figure));
  const rest = (Object.keys(FIGURES) as (keyof typeof FIGURES)[]).flatMap((name) =>
    promised.has(name) || figures[name] === undefined ? [] : [`${FIGURES[name].label} ${figureText(name, figures[name])}`],
  );
  return [head, ...lines, ...(rest.length === 0 ? [] : [`    ${rest.join(' · ')}`]), ''].join('\n');
}

/** The last words of a run. A bound that was not judged is never among those that were kept. */
export function verdictText(outcomes: readonly Outcome[], seconds: number): string {
  const broken = outcomes.filter((outcome) => !isKept(outcome)).map(({ scenario }) => scenario.name);
  const open = unjudged(outcomes);
  return [
    ...(open.length === 0 ? [] : [`NOT JUDGED, for the run was too short: ${open.join(', ')}`]),
    broken.length === 0
      ? `${open.length === 0 ? 'all' : 'for the rest, all'} ${String(outcomes.length)} scenarios kept their bounds, in ${seconds.toFixed(0)} s`
      : `BROKEN: ${broken.join(', ')}`,
  ].join('\n');
}
