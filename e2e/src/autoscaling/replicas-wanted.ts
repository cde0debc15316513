/** A change smaller than this is none. The cluster's setting; its preset. */
export const TOLERANCE = 0.1;

export interface PodReading {
  /** Sockets by its last scrape; `undefined`: nothing was scraped yet. */
  readonly sockets: number | undefined;
  /** Not running yet. */
  readonly isPending: boolean;
}

const isTolerated = (ratio: number): boolean => Math.abs(1 - ratio) <= TOLERANCE + Number.EPSILON;

/**
 * Pods that a `Pods` metric asks for. Terminating pods are none of its business and must not be among `pods`. After `calcPlainMetricReplicas` in
 * pkg/controller/podautoscaler/replica_calculator.go, release 1.35. `undefined`: no pod has told anything.
 */
export function wantedByPods(pods: readonly PodReading[], current: number, target: number): number | undefined {
  const known = pods.flatMap(({ sockets, isPending }) => (sockets === undefined || isPending ? [] : [sockets]));
  if (known.length === 0) return undefined;
  const pending = pods.filter(({ isPending }) => isPending).length;
  const missing = pods.filter(({ sockets, isPending }) => sockets === undefined && !isPending).length;
  const ratio = ratioOf(known, target);
  const countsPending = pending > 0 && ratio > 1;
  if (!countsPending && missing === 0) return isTolerated(ratio) ? current : Math.ceil(ratio * known.length);
  // Who has not spoken counts as idle when it is about more pods, and as busy when it is about fewer.
  const guesses = [...known];
  if (ratio < 1) guesses.push(...repeated(missing, target));
  if (ratio > 1) guesses.push(...repeated(missing, 0));
  if (countsPending) guesses.push(...repeated(pending, 0));
  return guessed(guesses, ratio, current, target);
}

/** Guesses may soften what is known, and never turn it round. */
function guessed(guesses: readonly number[], known: number, current: number, target: number): number {
  const ratio = ratioOf(guesses, target);
  if (isTolerated(ratio) || known < 1 !== ratio < 1) return current;
  const wanted = Math.ceil(ratio * guesses.length);
  return ratio < 1 ? Math.min(wanted, current) : Math.max(wanted, current);
}

/**
 * Pods that an external metric with an `AverageValue` asks for, which is what KEDA makes of a trigger. After `GetExternalPerPodMetricReplicas` in
 * the same file. `replicas`: those of the Deployment, ready or not.
 */
export function wantedBySum(sum: number, replicas: number, target: number): number {
  return isTolerated(sum / (target * replicas)) ? replicas : Math.ceil(sum / target);
}

/**
 * What an autoscaler makes of several metrics: the most that any of them asks for. One that cannot be read keeps it from shrinking, not from growing.
 * After `computeReplicasForMetrics` in pkg/controller/podautoscaler/horizontal.go, the same release.
 */
export function wantedByAll(all: readonly (number | undefined)[], current: number): number | undefined {
  const read = all.filter((wanted) => wanted !== undefined);
  if (read.length === 0) return undefined;
  const most = Math.max(...read);
  return read.length < all.length && most < current ? undefined : most;
}

function ratioOf(values: readonly number[], target: number): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length / target;
}

function repeated(times: number, value: number): number[] {
  return Array.from({ length: times }, () => value);
}
