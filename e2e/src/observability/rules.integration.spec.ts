import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { isAlert, OBSERVABILITY, ROOT, RULES, ruleGroups } from './files.js';
import { GENERATORS } from './generated.js';
import { seriesIn } from './promql.js';
import { readRunbooks } from './runbooks.js';
import { scrapedPods } from './scraped-pods.js';

const TESTS = join(OBSERVABILITY, 'prometheus/tests');
const alerts = ruleGroups().flatMap(({ rules }) => rules.filter(isAlert));
const names = alerts.map(({ alert }) => alert);
const inFolder = (folder: string): string[] => readdirSync(folder).map((name) => join(folder, name));

const CONFIGS = ['prometheus.yml', 'machine.yml'];
const Check = z.object({
  alertname: z.string(),
  exp_alerts: z.array(z.object({ exp_labels: z.record(z.string(), z.string()) })),
});
const TestFile = z.looseObject({ tests: z.array(z.looseObject({ alert_rule_test: z.array(Check) })) });
const checks = inFolder(TESTS).flatMap((path) =>
  TestFile.parse(parse(readFileSync(path, 'utf8'))).tests.flatMap((test) => test.alert_rule_test),
);
const labelsOf = ({ exp_alerts }: z.output<typeof Check>) => exp_alerts.map(({ exp_labels }) => exp_labels);

const Inhibition = z.object({ source_matchers: z.array(z.string()), target_matchers: z.array(z.string()), equal: z.array(z.string()) });
function inhibitions(): z.output<typeof Inhibition>[] {
  const file: unknown = parse(readFileSync(join(OBSERVABILITY, 'alertmanager/alertmanager.yml'), 'utf8'));
  return z.object({ inhibit_rules: z.array(Inhibition) }).parse(file).inhibit_rules;
}
const patternsOf = (matchers: readonly string[]): string[] =>
  matchers.flatMap((matcher) => /^alertname=~?"(.*)"$/.exec(matcher)?.[1]?.split('|') ?? []);
const namesLike = (pattern: string): string[] => names.filter((name) => new RegExp(`^(?:${pattern})$`).test(name));

/** What a configuration of Prometheus calls its targets. */
function jobsOf(name: string): string[] {
  const Config = z.looseObject({ scrape_configs: z.array(z.looseObject({ job_name: z.string() })) });
  const text = readFileSync(join(OBSERVABILITY, 'prometheus', name), 'utf8');
  return Config.parse(parse(text)).scrape_configs.map(({ job_name }) => job_name);
}

/** Throws with what the program said. */
function run(program: 'promtoolPath' | 'amtoolPath', ...args: string[]): string {
  return execFileSync(inject(program), args, { encoding: 'utf8', timeout: 90_000, stdio: 'pipe' });
}

describe('the rules', () => {
  it('are what Prometheus and Alertmanager take', () => {
    run('promtoolPath', 'check', 'rules', ...inFolder(RULES));
    for (const name of CONFIGS) run('promtoolPath', 'check', 'config', join(OBSERVABILITY, 'prometheus', name));
    run('amtoolPath', 'check-config', join(OBSERVABILITY, 'alertmanager/alertmanager.yml'));
  });

  it('know the jobs under which each way of scraping has the apps, and no others', () => {
    const pods = scrapedPods(inject('promtoolPath'));
    expect(pods.map(({ job, namespace, pod, instance }) => [job, namespace, pod, instance].join(' ')).sort()).toEqual(
      ['api', 'gateway', 'listener', 'web'].map((app) => `${app} droppio-staging ${app}-1 10.0.0.1:9090`),
    );
    const jobs = CONFIGS.flatMap(jobsOf);
    const apps = ['api', 'gateway', 'listener', 'standalone', 'web'];
    expect([...new Set(jobs.filter((job) => job !== 'prometheus'))].sort()).toEqual(apps);
    const asked = ruleGroups().flatMap(({ rules }) => rules.flatMap(({ expr }) => [...expr.matchAll(/\bjob=~?"([^"]*)"/g)]));
    expect(asked.length).toBeGreaterThan(3);
    for (const [, words = ''] of asked) expect(apps).toEqual(expect.arrayContaining(words.split('|')));
  });

  it('fire when they should and not when they should not', () => {
    run('promtoolPath', 'test', 'rules', ...inFolder(TESTS));
    // Hours of evaluations; seconds on a machine that has nothing else to do.
  }, 100_000);

  it('have for every alert a course of events in which it fires and one in which it does not', () => {
    const those = (isQuiet: boolean): string[] =>
      checks.filter(({ exp_alerts }) => (exp_alerts.length === 0) === isQuiet).map(({ alertname }) => alertname);
    expect([...new Set(those(false))].sort()).toEqual([...names].sort());
    expect([...new Set(those(true))].sort()).toEqual([...names].sort());
  });

  it('name each alert once, say how bad it is, and what it means in a sentence', () => {
    expect(names).toEqual([...new Set(names)]);
    for (const { alert, annotations } of alerts) {
      expect(annotations.summary, alert).toMatch(/^[A-Z{].*\.$/);
      expect(annotations.runbook_url).toBe(`docs/runbooks/${alert}.md`);
      expect(existsSync(join(ROOT, annotations.runbook_url)), annotations.runbook_url).toBe(true);
    }
  });

  it('are silenced only by alerts that exist', () => {
    const patterns = inhibitions().flatMap(({ source_matchers, target_matchers }) => patternsOf([...source_matchers, ...target_matchers]));
    expect(patterns.length).toBeGreaterThan(10);
    for (const pattern of patterns) expect(namesLike(pattern), pattern).not.toEqual([]);
  });

  it('are silenced by what both have: an alert without a namespace is silenced by none of any namespace', () => {
    const labelled = new Map(names.map((name) => [name, checks.filter(({ alertname }) => alertname === name).flatMap(labelsOf)]));
    for (const { source_matchers, target_matchers, equal } of inhibitions()) {
      for (const name of [...source_matchers, ...target_matchers].flatMap((matcher) => patternsOf([matcher])).flatMap(namesLike)) {
        const sets = labelled.get(name) ?? [];
        for (const label of equal)
          expect(
            sets.some((labels) => label in labels),
            `${name} has no ${label}`,
          ).toBe(true);
      }
    }
  });

  it('are PromQL to the letter', () => {
    for (const { rules } of ruleGroups()) for (const { expr } of rules) expect(seriesIn(expr).length).toBeGreaterThan(0);
    expect(() => seriesIn('rate(droppio_x[5m]')).toThrow('no PromQL');
  });
});

describe('runbooks', () => {
  const runbooks = readRunbooks();

  it('are there for every alert, and for nothing else', () => {
    expect(runbooks.map(({ alert }) => alert).sort()).toEqual([...names].sort());
  });

  it('say what it means, whom it hurts, how to find out, what to do and whom to ask', () => {
    for (const { alert, parts, queries, text } of runbooks) {
      expect(parts, alert).toEqual(['Meaning', 'Impact', 'Diagnose', 'Mitigate', 'Escalate']);
      expect(text, alert).toMatch(new RegExp(`^# ${alert}$`, 'm'));
      expect(queries.length, alert).toBeGreaterThan(0);
      for (const query of queries) expect(seriesIn(query).length, query).toBeGreaterThan(0);
    }
  });
});

describe('what is generated', () => {
  it('is what its sources make of it now', () => {
    for (const generate of GENERATORS) {
      for (const [path, text] of generate()) expect(readFileSync(path, 'utf8') === text, `npm run observability: ${path}`).toBe(true);
    }
  });
});
