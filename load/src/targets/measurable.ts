import { tipsDue } from './outside-overlay.js';
import type { Bound, FigureName, Scenario } from '../scenarios/scenario.js';

/** What a program that sees nothing but sockets can measure, and as what. A share is counted in events that are either good or not. */
export type Metric =
  | { readonly kind: 'rate'; readonly metric: string }
  | { readonly kind: 'trend'; readonly metric: string; readonly percentile: number }
  | { readonly kind: 'count'; readonly metric: string };

export const MEASURABLE: Partial<Record<FigureName, Metric>> = {
  connectedPercent: { kind: 'rate', metric: 'connected' },
  connectP95Ms: { kind: 'trend', metric: 'connect_ms', percentile: 95 },
  connectP99Ms: { kind: 'trend', metric: 'connect_ms', percentile: 99 },
  deliveredPercent: { kind: 'rate', metric: 'delivered' },
  deliveryP50Ms: { kind: 'trend', metric: 'delivery_ms', percentile: 50 },
  deliveryP95Ms: { kind: 'trend', metric: 'delivery_ms', percentile: 95 },
  deliveryP99Ms: { kind: 'trend', metric: 'delivery_ms', percentile: 99 },
  deliveryMaxMs: { kind: 'trend', metric: 'delivery_ms', percentile: 100 },
  reconnectP95Ms: { kind: 'trend', metric: 'reconnect_ms', percentile: 95 },
  lost: { kind: 'count', metric: 'lost' },
  doubled: { kind: 'count', metric: 'doubled' },
  leaked: { kind: 'count', metric: 'leaked' },
  closes: { kind: 'count', metric: 'closes' },
};

/** Scenarios in which nothing has to be done to the gateways, or by an operator while overlays watch. */
const FROM_OUTSIDE: readonly Scenario['play'][] = ['flow', 'hot', 'storm', 'drain', 'failover', 'soak'];
export const isFromOutside = ({ play }: Scenario): boolean => FROM_OUTSIDE.includes(play);

export interface Measured {
  readonly bound: Bound;
  readonly metric: Metric;
}

export function measured({ thresholds }: Scenario): Measured[] {
  return thresholds.flatMap(({ figure, bound }) => {
    const metric = MEASURABLE[figure];
    return metric === undefined ? [] : [{ bound, metric }];
  });
}

/** What only the project's own harness judges. */
export function unmeasured({ thresholds }: Scenario): FigureName[] {
  return thresholds.flatMap(({ figure }) => (MEASURABLE[figure] === undefined ? [figure] : []));
}

/** What somebody has to do meanwhile, for the reader of a script. */
export function byHand({ play }: Scenario): string | undefined {
  switch (play) {
    case 'storm':
      return 'Meanwhile, kill one gateway: kubectl delete pod --force --grace-period=0 …';
    case 'drain':
      return 'Meanwhile, replace all gateways: kubectl rollout restart deployment/gateway';
    case 'failover':
      return 'Meanwhile, end the primary Redis, or ask Sentinel: SENTINEL FAILOVER …';
    default:
      return undefined;
  }
}

/** Of the deliveries that overlays must hear of at least; as many may never have come in as a scenario lets. */
const SURE = 0.99;

/**
 * What holds for every scenario: that all came, that tips were heard where tips are told, and that somebody came back where that is judged. No
 * percentile and no count of what is lost says so: without a single sample each of them is kept.
 */
export function guards(scenario: Scenario): Measured[] {
  const { overlays, holdSeconds, tipsPerSecond, thresholds } = scenario;
  const count = (metric: string, bound: Bound): Measured => ({ bound, metric: { kind: 'count', metric } });
  const deliveries = Math.floor(SURE * overlays * tipsDue(scenario, holdSeconds));
  return [
    count('arrivals', { is: overlays }),
    ...(tipsPerSecond === 0 ? [] : [count('deliveries', { atLeast: deliveries })]),
    ...(thresholds.some(({ figure }) => figure === 'reconnectP95Ms') ? [count('reconnects', { above: 0 })] : []),
  ];
}

export const sign = (bound: Bound): { readonly operator: string; readonly value: number } => {
  if ('above' in bound) return { operator: '>', value: bound.above };
  if ('below' in bound) return { operator: '<', value: bound.below };
  if ('atMost' in bound) return { operator: '<=', value: bound.atMost };
  if ('atLeast' in bound) return { operator: '>=', value: bound.atLeast };
  return { operator: '==', value: bound.is };
};
