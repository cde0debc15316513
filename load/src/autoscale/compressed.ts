import { FORECAST, recordingRules, SUM, type Manifest, type Scaler } from '@droppio/e2e/autoscaling';

/**
 * Cluster time runs this much faster: every window of Prometheus, of its rules, of the autoscaler and of a drain is divided by it, and growth is
 * multiplied. A gateway starts in about two seconds, which are thirty of the cluster's, so that is not compressed.
 */
export const FASTER = 15;
/** And everything is so much smaller: 5000 sockets that a pod holds are 100 here. */
export const SMALLER = 50;

/**
 * Of the cluster's seconds: how often gateways are scraped, and what rules are evaluated. A third as often as the manifests say: a third of a second is
 * too little for a machine that does everything else, too, and a harder proof is one as well.
 */
export const LOOKS_APART = 15;

/** The recording rules of the manifests as a rules file, with every range and the forecast's lead divided. */
export function compressedRules(objects: readonly Manifest[]): string {
  const rules = recordingRules(objects);
  const lines = [SUM, FORECAST].flatMap((record) => {
    const expression = rules.get(record);
    if (expression === undefined) throw new Error(`nobody records ${record}`);
    return [`      - record: ${record}`, `        expr: ${compressedExpression(expression)}`];
  });
  return ['groups:', '  - name: compressed', `    interval: ${milliseconds(LOOKS_APART)}`, '    rules:', ...lines, ''].join('\n');
}

export function compressedExpression(expression: string): string {
  return expression
    .replace(/\[(\d+)(s|m)\]/g, (_, length: string, unit: string) => `[${milliseconds(Number(length) * (unit === 'm' ? 60 : 1))}]`)
    .replace(/\+ (\d+) \* clamp_min/, (_, lead: string) => `+ ${String(Number(lead) / FASTER)} * clamp_min`);
}

export function milliseconds(seconds: number): string {
  return `${String(Math.round((seconds * 1000) / FASTER))}ms`;
}

/** The autoscaler in this world's time and size. */
export function compressedScaler(scaler: Scaler): Scaler {
  const { scaleUp, scaleDown } = scaler.behavior;
  const shorter = (rules: typeof scaleUp): typeof scaleUp => ({
    ...rules,
    stabilizationWindowSeconds: rules.stabilizationWindowSeconds / FASTER,
    policies: rules.policies.map((policy) => ({ ...policy, periodSeconds: policy.periodSeconds / FASTER })),
  });
  return { ...scaler, target: scaler.target / SMALLER, behavior: { scaleUp: shorter(scaleUp), scaleDown: shorter(scaleDown) } };
}
