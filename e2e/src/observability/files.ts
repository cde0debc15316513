import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';

export const ROOT = resolve(import.meta.dirname, '../../..');
export const OBSERVABILITY = join(ROOT, 'observability');
export const RULES = join(OBSERVABILITY, 'prometheus/rules');
export const DASHBOARDS = join(OBSERVABILITY, 'dashboards');

const Labels = z.record(z.string(), z.string());
const Recording = z.strictObject({ record: z.string(), expr: z.string(), labels: Labels.optional() });
const Alerting = z.strictObject({
  alert: z.string(),
  expr: z.string(),
  for: z.string().optional(),
  labels: z.looseObject({ severity: z.enum(['page', 'ticket']) }).catchall(z.string()),
  annotations: z.strictObject({ summary: z.string(), runbook_url: z.string() }),
});
const Group = z.strictObject({
  name: z.string(),
  interval: z.string().optional(),
  rules: z.array(z.union([Recording, Alerting])),
});
const RuleFile = z.strictObject({ groups: z.array(Group) });

export type Alert = z.output<typeof Alerting>;
export type Rule = z.output<typeof Recording> | Alert;
export type RuleGroup = z.output<typeof Group>;

/** All groups of observability/prometheus/rules, in the order of the files' names. */
export function ruleGroups(): RuleGroup[] {
  const names = readdirSync(RULES).filter((name) => name.endsWith('.yml'));
  return names.sort().flatMap((name) => RuleFile.parse(parse(readFileSync(join(RULES, name), 'utf8'))).groups);
}

export function isAlert(rule: Rule): rule is Alert {
  return 'alert' in rule;
}
