import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { keeps, readScenarios, type Scenario } from '../scenarios/scenario.js';
import { guards, isFromOutside, MEASURABLE, sign } from './measurable.js';
import { scripts } from './scripts.js';

const ROOT = resolve(import.meta.dirname, '../../..');
const generated = await scripts();

describe('the scripts of k6 and Artillery', () => {
  it.each([...generated.keys()])('are what load/scenarios.json makes of %s; "npm run load:scripts" writes them', (path) => {
    expect(readFileSync(resolve(ROOT, path), 'utf8')).toBe(generated.get(path));
  });

  it('are there for every scenario that can be played from outside, and for no other', () => {
    const there = ['load/k6', 'load/artillery'].flatMap((folder) =>
      readdirSync(resolve(ROOT, folder)).flatMap((file) => (/^[a-z]+-.+\.(ts|yml)$|^soak\./.test(file) ? [`${folder}/${file}`] : [])),
    );
    expect(there.sort()).toEqual([...generated.keys()].sort());
  });

  it.each(readScenarios('as-written').filter(isFromOutside))('hold every bound of $name that they can measure', ({ name, thresholds }) => {
    const k6 = generated.get(`load/k6/${name}.ts`) ?? '';
    const artillery = generated.get(`load/artillery/${name}.yml`) ?? '';
    expect(() => parse(artillery) as unknown).not.toThrow();
    for (const { figure, bound } of thresholds) {
      const metric = MEASURABLE[figure];
      const [value] = Object.values(bound) as [number];
      if (metric === undefined) {
        expect(k6).toContain(figure);
        expect(artillery).toContain(figure);
      } else {
        expect(k6).toMatch(new RegExp(`droppio_${metric.metric}: \\[[^\\]]*${String(metric.kind === 'rate' ? value / 100 : value)}`));
        expect(artillery).toMatch(new RegExp(`droppio\\.${metric.metric}\\b.*${String(value)}`));
      }
    }
  });
});

describe(guards.name, () => {
  const all = readScenarios('as-written').filter(isFromOutside);
  const areKept = (scenario: Scenario, counts: Readonly<Record<string, number>>): boolean =>
    guards(scenario).every(({ metric, bound }) => keeps(counts[metric.metric] ?? 0, bound));

  it.each(all)('break $name when nobody comes, and when nothing is delivered to those who do', (scenario) => {
    const { overlays, tipsPerSecond } = scenario;
    expect(areKept(scenario, {})).toBe(false);
    expect(areKept(scenario, { arrivals: overlays, deliveries: 0, reconnects: 1 })).toBe(tipsPerSecond === 0);
    expect(areKept(scenario, { arrivals: overlays, deliveries: overlays * tipsPerSecond * 10_000, reconnects: 1 })).toBe(true);
  });

  it('break a storm in which nobody had to come back', () => {
    const storm = all.find(({ play }) => play === 'storm');
    if (storm === undefined) throw new Error('there is no storm');
    expect(areKept(storm, { arrivals: storm.overlays, deliveries: 1e9 })).toBe(false);
  });

  it.each(all)('are in the files of $name', (scenario) => {
    for (const { metric, bound } of guards(scenario)) {
      const { operator, value } = sign(bound);
      expect(generated.get(`load/k6/${scenario.name}.ts`)).toContain(`droppio_${metric.metric}: ['count${operator}${String(value)}']`);
      expect(generated.get(`load/artillery/${scenario.name}.yml`)).toContain(`droppio.${metric.metric} ${operator} ${String(value)}\n`);
    }
  });
});
