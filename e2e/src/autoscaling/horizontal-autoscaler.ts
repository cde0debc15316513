import type { ScalingRules } from '../manifests/scaling.js';

/** What an autoscaler is told, in Kubernetes' own words. Times are seconds. */
export interface AutoscalerPlan {
  readonly min: number;
  readonly max: number;
  readonly behavior: { readonly scaleUp: ScalingRules; readonly scaleDown: ScalingRules };
}

interface Recommendation {
  readonly at: number;
  readonly replicas: number;
}

interface ScaleEvent {
  readonly at: number;
  /** Pods that came or went, always positive. */
  readonly change: number;
}

/**
 * The decision of Kubernetes' HorizontalPodAutoscaler from what a metric asks for to what the Deployment gets: stabilisation windows first, then
 * the policies, then the bounds. After `normalizeDesiredReplicasWithBehaviors` in pkg/controller/podautoscaler/horizontal.go, release 1.35.
 */
export class HorizontalAutoscaler {
  private recommendations: Recommendation[] | undefined;
  private ups: ScaleEvent[] = [];
  private downs: ScaleEvent[] = [];

  constructor(private readonly plan: AutoscalerPlan) {}

  /** The number of pods from now on. `wanted`: by the metric; `undefined` when it could not be read, which changes nothing. */
  decide(now: number, current: number, wanted: number | undefined): number {
    const { min, max } = this.plan;
    // A controller that has just begun takes what it finds for its first recommendation, and so sends nobody away at once.
    this.recommendations ??= [{ at: now, replicas: current }];
    if (current > max) return this.scaled(now, current, max);
    if (current < min) return this.scaled(now, current, min);
    if (wanted === undefined) return current;
    return this.scaled(now, current, this.limited(now, current, this.stabilised(now, current, wanted)));
  }

  /** Upwards the least of what was asked for lately, downwards the most. */
  private stabilised(now: number, current: number, wanted: number): number {
    const { scaleUp, scaleDown } = this.plan.behavior;
    const [upFrom, downFrom] = [now - scaleUp.stabilizationWindowSeconds, now - scaleDown.stabilizationWindowSeconds];
    let [up, down] = [wanted, wanted];
    const before = this.recommendations ?? [];
    for (const { at, replicas } of before) {
      if (at > upFrom) up = Math.min(up, replicas);
      if (at > downFrom) down = Math.max(down, replicas);
    }
    const oldest = Math.min(upFrom, downFrom);
    this.recommendations = [...before.filter(({ at }) => at > oldest), { at: now, replicas: wanted }];
    return current < up ? up : Math.min(current, down);
  }

  private limited(now: number, current: number, wanted: number): number {
    const { min, max, behavior } = this.plan;
    if (wanted > current) return Math.min(wanted, max, Math.max(current, this.highest(now, current, behavior.scaleUp)));
    if (wanted < current) return Math.max(wanted, min, Math.min(current, this.lowest(now, current, behavior.scaleDown)));
    return current;
  }

  private highest(now: number, current: number, { selectPolicy, policies }: ScalingRules): number {
    if (selectPolicy === 'Disabled') return current;
    const bounds = policies.map(({ type, value, periodSeconds }) => {
      const start = this.atStartOf(now - periodSeconds, current);
      return type === 'Pods' ? start + value : Math.ceil(start * (1 + value / 100));
    });
    return selectPolicy === 'Min' ? Math.min(...bounds) : Math.max(...bounds);
  }

  private lowest(now: number, current: number, { selectPolicy, policies }: ScalingRules): number {
    if (selectPolicy === 'Disabled') return current;
    const bounds = policies.map(({ type, value, periodSeconds }) => {
      const start = this.atStartOf(now - periodSeconds, current);
      return type === 'Pods' ? start - value : Math.trunc(start * (1 - value / 100));
    });
    // Going down, the smallest change leaves the most pods.
    return selectPolicy === 'Min' ? Math.max(...bounds) : Math.min(...bounds);
  }

  private atStartOf(cutoff: number, current: number): number {
    const sum = (events: readonly ScaleEvent[]): number =>
      events.filter(({ at }) => at > cutoff).reduce((total, { change }) => total + change, 0);
    return current - sum(this.ups) + sum(this.downs);
  }

  private scaled(now: number, current: number, to: number): number {
    const { scaleUp, scaleDown } = this.plan.behavior;
    if (to > current) this.ups = noted(this.ups, { at: now, change: to - current }, scaleUp);
    if (to < current) this.downs = noted(this.downs, { at: now, change: current - to }, scaleDown);
    return to;
  }
}

function noted(events: readonly ScaleEvent[], event: ScaleEvent, { policies }: ScalingRules): ScaleEvent[] {
  const longest = Math.max(...policies.map(({ periodSeconds }) => periodSeconds));
  return [...events.filter(({ at }) => at > event.at - longest), event];
}
