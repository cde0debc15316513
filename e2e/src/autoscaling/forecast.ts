import * as z from 'zod';
import type { Manifest } from '../manifests/kustomize.js';

const Rules = z.looseObject({
  spec: z.looseObject({
    groups: z.array(
      z.looseObject({
        interval: z.string().optional(),
        rules: z.array(z.looseObject({ record: z.string().optional(), expr: z.string() })),
      }),
    ),
  }),
});

/** The recording rules among rendered manifests, by the series that they make. */
export function recordingRules(objects: readonly Manifest[]): ReadonlyMap<string, string> {
  const groups = objects.filter(({ kind }) => kind === 'PrometheusRule').flatMap((object) => Rules.parse(object).spec.groups);
  const rules = groups.flatMap((group) => group.rules);
  return new Map(rules.flatMap(({ record, expr }) => (record === undefined ? [] : [[record, expr.trim()] as const])));
}

export const SUM = 'droppio:gateway_sockets:sum';
export const FORECAST = 'droppio:gateway_sockets:forecast';
const SHAPE = new RegExp(`^${SUM} \\+ (\\d+) \\* clamp_min\\(deriv\\(${SUM}\\[(\\d+)([sm])\\]\\), 0\\)$`);

/** How the forecast looks ahead. Seconds. */
export interface Forecast {
  readonly lead: number;
  readonly window: number;
}

/** Reads the rule as it is rendered. Throws when it says anything else than a straight line through the last sums. */
export function readForecast(objects: readonly Manifest[]): Forecast {
  const expression = recordingRules(objects).get(FORECAST);
  const [, lead, length, unit] = SHAPE.exec(expression ?? '') ?? [];
  if (lead === undefined || length === undefined) {
    throw new Error(`${FORECAST} is none that the model knows: ${expression ?? 'there is no such rule'}`);
  }
  return { lead: Number(lead), window: Number(length) * (unit === 'm' ? 60 : 1) };
}

export interface Sample {
  readonly at: number;
  readonly value: number;
}

/** As Prometheus' `deriv`: the slope of least squares, a second. NaN for less than two samples. */
export function slope(samples: readonly Sample[]): number {
  const mean = (of: (sample: Sample) => number): number => samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
  const [at, value] = [mean((sample) => sample.at), mean((sample) => sample.value)];
  const covariance = mean((sample) => (sample.at - at) * (sample.value - value));
  return covariance / mean((sample) => (sample.at - at) ** 2);
}

export function forecastOf(samples: readonly Sample[], now: number, { lead, window }: Forecast): number | undefined {
  const last = samples.at(-1);
  const recent = samples.filter(({ at }) => at > now - window);
  if (last === undefined || recent.length < 2) return undefined;
  return last.value + lead * Math.max(0, slope(recent));
}
