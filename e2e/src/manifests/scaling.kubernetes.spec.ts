import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { K8S, OVERLAYS, renderOverlay, renderWith } from './render.js';
import { clusterEnv, settingsOf } from './settings.js';
import { Cluster } from './shapes.js';

const scaled = {
  ...Object.fromEntries(OVERLAYS.filter((name) => name !== 'dev').map((name) => [name, new Cluster(renderOverlay(name))])),
  'autoscaling-hpa': new Cluster(renderWith('autoscaling-hpa')),
  'autoscaling-keda': new Cluster(renderWith('autoscaling-keda', 'monitoring')),
};

/** Deployments that more than one scaler would pull at. */
function contested({ scalers }: Cluster): string[] {
  const names = scalers.map(({ deployment }) => deployment);
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
  });

  it('grows at once, by half a fleet or more in half a minute, and shrinks by one pod in five minutes', () => {
    expect(scaler.behavior).toEqual({
      scaleUp: {
        stabilizationWindowSeconds: 0,
        selectPolicy: 'Max',
        policies: [
          { type: 'Percent', value: 100, periodSeconds: 30 },
          { type: 'Pods', value: 4, periodSeconds: 30 },
        ],
      },
      scaleDown: { stabilizationWindowSeconds: 900, selectPolicy: 'Min', policies: [{ type: 'Pods', value: 1, periodSeconds: 300 }] },
    });
  });

  it('asks for a series that somebody makes, of its own namespace', () => {
    if (scaler.by === 'HorizontalPodAutoscaler') {
      expect(adapterMetrics()).toEqual([scaler.asks]);
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
    expect(spec.selector.matchExpressions[0].values).toEqual(['api', 'listener', 'gateway']);
    expect(spec.podMetricsEndpoints).toEqual([{ port: 'internal', path: '/metrics', interval: '15s', scrapeTimeout: '5s' }]);
  });

  it('scrapes nothing twice', () => {
    for (const { spec } of new Cluster(objects).deployments) {
      expect(spec.template.metadata.annotations ?? {}).not.toHaveProperty(['prometheus.io/scrape']);
    }
    const { annotations } = new Cluster(renderWith()).deployment('gateway').spec.template.metadata;
    expect(annotations).toEqual({ 'prometheus.io/scrape': 'true', 'prometheus.io/port': '9090', 'prometheus.io/path': '/metrics' });
  });
});

function adapterMetrics(): string[] {
  const Adapter = z.object({ rules: z.object({ custom: z.array(z.object({ name: z.object({ as: z.string() }) })) }) });
  const file = join(K8S, 'components/autoscaling-hpa/prometheus-adapter-values.yaml');
  return Adapter.parse(parse(readFileSync(file, 'utf8'))).rules.custom.map(({ name }) => name.as);
}

function recordedSeries({ objects }: Cluster): string[] {
  const Rules = z.looseObject({
    spec: z.object({ groups: z.array(z.looseObject({ rules: z.array(z.looseObject({ record: z.string().optional() })) })) }),
  });
  const rules = objects.filter(({ kind }) => kind === 'PrometheusRule').map((object) => Rules.parse(object));
  return rules.flatMap(({ spec }) => spec.groups.flatMap((group) => group.rules.flatMap(({ record }) => record ?? [])));
}
