import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { dashboardQueries, graphsOf, readDashboards, type Place } from './dashboard-files.js';
import { BOARDS } from './dashboards/index.js';
import { DASHBOARDS } from './files.js';
import { FOREIGN } from './known-series.js';
import { seriesIn } from './promql.js';

const dashboards = readDashboards();

function overlap(a: Place, b: Place): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

describe('dashboards', () => {
  it('are those that are drawn in code, and no others', () => {
    expect(readdirSync(DASHBOARDS)).toHaveLength(BOARDS.length);
    expect(dashboards.map(({ uid }) => uid).sort()).toEqual(BOARDS.map(({ uid }) => uid).sort());
  });

  it.each(dashboards.map((dashboard) => [dashboard.title, dashboard] as const))(
    '%s: no panel covers another, none has another one’s id',
    (_, { panels }) => {
      expect(panels.map(({ id }) => id)).toEqual([...new Set(panels.map(({ id }) => id))]);
      for (const [i, one] of panels.entries()) {
        expect(one.gridPos.x + one.gridPos.w, one.title).toBeLessThanOrEqual(24);
        for (const other of panels.slice(i + 1)) expect(overlap(one.gridPos, other.gridPos), `${one.title} and ${other.title}`).toBe(false);
      }
    },
  );

  it('take their data source and what they show of from variables', () => {
    for (const { title, templating } of dashboards) {
      expect(
        templating.list.slice(0, 2).map(({ name, type }) => [name, type]),
        title,
      ).toEqual([
        ['source', 'datasource'],
        ['namespace', 'query'],
      ]);
    }
    expect(dashboards.find(({ uid }) => uid === 'droppio-gateway')?.templating.list.map(({ name }) => name)).toContain('instance');
  });

  it('ask in PromQL, and of one installation only what they ask of ourselves', () => {
    expect(dashboardQueries().length).toBeGreaterThan(60);
    for (const { expr, dashboard } of dashboardQueries()) {
      const isForeign = seriesIn(expr).every((name) => FOREIGN.has(name));
      if (!isForeign && expr.includes('{')) expect(expr, dashboard).toContain('namespace=~"$namespace"');
    }
  });

  it('say it where a panel needs more than Droppio', () => {
    const needy = dashboards
      .flatMap(graphsOf)
      .filter(({ targets }) =>
        targets.some(({ expr }) => seriesIn(expr.replaceAll('$__rate_interval', '5m')).some((name) => FOREIGN.has(name))),
      );
    expect(needy).toHaveLength(3);
    for (const { title, description } of needy) expect(`${title} ${description}`).toMatch(/\((?:redis|postgres)_exporter\) Only with/);
  });
});
