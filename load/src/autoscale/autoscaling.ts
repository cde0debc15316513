import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findKubernetesTools, HorizontalAutoscaler, K8S, kustomize, scalersIn, wantedBySum, type Scaler } from '@droppio/e2e/autoscaling';
import { findTestPrograms, type AppProcess } from '@droppio/e2e/houses';
import type { Extra } from '../scenarios/plays.js';
import { until, type Stage } from '../scenarios/stage.js';
import { compressedRules, compressedScaler, FASTER, SMALLER } from './compressed.js';
import { Deployment } from './deployment.js';
import { startEdge } from './edge.js';
import { Prometheus } from './prometheus.js';

const MOST_GATEWAYS = 14;
const SYNC_SECONDS = 15;
const START_MS = 60_000;
const LOOK_MS = 200;
/** Of the cluster's minutes. */
const GROWTH_A_MINUTE = 1.2;
const CALM_MS = 4000;

/** What the shipped gateway is told, in this world's time and size. */
export const SCALED_SETTINGS = {
  GATEWAY_MAX_SOCKETS: String(5000 / SMALLER),
  DRAIN_WINDOW_MS: String(60_000 / FASTER),
  DRAIN_GRACE_MS: String(Math.round(15_000 / FASTER)),
};

/** Half of the overlays are there, the others come at 20 % a minute, most of them leave; the rendered autoscaler alone decides about gateways. */
export async function playAutoscaling(stage: Stage): Promise<Extra> {
  const { nginxPath, prometheusPath } = findTestPrograms();
  const objects = kustomize(findKubernetesTools().kubectlPath, join(K8S, 'overlays/prod'));
  const [rendered] = scalersIn(objects);
  if (rendered === undefined) throw new Error('production has no autoscaler');
  const folder = await mkdtemp(join(tmpdir(), 'droppio-autoscaling-'));
  const edge = await startEdge(nginxPath, folder, MOST_GATEWAYS);
  const prometheus = await Prometheus.start(prometheusPath, folder, rendered.namespace ?? 'droppio', compressedRules(objects));
  const deployment = new Deployment(stage, edge, prometheus);
  const loop = new Loop(stage, deployment, prometheus, compressedScaler(rendered));
  try {
    stage.door = edge.port;
    deployment.scaleTo(rendered.min);
    if (!(await until(START_MS, () => deployment.ready.length === rendered.min))) throw new Error('the first gateways do not start');
    await evening(stage, loop);
    await loop.stop();
    await deployment.ended();
    await stage.settle();
    return loop.figures;
  } finally {
    await loop.stop();
    await prometheus.stop();
    await edge.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function evening(stage: Stage, loop: Loop): Promise<void> {
  const { overlays, rooms, rampSeconds, holdSeconds } = stage.scenario;
  const half = Math.round(overlays / 2);
  const places = (count: number): number[] => Array.from({ length: count }, (_, n) => n % rooms);
  await stage.arriveAt('client', places(half), (n) => (n / half) * 3000);
  loop.begin();
  const tips = stage.tips(CALM_MS / 1000 + rampSeconds + holdSeconds);
  await sleep(CALM_MS);
  stage.timeline.mark(`growth of 20 % a minute, ${String(FASTER)} times as fast`);
  const minute = 60_000 / FASTER;
  await stage.arriveAt('client', places(overlays - half), (n) => (Math.log((half + n) / half) / Math.log(GROWTH_A_MINUTE)) * minute);
  await sleep(2000);
  stage.timeline.mark('three of five leave');
  await stage.crowds.leave(Math.round(overlays * 0.6));
  await tips;
}

/** The autoscaler's sync, and somebody who watches how full everything is. */
class Loop {
  private readonly autoscaler: HorizontalAutoscaler;
  private readonly life = new AbortController();
  private readonly running: Promise<unknown>[] = [];
  private peaks = { fleet: 0, gateway: 0, gateways: 0 };
  private ups = 0;
  private downs = 0;

  constructor(
    private readonly stage: Stage,
    private readonly deployment: Deployment,
    private readonly prometheus: Prometheus,
    private readonly scaler: Scaler,
  ) {
    this.autoscaler = new HorizontalAutoscaler(scaler);
    stage.watch(() => ({ fleetPercent: this.now.fleet * 100, fullestPercent: this.now.gateway * 100 }));
  }

  private now = { fleet: 0, gateway: 0 };

  get figures(): Extra {
    return {
      fleetPeakPercent: this.peaks.fleet * 100,
      gatewayPeakPercent: this.peaks.gateway * 100,
      scaleUps: this.ups,
      scaleDowns: this.downs,
      mostGateways: this.peaks.gateways,
    };
  }

  begin(): void {
    const { signal } = this.life;
    this.running.push(
      every((SYNC_SECONDS * 1000) / FASTER, signal, () => this.sync()),
      every(LOOK_MS, signal, () => this.look()),
    );
  }

  /** Rejects with what went wrong in it. */
  async stop(): Promise<void> {
    this.life.abort();
    await Promise.all(this.running.splice(0));
  }

  private async sync(): Promise<void> {
    const { replicas } = this.deployment;
    const sum = await this.prometheus.ask(this.scaler.asks);
    const wanted = sum === undefined ? undefined : wantedBySum(sum, replicas, this.scaler.target);
    const count = this.autoscaler.decide(performance.now() / 1000, replicas, wanted);
    if (count > replicas) this.ups += 1;
    if (count < replicas) this.downs += 1;
    this.deployment.scaleTo(count);
  }

  private async look(): Promise<void> {
    const limit = Number(SCALED_SETTINGS.GATEWAY_MAX_SOCKETS);
    const { ready } = this.deployment;
    const counts = await Promise.all([...ready].map(socketsOn));
    this.now = { fleet: this.stage.timeline.open / (ready.length * limit), gateway: Math.max(0, ...counts) / limit };
    this.peaks = {
      fleet: Math.max(this.peaks.fleet, this.now.fleet),
      gateway: Math.max(this.peaks.gateway, this.now.gateway),
      gateways: Math.max(this.peaks.gateways, ready.length),
    };
  }
}

async function socketsOn({ internalUrl }: AppProcess): Promise<number> {
  const text = await fetch(`${internalUrl}/metrics`).then(
    (response) => response.text(),
    // It has just ended.
    () => '',
  );
  return [...text.matchAll(/^droppio_gateway_sockets(?:\{.*?\})? (\d+)/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
}

/** At a constant pace; one that takes too long delays the next. */
async function every(ms: number, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  for (let next = performance.now(); !signal.aborted; next += ms) {
    await work();
    await sleep(Math.max(0, next + ms - performance.now()), undefined, { signal }).catch(() => undefined);
  }
}
