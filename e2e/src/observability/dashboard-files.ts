import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { DASHBOARDS } from './files.js';
import { withoutVariables } from './promql.js';

const Place = z.object({ x: z.int().min(0).max(23), y: z.int().min(0), w: z.int().min(1).max(24), h: z.int().min(1) });
const Source = z.object({ type: z.literal('prometheus'), uid: z.literal('${source}') });
const Panel = z.looseObject({ id: z.int().positive(), type: z.string(), title: z.string().min(3), gridPos: Place });
const Graph = Panel.extend({
  description: z.string().min(20),
  datasource: Source,
  targets: z.array(z.looseObject({ expr: z.string().min(1), refId: z.string(), datasource: Source.optional() })).min(1),
  fieldConfig: z.looseObject({ defaults: z.looseObject({ unit: z.string().min(1) }) }),
});
const Dashboard = z.looseObject({
  uid: z.string().regex(/^droppio-[a-z-]+$/),
  title: z.string(),
  tags: z.array(z.string()),
  schemaVersion: z.number().min(39),
  panels: z.array(z.union([Panel.extend({ type: z.literal('row') }), Graph])).min(2),
  templating: z.object({ list: z.array(z.looseObject({ name: z.string(), type: z.string() })) }),
});

export type Dashboard = z.output<typeof Dashboard>;
export type Place = z.output<typeof Place>;

/** Throws where a file is not what Grafana takes: of what it would not say, but show as an empty panel. */
export function readDashboards(): Dashboard[] {
  return readdirSync(DASHBOARDS).map((name) => Dashboard.parse(JSON.parse(readFileSync(join(DASHBOARDS, name), 'utf8'))));
}

export function graphsOf({ panels }: Dashboard): z.output<typeof Graph>[] {
  return panels.flatMap((panel) => (panel.type === 'row' ? [] : [Graph.parse(panel)]));
}

/** Every query, and what its variables ask for, as PromQL without variables. */
export function dashboardQueries(): { readonly dashboard: string; readonly expr: string }[] {
  return readDashboards().flatMap((dashboard) => {
    const asked = dashboard.templating.list.flatMap(({ query }) => {
      const { query: text } = z.object({ query: z.string() }).catch({ query: '' }).parse(query);
      return /^label_values\((.*), \w+\)$/.exec(text)?.[1] ?? [];
    });
    const drawn = graphsOf(dashboard).flatMap(({ targets }) => targets.map(({ expr }) => expr));
    return [...asked, ...drawn].map((expr) => ({ dashboard: dashboard.title, expr: withoutVariables(expr) }));
  });
}
