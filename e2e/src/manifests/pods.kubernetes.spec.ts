import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { gatewayCosts } from './fanout-figures.js';
import { podCounts } from './pod-counts.js';
import { OVERLAYS, renderOverlay, ROOT } from './render.js';
import { APPS, clusterEnv, drainMs, settingsOf, Shutdown, SPARE_SECONDS } from './settings.js';
import { Cluster, containerOf, matches, mebibytes, type Workload } from './shapes.js';

const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')));
const WEB_DRAIN_SECONDS = Number(/worker_shutdown_timeout (\d+)s;/.exec(readFileSync(join(ROOT, 'docker/nginx/nginx.conf'), 'utf8'))?.[1]);

/** The restricted standard's list: everything that cannot reach the node. */
const HARMLESS_VOLUMES = ['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'persistentVolumeClaim', 'projected', 'secret'];

describe.each(OVERLAYS)('the pods of %s', (overlay) => {
  const cluster = new Cluster(renderOverlay(overlay));
  const apps = APPS.filter((app) => cluster.has(app));

  /** Seconds from SIGTERM on: the longest orderly drain, and when the process gives up by itself. */
  function patienceOf(workload: Workload): { drain: number; shutdown: number } {
    const app = apps.find((known) => known === workload.metadata.name);
    if (app === undefined) {
      const drain = workload.metadata.name === 'web' ? WEB_DRAIN_SECONDS : 0;
      return { drain, shutdown: drain };
    }
    const settings = Shutdown.parse(settingsOf(app, clusterEnv(cluster, workload)));
    return { drain: drainMs(settings) / 1000, shutdown: settings.SHUTDOWN_TIMEOUT_MS / 1000 };
  }

  it('keep the restricted pod security standard, which the namespace enforces in a pinned version', () => {
    const namespace = cluster.objects.find(({ kind }) => kind === 'Namespace');
    expect(namespace?.metadata['labels']).toMatchObject({
      'pod-security.kubernetes.io/enforce': 'restricted',
      'pod-security.kubernetes.io/enforce-version': expect.stringMatching(/^v1\.\d+$/) as unknown,
    });
    for (const { spec } of cluster.workloads) {
      const { securityContext, volumes, ...pod } = spec.template.spec;
      expect(pod).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
      expect(securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      expect(z.looseObject({ runAsUser: z.int().min(1), runAsGroup: z.int().min(1) }).safeParse(securityContext).success).toBe(true);
      for (const forbidden of ['hostNetwork', 'hostPID', 'hostIPC', 'hostUsers', 'ephemeralContainers']) {
        expect(pod).not.toHaveProperty(forbidden);
      }
      for (const { name, ...kind } of volumes) expect(HARMLESS_VOLUMES, name).toEqual(expect.arrayContaining(Object.keys(kind)));
      for (const container of pod.containers) {
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
      }
    }
  });

  it('come from images with a version, ours with the one in package.json', () => {
    for (const { image } of cluster.workloads.map(containerOf)) {
      const [, ours, tag] = /^(droppio\/)?[a-z]+:(.+)$/.exec(image) ?? [];
      expect(tag).toMatch(/^\d/);
      if (ours !== undefined) expect(tag).toBe(version);
    }
  });

  it('are asked how they are, on a port that they have', () => {
    for (const deployment of cluster.deployments) {
      const { startupProbe, livenessProbe, readinessProbe, ports } = containerOf(deployment);
      for (const probe of [startupProbe, livenessProbe, readinessProbe]) {
        expect(probe).toBeDefined();
        if (probe?.httpGet !== undefined) expect(ports.map(({ name }) => name)).toContain(probe.httpGet.port);
      }
      // Whoever decides about restarts must not look at other services.
      expect(livenessProbe?.httpGet?.path).not.toBe('/health/ready');
    }
    for (const app of apps) {
      const { livenessProbe, readinessProbe } = containerOf(cluster.deployment(app));
      expect(livenessProbe?.httpGet).toEqual({ path: '/health/live', port: 'internal' });
      expect(readinessProbe?.httpGet).toEqual({ path: '/health/ready', port: 'internal' });
    }
  });

  it('reserve and limit memory, keep the heap below the limit, and are not throttled', () => {
    for (const { resources, env } of cluster.workloads.map(containerOf)) {
      const limit = mebibytes(resources.limits['memory'] ?? '');
      expect(mebibytes(resources.requests['memory'] ?? '')).toBeLessThanOrEqual(limit);
      expect(resources.requests).toHaveProperty('cpu');
      expect(resources.limits).not.toHaveProperty('cpu');
      const heap = /--max-old-space-size=(\d+)/.exec(env.find(({ name }) => name === 'NODE_OPTIONS')?.value ?? '')?.[1];
      if (heap !== undefined) expect(Number(heap)).toBeLessThanOrEqual(limit * 0.8);
    }
  });

  it('have room for the sockets they accept, by what was measured', () => {
    const { GATEWAY_MAX_SOCKETS } = z
      .object({ GATEWAY_MAX_SOCKETS: z.number() })
      .parse(settingsOf('gateway', clusterEnv(cluster, cluster.deployment('gateway'))));
    const { requests } = containerOf(cluster.deployment('gateway')).resources;
    expect(mebibytes(requests['memory'] ?? '')).toBeGreaterThanOrEqual(gatewayMebibytes(GATEWAY_MAX_SOCKETS));
  });

  it('are given the time to stop: preStop, the longest drain, and 20 s', () => {
    for (const deployment of cluster.deployments) {
      const { terminationGracePeriodSeconds: grace } = deployment.spec.template.spec;
      const preStop = containerOf(deployment).lifecycle?.preStop.sleep.seconds ?? 0;
      const { shutdown, drain } = patienceOf(deployment);
      expect(grace, deployment.metadata.name).toBeGreaterThanOrEqual(preStop + drain + SPARE_SECONDS);
      // The process gives up by itself, and says so, before it is killed; but not before its drain is over.
      expect(grace, deployment.metadata.name).toBeGreaterThanOrEqual(preStop + shutdown + 5);
      expect(shutdown, deployment.metadata.name).toBeGreaterThanOrEqual(drain);
    }
  });

  it('get no more traffic before they stop taking it', () => {
    for (const name of ['gateway', 'api', 'web'].filter((known) => cluster.has(known))) {
      expect(containerOf(cluster.deployment(name)).lifecycle?.preStop.sleep.seconds).toBeGreaterThanOrEqual(5);
    }
  });

  it('are replaced by others that have proven themselves, so that no socket lacks a place', () => {
    const { strategy, minReadySeconds } = cluster.deployment('gateway').spec;
    expect(strategy).toEqual({ type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: 0 } });
    expect(minReadySeconds).toBeGreaterThanOrEqual(10);
  });

  it('are spread over zones and machines, each version by itself', () => {
    for (const name of [...apps, 'web']) {
      const { metadata, spec } = cluster.deployment(name).spec.template;
      const keys = spec.topologySpreadConstraints?.map(({ topologyKey }) => topologyKey);
      expect(keys).toEqual(['topology.kubernetes.io/zone', 'kubernetes.io/hostname']);
      for (const { labelSelector, matchLabelKeys } of spec.topologySpreadConstraints ?? []) {
        expect(matches(labelSelector, metadata.labels)).toBe(true);
        expect(matchLabelKeys).toEqual(['pod-template-hash']);
      }
    }
  });

  it('may be disrupted one of each app at a time, and never block the drain of a node', () => {
    for (const app of [...apps, 'web']) {
      const deployment = cluster.deployment(app);
      const labels = deployment.spec.template.metadata.labels;
      const budgets = cluster.budgets.filter(({ spec }) => matches(spec.selector, labels));
      expect(budgets).toHaveLength(1);
      const replicas = podCounts(cluster, app).least;
      const leaves = budgets[0]?.spec.maxUnavailable ?? 0;
      expect(leaves).toBeGreaterThanOrEqual(1);
      if (replicas > 1) expect(leaves).toBeLessThan(replicas);
      expect(budgets[0]?.spec.unhealthyPodEvictionPolicy).toBe('AlwaysAllow');
    }
  });

  it('are behind every service, with the ports it names', () => {
    for (const { spec } of cluster.services) {
      const pods = cluster.selected({ matchLabels: spec.selector, matchExpressions: [] });
      expect(pods).toHaveLength(1);
      const names = pods.flatMap((pod) => containerOf(pod).ports.map(({ name }) => name));
      for (const { targetPort } of spec.ports) expect(names).toContain(targetPort);
    }
    const gateway = cluster.services.filter(({ metadata }) => metadata.name.startsWith('gateway'));
    expect(gateway.map(({ spec }) => spec.ports[0]?.appProtocol)).toEqual(['kubernetes.io/ws', 'kubernetes.io/ws']);
  });
});

describe('priority', () => {
  it.each(['prod', 'region-replica'])('puts what serves viewers in %s before what has none', (overlay) => {
    const cluster = new Cluster(renderOverlay(overlay));
    const classes = cluster.objects.filter(({ kind }) => kind === 'PriorityClass').map(({ metadata }) => metadata.name);
    for (const { spec } of cluster.deployments) expect(classes).toEqual([spec.template.spec.priorityClassName]);
  });

  it.each(['dev', 'staging'])('is not for %s, whose end would take the class away from all', (overlay) => {
    expect(renderOverlay(overlay).filter(({ kind }) => kind === 'PriorityClass')).toEqual([]);
  });
});

/** By the highest of what docs/proof/fanout.md measured: in the process and in the kernel. */
function gatewayMebibytes(sockets: number): number {
  const { residentBytes, kernelBytes } = gatewayCosts();
  return BASE_MEBIBYTES + (sockets * (residentBytes.most + kernelBytes.most)) / 1024 / 1024;
}
/** A gateway without sockets, resident: what `npm run smoke:images` prints. */
const BASE_MEBIBYTES = 150;
