import { ANOMALIES } from '../checker/history.js';
import { kindOf } from '../checker/history.js';
import type { HouseRun } from '../run/house-run.js';
import { bars, dots, timeline, type Span } from './charts.js';
import { countsOf, latenciesOf, shownAfter } from './figures.js';

const BUCKET_MS = 1000;

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** The whole run on one page that needs nothing else: what was done to the house, and what its overlays saw, second by second. */
export function page(runs: readonly HouseRun[], command: string, wrong: readonly string[]): string {
  const verdict = wrong.length === 0 ? 'green' : 'RED';
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Proof: ${verdict}</title>
<style>body{font:14px system-ui;margin:2em auto;max-width:1080px;color:#222}svg{width:100%;height:auto;display:block}table{border-collapse:collapse;margin:1em 0}
td,th{border:1px solid #ccc;padding:.25em .6em;text-align:left;vertical-align:top}h3{margin:1.2em 0 .2em}.RED{color:#b00}.green{color:#070}</style>
<h1>End to end under faults: <span class="${verdict}">${verdict}</span></h1>
<p><code>${escaped(command)}</code></p>
${wrong.length === 0 ? '' : `<ul>${wrong.map((line) => `<li class="RED">${escaped(line)}</li>`).join('')}</ul>`}
${runs.map(section).join('\n')}
</html>
`;
}

function section(run: HouseRun): string {
  const { history, phases, from, to } = run;
  const seconds = (at: number): number => (at - from) / 1000;
  const span = { from: 0, to: seconds(to) };
  const faults: Span[] = history.faults.map((fault) => ({
    from: seconds(fault.from),
    to: seconds(fault.to),
    label: `${String(fault.scenario)}: ${fault.name}`,
  }));
  const shown = shownAfter(run);
  const latencies = shown.map(({ since, afterMs }) => ({ x: seconds(since), y: afterMs }));
  const opened = kindOf(history.entries, 'ready').filter(({ first }) => !first);
  const counts = countsOf(run);
  return `<h2>House: ${run.kind}</h2>
<p>${String(counts.tips)} tips stand, ${String(counts.taken)} were taken back by forks; ${String(counts.overlays)} overlays showed ${String(counts.shown)} alerts,
heard ${String(counts.retractions)} retractions and came back ${String(counts.reconnects)} times. Scale ${String(run.scale)}.</p>
<h3>Faults</h3>${timeline(faults, span)}
<h3>Tips a second, as the chain took them</h3>${bars(perSecond(history.truth.standing.map(({ since }) => seconds(since))), span, faults)}
<h3>From block to screen, milliseconds (logarithmic)</h3>${dots(latencies, span, faults)}
<h3>Reconnects a second</h3>${bars(perSecond(opened.map(({ at }) => seconds(at))), span, faults)}
<table><tr><th>#<th>Fault<th>Seen of it<th>Alerts<th>p50<th>p99<th>Longest</tr>
${phases
  .map(({ scenario, says, effects, from: begin, to: end }) => {
    const { count, p50, p99, most } = latenciesOf(shown.filter(({ since }) => since >= begin && since < end));
    return `<tr><td>${String(scenario)}<td>${escaped(says)}<td>${escaped(effects.join('; '))}<td>${String(count)}<td>${p50.toFixed(0)}<td>${p99.toFixed(0)}<td>${most.toFixed(0)}</tr>`;
  })
  .join('\n')}
</table>
<table><tr>${ANOMALIES.map((kind) => `<th>${kind}`).join('')}</tr><tr>${ANOMALIES.map((kind) => `<td>${String(run.anomalies.filter((anomaly) => anomaly.kind === kind).length)}`).join('')}</tr></table>`;
}

function perSecond(times: readonly number[]): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const time of times) {
    const second = Math.floor((time * 1000) / BUCKET_MS);
    counts.set(second, (counts.get(second) ?? 0) + 1);
  }
  return counts;
}
