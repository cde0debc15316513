import { machine } from '../../machine.js';
import { ANOMALIES } from '../checker/history.js';
import type { HouseRun } from '../run/house-run.js';
import { countsOf, latenciesOf, shownAfter } from './figures.js';
import { turnsOf } from './turns.js';

const SHOWN = 12;
const ms = (value: number): string => (value >= 10_000 ? `${(value / 1000).toFixed(1)} s` : `${value.toFixed(0)} ms`);

/** What happened, as a page of Markdown. */
export function summary(runs: readonly HouseRun[], command: string): string {
  const scale = runs[0]?.scale ?? 1;
  const standstill = Math.max(0, ...runs.map(({ standstillMs }) => standstillMs)).toFixed(0);
  return [
    `\`${command}\` on ${machine()}, scale ${String(scale)} (1 is 50 creators, 200 overlays, 20 tips a second). The harness itself stood still for ${standstill} ms at most.`,
    '',
    ...pageLines(runs),
    '',
    ...phaseTable(runs),
    '',
    ...countTable(runs),
    '',
    ...anomalyTable(runs),
  ].join('\n');
}

/** Pages show one alert after the other: how long each of them keeps the others waiting. */
function pageLines(runs: readonly HouseRun[]): string[] {
  return runs.map((run) => {
    const { count, p50, p90 } = turnsOf(run.history);
    return `Pages in Chromium (house: ${run.kind}) showed ${String(count)} alerts to their end; each took a page ${ms(p50)} (p90 ${ms(p90)}), played forty times sooner than for viewers.`;
  });
}

function phaseTable(runs: readonly HouseRun[]): string[] {
  const rows = runs.flatMap((run) => {
    const shown = shownAfter(run);
    return run.phases.map(({ scenario, says, from, to, effects }) => {
      const { count, p50, p99, most } = latenciesOf(shown.filter(({ since }) => since >= from && since < to));
      return `| ${String(scenario)} | ${says} | ${effects.join('; ')} | ${String(count)} | ${ms(p50)} | ${ms(p99)} | ${ms(most)} |`;
    });
  });
  return ['| # | Fault | Seen of it | Alerts | p50 | p99 | Longest |', '|---|---|---|---|---|---|---|', ...rows];
}

function countTable(runs: readonly HouseRun[]): string[] {
  const rows = runs.map((run) => {
    const { tips, taken, overlays, shown, retractions, reconnects, gaps, again, closings } = countsOf(run);
    const codes = [...closings].map(([code, times]) => `${String(code)} × ${String(times)}`).join(', ');
    const seconds = ((run.to - run.from) / 1000).toFixed(0);
    return `| ${run.kind} | ${seconds} s | ${String(tips)} | ${String(taken)} | ${String(overlays)} | ${String(shown)} | ${String(retractions)} | ${String(reconnects)} | ${String(again)} | ${String(gaps)} | ${codes} |`;
  });
  return [
    '| House | Time | Tips that stand | Taken back by forks | Overlays | Alerts shown | Retractions heard | Reconnects | Frames sent again | Gaps | Closings |',
    '|---|---|---|---|---|---|---|---|---|---|---|',
    ...rows,
  ];
}

function anomalyTable(runs: readonly HouseRun[]): string[] {
  const all = runs.flatMap(({ anomalies }) => anomalies);
  const rows = ANOMALIES.map((kind) => `| ${kind} | ${String(all.filter((anomaly) => anomaly.kind === kind).length)} |`);
  return ['| Anomaly | Found |', '|---|---|', ...rows];
}

/** What is wrong, the first of each kind. */
export function complaints(runs: readonly HouseRun[], tame: readonly string[]): string[] {
  const all = runs.flatMap(({ anomalies }) => anomalies);
  return [
    ...runs.flatMap(({ failures }) => failures),
    ...tame.map((what) => `too little happened: ${what}`),
    ...ANOMALIES.flatMap((kind) =>
      all
        .filter((anomaly) => anomaly.kind === kind)
        .slice(0, SHOWN)
        .map(({ what }) => `${kind}: ${what}`),
    ),
  ];
}
