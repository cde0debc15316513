import type { CpuScaler } from '../manifests/scaling.js';
import { HorizontalAutoscaler } from './horizontal-autoscaler.js';
import { wantedByPods } from './replicas-wanted.js';

/** What a pod of the API asks for (k8s/base/api.yaml), and the most that one thread can use. */
export interface ApiPod {
  readonly requestMillicores: number;
  readonly mostMillicores: number;
  /** From being asked for to being ready. */
  readonly startSeconds: number;
}

export interface ApiDay {
  readonly mostPods: number;
  readonly leastPods: number;
  readonly podsAtEnd: number;
  /** Seconds in which the pods that were ready had more to do than they can. */
  readonly overloaded: number;
  readonly changes: readonly { readonly at: number; readonly pods: number }[];
}

const SYNC = 15;
/** metrics-server tells of the last quarter of a minute, a quarter of a minute late. */
const WINDOW = 15;
const DELAY = 15;

/** Plays a demand, in millicores by second, against the API's autoscaler. Requests are spread evenly, since no pod owns any. */
export function playApiDay(scaler: CpuScaler, pod: ApiPod, seconds: number, demand: (second: number) => number): ApiDay {
  const autoscaler = new HorizontalAutoscaler(scaler);
  const readyAt: number[] = Array.from({ length: scaler.min }, () => 0);
  /** Of one pod, by second. */
  const used: number[] = [];
  const changes: { at: number; pods: number }[] = [];
  let [overloaded, mostPods, leastPods] = [0, scaler.min, scaler.min];
  for (let now = 0; now < seconds; now += 1) {
    const ready = readyAt.filter((at) => at <= now).length;
    const each = demand(now) / ready;
    if (each > pod.mostMillicores) overloaded += 1;
    used.push(Math.min(each, pod.mostMillicores));
    if (now % SYNC !== 0 || now < WINDOW + DELAY) continue;
    const seen = used.slice(now - DELAY - WINDOW, now - DELAY);
    const percent = (seen.reduce((sum, value) => sum + value, 0) / seen.length / pod.requestMillicores) * 100;
    const pods = readyAt.map((at) =>
      at + WINDOW <= now ? { sockets: percent, isPending: false } : { sockets: undefined, isPending: true },
    );
    const wanted = autoscaler.decide(now, readyAt.length, wantedByPods(pods, readyAt.length, scaler.utilization));
    if (wanted !== readyAt.length) changes.push({ at: now, pods: wanted });
    while (readyAt.length < wanted) readyAt.push(now + pod.startSeconds);
    readyAt.splice(wanted);
    mostPods = Math.max(mostPods, wanted);
    leastPods = Math.min(leastPods, wanted);
  }
  return { mostPods, leastPods, podsAtEnd: readyAt.length, overloaded, changes };
}
