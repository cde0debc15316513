import { describe, expect, it } from 'vitest';
import { htmlReport } from './html.js';
import { markdownReport } from './markdown.js';
import { summaryOf, verdictText } from './summary.js';
import type { Extra } from '../scenarios/plays.js';
import { brokenDown, outcomeOf } from '../scenarios/outcome.js';
import { readScenarios } from '../scenarios/scenario.js';
import { Timeline } from '../scenarios/timeline.js';

const [scenario] = readScenarios('ci');
if (scenario === undefined) throw new Error('there is no scenario');
const facts = { where: 'a <machine>', began: new Date('2026-01-01T00:00:00Z'), seconds: 60, length: 'ci' as const, seed: 1 };

function anOutcome(of = scenario, figures: Extra = { connectedPercent: 100, connectP95Ms: 250, closes: 0 }) {
  const timeline = new Timeline();
  if (of === undefined) throw new Error('there is no scenario');
  for (let second = 0; second < 5; second += 1) {
    timeline.tick(
      {
        op: 'tick',
        open: second * 10,
        connected: 10,
        failed: 0,
        deliveries: 5,
        connects: [[20, 10]],
        reconnects: [],
        latencies: [[30 + second, 5]],
        closes: {},
      },
      0,
    );
    timeline.pass({ gateways: 2, cores: 0.5, residentMiB: 200 });
  }
  return outcomeOf(of, timeline, figures, 9);
}

describe(htmlReport.name, () => {
  it('is one file that asks nobody for anything, runs nothing, and shows no half numbers', () => {
    const html = htmlReport([anOutcome(), brokenDown(anOutcome().scenario, new Error('<b>no</b>'), 1)], facts);
    expect(html).not.toMatch(/(?:src|href)="(?!#)|url\(|@import|<script|<link/);
    expect(html).not.toMatch(/NaN|undefined|Infinity/);
    expect(html).toContain('a &lt;machine&gt;');
    expect(html).toContain('&lt;b&gt;no&lt;/b&gt;');
    expect(html.match(/<polyline/g)?.length).toBeGreaterThan(5);
  });

  it('says which bound broke', () => {
    expect(htmlReport([anOutcome()], facts)).toMatch(/<li class="bad"><b>250 ms<\/b><span>connect, p95<\/span><em>&lt; 100<\/em>/);
    expect(markdownReport([anOutcome()], facts)).toContain('| connect, p95 | 250 ms | < 100 | broken |');
  });
});

describe('a bound for which a run was too short', () => {
  const soak = readScenarios('ci').find(({ play }) => play === 'soak');
  const figures = { connectedPercent: 100, lost: 0, doubled: 0, openFilesGrowth: 1 };

  it('is never among those that were kept: a terminal, the page and the chart say so loudly', () => {
    const short = anOutcome(soak, figures);
    expect(summaryOf(short)).toMatch(/^kept, as far as it was judged soak /);
    expect(summaryOf(short)).toContain('NOT JUDGED: too short a run');
    expect(verdictText([anOutcome(), short], 9)).toMatch(/^NOT JUDGED, for the run was too short: soak heapMiBPerHour$/m);
    expect(markdownReport([short], facts)).toContain('**NOT JUDGED, for the run was too short: soak heapMiBPerHour.**');
    expect(markdownReport([short], facts)).toContain('| heap, slope | – | < 20 | **NOT JUDGED: too short a run** |');
    expect(htmlReport([short], facts)).toContain('Not judged, for the run was too short: soak heapMiBPerHour');
  });

  it('is not spoken of where all were judged', () => {
    const long = anOutcome(soak, { ...figures, heapMiBPerHour: 3 });
    expect(summaryOf(long)).toMatch(/^kept {3}soak /);
    expect(verdictText([long], 9)).toBe('all 1 scenarios kept their bounds, in 9 s');
    expect(markdownReport([long], facts)).toContain('1 of 1 scenarios kept their bounds. Every bound was judged.');
    expect(htmlReport([long], facts).toLowerCase()).not.toContain('not judged');
  });
});
