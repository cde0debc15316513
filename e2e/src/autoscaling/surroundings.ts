import * as z from 'zod';
import type { Manifest } from '../manifests/kustomize.js';
import { readForecast, type Forecast } from './forecast.js';

/** How often who looks. Seconds. */
export interface Cadence {
  readonly scrape: number;
  readonly rules: number;
  /** The autoscaler's own: a flag of the cluster's controller manager, which is rarely anybody's to choose. */
  readonly sync: number;
}

/** What an autoscaler lives in, as it is rendered. */
export interface Surroundings {
  /** Sockets that a pod accepts. */
  readonly limit: number;
  readonly forecast: Forecast;
  readonly cadence: Cadence;
}

/** The preset of kube-controller-manager. */
const SYNC = 15;
const GROUP = 'droppio-autoscaling';
const Seconds = z
  .string()
  .regex(/^\d+s$/)
  .transform((text) => Number(text.slice(0, -1)));
const Monitor = z.looseObject({
  spec: z.looseObject({ selector: z.unknown(), podMetricsEndpoints: z.tuple([z.looseObject({ interval: Seconds })]) }),
});
const Groups = z.looseObject({
  spec: z.looseObject({ groups: z.array(z.looseObject({ name: z.string(), interval: z.string().optional() })) }),
});

export function readSurroundings(objects: readonly Manifest[], limit: number): Surroundings {
  const [monitor] = objects
    .filter(({ kind }) => kind === 'PodMonitor')
    .map((object) => Monitor.parse(object))
    .filter(({ spec }) => JSON.stringify(spec.selector).includes('"gateway"'));
  const [group] = objects
    .filter(({ kind }) => kind === 'PrometheusRule')
    .flatMap((object) => Groups.parse(object).spec.groups)
    .filter(({ name }) => name === GROUP);
  if (monitor === undefined || group === undefined) throw new Error('Nobody scrapes the gateways, or nobody sums them up.');
  const scrape = monitor.spec.podMetricsEndpoints[0].interval;
  return { limit, forecast: readForecast(objects), cadence: { scrape, rules: Seconds.parse(group.interval), sync: SYNC } };
}
