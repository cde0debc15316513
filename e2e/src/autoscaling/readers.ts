import type { Scaler } from '../manifests/scaling.js';
import type { FleetModel } from './fleet-model.js';
import { forecastOf, type Forecast, type Sample } from './forecast.js';
import { wantedByAll, wantedByPods, wantedBySum } from './replicas-wanted.js';

/** What stands between the fleet and the autoscaler. Times are seconds. */
interface Reader {
  scrape(fleet: FleetModel, now: number): void;
  /** The recording rules are evaluated. */
  record(now: number, isSilent: boolean): void;
  /** Pods that the autoscaler's metrics ask for; `undefined`: nothing could be read. */
  wanted(fleet: FleetModel, now: number, isSilent: boolean): number | undefined;
}

/** The recorded sum of all sockets and where it will be. */
class ForecastSeries {
  private readonly sums: Sample[] = [];
  private sum: number | undefined;
  value: number | undefined;

  constructor(private readonly forecast: Forecast) {}

  scrape(fleet: FleetModel, now: number): void {
    this.sum = fleet.running(now).reduce((sum, pod) => sum + pod.sockets, 0);
  }

  record(now: number, isSilent: boolean): void {
    if (isSilent || this.sum === undefined) {
      this.value = undefined;
      return;
    }
    this.sums.push({ at: now, value: this.sum });
    if (this.sums.length > 1000) this.sums.splice(0, 500);
    this.value = forecastOf(this.sums, now, this.forecast);
  }
}

/** prometheus-adapter: what each pod told last, and the forecast where the autoscaler asks for it, too. */
export class PodReader implements Reader {
  private readonly told = new WeakMap<object, number>();
  private readonly series: ForecastSeries;

  constructor(
    private readonly scaler: Scaler,
    forecast: Forecast,
  ) {
    this.series = new ForecastSeries(forecast);
  }

  scrape(fleet: FleetModel, now: number): void {
    for (const pod of fleet.running(now)) this.told.set(pod, pod.sockets);
    this.series.scrape(fleet, now);
  }

  record(now: number, isSilent: boolean): void {
    this.series.record(now, isSilent);
  }

  wanted(fleet: FleetModel, now: number, isSilent: boolean): number | undefined {
    if (isSilent) return undefined;
    const { target, forecast } = this.scaler;
    const pods = fleet.staying.map((pod) => ({ sockets: this.told.get(pod), isPending: pod.readyAt > now }));
    const byPods = wantedByPods(pods, pods.length, target);
    if (forecast === undefined) return byPods;
    const { value } = this.series;
    const bySum = value === undefined ? undefined : wantedBySum(value, pods.length, forecast.target);
    return wantedByAll([byPods, bySum], pods.length);
  }
}

/** KEDA: the forecast by its recording rule; without an answer for long enough, its fallback. */
export class SumReader implements Reader {
  private readonly series: ForecastSeries;
  private failures = 0;

  constructor(
    private readonly scaler: Scaler,
    forecast: Forecast,
  ) {
    this.series = new ForecastSeries(forecast);
  }

  scrape(fleet: FleetModel, now: number): void {
    this.series.scrape(fleet, now);
  }

  record(now: number, isSilent: boolean): void {
    this.series.record(now, isSilent);
  }

  wanted(fleet: FleetModel, _now: number, isSilent: boolean): number | undefined {
    const replicas = fleet.staying.length;
    const { fallback, target } = this.scaler;
    const { value } = this.series;
    if (!isSilent && value !== undefined) {
      this.failures = 0;
      return wantedBySum(value, replicas, target);
    }
    if (!isSilent) return undefined;
    this.failures += 1;
    if (fallback === undefined || this.failures <= fallback.failureThreshold) return undefined;
    switch (fallback.behavior) {
      case 'static':
        return fallback.replicas;
      case 'currentReplicas':
        return replicas;
      case 'currentReplicasIfHigher':
        return Math.max(replicas, fallback.replicas);
      case 'currentReplicasIfLower':
        return Math.min(replicas, fallback.replicas);
    }
  }
}
