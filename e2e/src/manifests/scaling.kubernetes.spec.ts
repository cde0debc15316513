import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { K8S, OVERLAYS, renderOverlay, renderWith, ROOT, type Manifest } from './render.js';
import { clusterEnv, drainMs, settingsOf, Shutdown } from './settings.js';
import { Cluster, containerOf } from './shapes.js';

const scaled = {
  ...Object.fromEntries(OVERLAYS.filter((name) => name !== 'dev').map((name) => [name, new Cluster(renderOverlay(name))])),
  'autoscaling-hpa': new Cluster(renderWith('autoscaling-hpa')),
  'autoscaling-keda': new Cluster(renderWith('autoscaling-keda', 'monitoring', 'alerts')),
};

/** Deployments that more than one scaler would pull at. */
function contested({ scalers, cpuScalers }: Cluster): string[] {
  const names = [...scalers, ...cpuScalers].map(({ deployment }) => deployment);
  return names.filter((name, i) => names.indexOf(name) !== i);
}

describe.each(Object.entries(scaled))('the scaler of %s', (_name, cluster) => {
  const [scaler, ...others] = cluster.scalers;
  if (scaler === undefined) throw new Error('There is none.');

  it('is the only one, and the Deployment leaves the number of pods to it', () => {
    expect(others).toEqual([]);
    expect(scaler.deployment).toBe('gateway');
    expect(cluster.deployment('gateway').spec.replicas).toBeUndefined();
    expect(scaler.max).toBeGreaterThan(scaler.min);
    expect(scaler.min).toBeGreaterThanOrEqual(2);
  });

  it('aims at 60 % of the sockets that a pod accepts', () => {
    const { GATEWAY_MAX_SOCKETS } = settingsOf('gateway', clusterEnv(cluster, cluster.deployment('gateway')));
    expect(scaler.target).toBe(0.6 * z.number().parse(GATEWAY_MAX_SOCKETS));
    expect(scaler.forecast?.target ?? scaler.target).toBe(scaler.target);
  });

  it('grows at once, by a whole fleet with every look of the autoscaler, and shrinks by one pod in five minutes', () => {
    expect(scaler.behavior).toEqual({
      scaleUp: {
        stabilizationWindowSeconds: 0,
        selectPolicy: 'Max',
        policies: [
          { type: 'Percent', value: 100, periodSeconds: 15 },
          { type: 'Pods', value: 8, periodSeconds: 15 },
        ],
      },
      scaleDown: { stabilizationWindowSeconds: 900, selectPolicy: 'Min', policies: [{ type: 'Pods', value: 1, periodSeconds: 300 }] },
    });
  });

  it('asks for a series that somebody makes, of its own namespace', () => {
    if (scaler.by === 'HorizontalPodAutoscaler') {
      const [sockets, forecast, ...rest] = adapterRules();
      expect(rest).toEqual([]);
      expect(sockets?.name.as).toBe(scaler.asks);
      expect(sockets?.resources.overrides).toEqual({ namespace: { resource: 'namespace' }, pod: { resource: 'pod' } });
      expect(forecast?.name.as).toBe(scaler.forecast?.asks);
      expect(forecast?.resources.overrides).toEqual({ namespace: { resource: 'namespace' } });
      expect(recordedSeries(new Cluster(renderWith('alerts')))).toContain(/^([\w:]+)\{/.exec(forecast?.seriesQuery ?? '')?.[1]);
    } else {
      const [, series, namespace] = /^([\w:]+)\{namespace="([\w-]+)"\}$/.exec(scaler.asks) ?? [];
      expect(recordedSeries(cluster)).toContain(series);
      expect(namespace).toBe(scaler.namespace);
    }
  });

  it('sends nobody away when Prometheus is silent', () => {
    expect(scaler.takesSilenceForZero).toBe(false);
    if (scaler.by === 'HorizontalPodAutoscaler') return;
    expect(scaler.fallback?.behavior).toBe('currentReplicasIfHigher');
    expect(scaler.fallback?.replicas).toBeGreaterThanOrEqual(scaler.min);
    expect(scaler.fallback?.replicas).toBeLessThanOrEqual(scaler.max);
  });
});

// Staging has two gateways, and may lose its nights.
describe.each(Object.entries(scaled).filter(([name]) => name !== 'staging'))('the smallest fleet of %s', (_name, cluster) => {
  it('stays below 80 % of its sockets when one of its pods dies', () => {
    const [scaler] = cluster.scalers;
    if (scaler === undefined) throw new Error('There is none.');
    const { GATEWAY_MAX_SOCKETS } = settingsOf('gateway', clusterEnv(cluster, cluster.deployment('gateway')));
    const left = (scaler.min - 1) * z.number().parse(GATEWAY_MAX_SOCKETS);
    expect((scaler.min * scaler.target) / left).toBeLessThan(0.8);
  });
});

describe.each(['prod', 'staging'])('the API of %s', (overlay) => {
  const cluster = new Cluster(renderOverlay(overlay));
  const [scaler, ...others] = cluster.cpuScalers;

  it('is scaled on its CPU, from two pods to ten at most, and its Deployment leaves their number to that', () => {
    expect(others).toEqual([]);
    expect(scaler).toMatchObject({ deployment: 'api', utilization: 70 });
    expect(scaler?.min).toBeGreaterThanOrEqual(2);
    expect(scaler?.max).toBeGreaterThan(scaler?.min ?? 0);
    expect(scaler?.max).toBeLessThanOrEqual(10);
    expect(cluster.deployment('api').spec.replicas).toBeUndefined();
    // A share of nothing is nothing: without a request the autoscaler is blind.
    expect(containerOf(cluster.deployment('api')).resources.requests).toHaveProperty('cpu');
  });

  it('grows within a minute, and shrinks by one pod a minute', () => {
    expect(scaler?.behavior.scaleUp.stabilizationWindowSeconds).toBeLessThanOrEqual(60);
    expect(scaler?.behavior.scaleDown).toEqual({
      stabilizationWindowSeconds: 300,
      selectPolicy: 'Max',
      policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }],
    });
  });
});

