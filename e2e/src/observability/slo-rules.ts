import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';
import { OBSERVABILITY, type Rule, type RuleGroup } from './files.js';

const Slo = z.strictObject({
  name: z.string().regex(/^[A-Z]\w+$/),
  says: z.string(),
  /** Per cent of good events. */
  objective: z.number().min(50).lt(100),
  /** Events of the long window below which nothing is said. */
  least: z.int().min(1),
  total: z.string().includes('{{window}}'),
  bad: z.string().includes('{{window}}'),
});
export type Slo = z.output<typeof Slo>;

export function readSlos(): Slo[] {
  return z.strictObject({ slos: z.array(Slo) }).parse(parse(readFileSync(join(OBSERVABILITY, 'slo.yml'), 'utf8'))).slos;
}

/** Burn rate, and the two windows that must both be above it: the table of the SRE workbook. */
const FAST = [
  { rate: 14.4, long: '1h', short: '5m' },
  { rate: 6, long: '6h', short: '30m' },
] as const;
const SLOW = [
  { rate: 3, long: '1d', short: '2h' },
  { rate: 1, long: '3d', short: '6h' },
] as const;
const SHORT_WINDOWS = ['5m', '30m', '1h'] as const;
const LONG_WINDOWS = ['2h', '6h', '1d', '3d'] as const;

type Burn = (typeof FAST | typeof SLOW)[number];

/** Recording rules and burn-rate alerts of every objective. */
export function sloGroups(slos: readonly Slo[]): RuleGroup[] {
  return [
    { name: 'droppio-slo-short', interval: '1m', rules: slos.flatMap((slo) => recordings(slo, SHORT_WINDOWS)) },
    // They move slowly, and each reads days. Below five minutes, or what was recorded would be too old to be seen.
    { name: 'droppio-slo-long', interval: '2m', rules: slos.flatMap((slo) => recordings(slo, LONG_WINDOWS)) },
    { name: 'droppio-slo-burn', rules: slos.flatMap((slo) => [burn(slo, 'Fast', FAST), burn(slo, 'Slow', SLOW)]) },
  ];
}

function recordings({ name, total, bad }: Slo, windows: readonly string[]): Rule[] {
  const at = (query: string, window: string): string => query.replaceAll('{{window}}', window);
  return windows.flatMap((window) => [
    { record: `droppio:slo_events:increase${window}`, expr: at(total, window), labels: { slo: name } },
    // Of the one before, which was recorded a moment ago.
    {
      record: `droppio:slo_errors:ratio${window}`,
      expr: `(${at(bad, window)}) / on (namespace) (droppio:slo_events:increase${window}{slo="${name}"} > 0)`,
      labels: { slo: name },
    },
  ]);
}

function burn(slo: Slo, pace: 'Fast' | 'Slow', burns: readonly Burn[]): Rule {
  const { name, says, objective } = slo;
  return {
    alert: `${name}Burn${pace}`,
    expr: burns.map((one) => condition(slo, one)).join('\nor\n'),
    labels: { severity: pace === 'Fast' ? 'page' : 'ticket', slo: name },
    annotations: {
      summary: `${says.replace(/\.$/, '')}: {{ $value | humanizePercentage }} lately, where ${String(objective)} % shall be good.`,
      runbook_url: `docs/runbooks/${name}Burn${pace}.md`,
    },
  };
}

function condition({ name, objective, least }: Slo, { rate, long, short }: Burn): string {
  // Of a number that is written down: 14.4 x 0.01 shall read 0.144.
  const limit = String(Number((rate * (1 - objective / 100)).toPrecision(6)));
  return [
    `(droppio:slo_errors:ratio${long}{slo="${name}"} > ${limit}`,
    `  and droppio:slo_errors:ratio${short}{slo="${name}"} > ${limit}`,
    `  and droppio:slo_events:increase${long}{slo="${name}"} >= ${String(least)})`,
  ].join('\n');
}