describe('two scalers', () => {
  it('are never put on one Deployment', () => {
    for (const overlay of OVERLAYS) expect(contested(new Cluster(renderOverlay(overlay)))).toEqual([]);
  });

  it('would be noticed', () => {
    expect(contested(new Cluster(renderWith('autoscaling-hpa', 'autoscaling-keda')))).toEqual(['gateway']);
  });
});

describe('a house without a scaler', () => {
  it('says how many gateways it has', () => {
    expect(new Cluster(renderOverlay('dev')).deployment('gateway').spec.replicas).toBe(2);
  });
});

describe('the rules', () => {
  const rulesOf = (objects: readonly Manifest[]): number => objects.filter(({ kind }) => kind === 'PrometheusRule').length;

  it('come once for each Prometheus: with prod, which staging shares, and with each other region', () => {
    const overlays = OVERLAYS.map((overlay): readonly [string, number] => [overlay, rulesOf(renderOverlay(overlay))]);
    expect(Object.fromEntries(overlays)).toEqual({ dev: 0, staging: 0, prod: 1, 'region-replica': 1 });
    const scraped = OVERLAYS.filter((overlay) => renderOverlay(overlay).some(({ kind }) => kind === 'PodMonitor'));
    expect(scraped).toEqual(['prod', 'region-replica', 'staging']);
  });

  it('are stood in for by a fallback that only newer KEDAs know, which is said', () => {
    const said = ['k8s/components/autoscaling-keda/kustomization.yaml', 'docs/deploy/kubernetes.md'];
    for (const path of said) expect(readFileSync(join(ROOT, path), 'utf8'), path).toMatch(/KEDA 2\.18 or newer/);
  });
});

describe('monitoring', () => {
  const objects = renderWith('monitoring');
  const Monitor = z.looseObject({
    spec: z.looseObject({
      selector: z.object({ matchExpressions: z.tuple([z.object({ values: z.array(z.string()) })]) }),
      podMetricsEndpoints: z.array(z.object({ port: z.string(), path: z.string(), interval: z.string(), scrapeTimeout: z.string() })),
    }),
  });

  it('scrapes every app at its internal port, often enough for the scaler', () => {
    const { spec } = Monitor.parse(objects.find(({ kind }) => kind === 'PodMonitor'));
    expect(spec.selector.matchExpressions[0].values).toEqual(['api', 'listener', 'gateway', 'web']);
    expect(spec.podMetricsEndpoints).toEqual([{ port: 'internal', path: '/metrics', interval: '5s', scrapeTimeout: '5s' }]);
  });

  it('sees who does not move, and a drain that overruns, before the gateway is gone', () => {
    const { spec } = Monitor.parse(objects.find(({ kind }) => kind === 'PodMonitor'));
    const scrapeMs = 1000 * Number.parseInt(spec.podMetricsEndpoints[0]?.interval ?? '', 10);
    const cluster = new Cluster(objects);
    const settings = Shutdown.parse(settingsOf('gateway', clusterEnv(cluster, cluster.deployment('gateway'))));
    expect(settings.DRAIN_GRACE_MS).toBeGreaterThanOrEqual(scrapeMs);
    // DrainOverran fires from two seconds on.
    expect(settings.SHUTDOWN_TIMEOUT_MS).toBeGreaterThanOrEqual(drainMs(settings) + 2000 + scrapeMs);
  });

  it('scrapes nothing twice', () => {
    for (const { spec } of new Cluster(objects).deployments) {
      expect(spec.template.metadata.annotations ?? {}).not.toHaveProperty(['prometheus.io/scrape']);
    }
    for (const name of ['gateway', 'web']) {
      const { annotations } = new Cluster(renderWith()).deployment(name).spec.template.metadata;
      expect(annotations).toEqual({ 'prometheus.io/scrape': 'true', 'prometheus.io/port': '9090', 'prometheus.io/path': '/metrics' });
    }
  });
});

function adapterRules() {
  const Rule = z.object({
    seriesQuery: z.string(),
    name: z.object({ as: z.string() }),
    resources: z.object({ overrides: z.record(z.string(), z.object({ resource: z.string() })) }),
  });
  const file = join(K8S, 'components/autoscaling-hpa/prometheus-adapter-values.yaml');
  return z.object({ rules: z.object({ custom: z.array(Rule) }) }).parse(parse(readFileSync(file, 'utf8'))).rules.custom;
}

function recordedSeries({ objects }: Cluster): string[] {
  const Rules = z.looseObject({
    spec: z.object({ groups: z.array(z.looseObject({ rules: z.array(z.looseObject({ record: z.string().optional() })) })) }),
  });
  const rules = objects.filter(({ kind }) => kind === 'PrometheusRule').map((object) => Rules.parse(object));
  return rules.flatMap(({ spec }) => spec.groups.flatMap((group) => group.rules.flatMap(({ record }) => record ?? [])));
}
