import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { flows } from './flows.js';
import { kustomizeWith } from './kustomize.js';
import { OVERLAYS, renderOverlay, renderWith, ROOT } from './render.js';
import { clusterEnv, settingsOf } from './settings.js';
import { Cluster, NetworkPolicy, portsOf } from './shapes.js';

const EDGE = 'droppio.io/edge=true';
const MONITORING = 'kubernetes.io/metadata.name=monitoring';

/** What a pod of each kind needs, and nothing else. */
const AT_HOME = [
  'anybody > web:8080',
  'web > api:8080',
  'web > gateway:8081',
  `${EDGE} > api:8080`,
  `${EDGE} > gateway:8081`,
  ...['api', 'listener', 'gateway', 'web'].map((app) => `${MONITORING} > ${app}:9090`),
  // Redis and its sentinels; Postgres and PgBouncer.
  ...['api', 'listener', 'gateway'].flatMap((app) => [6379, 26379].map((port) => `${app} > private addresses:${String(port)}`)),
  ...['api', 'listener', 'migrate', 'new-epochs'].flatMap((app) =>
    [5432, 6432].map((port) => `${app} > private addresses:${String(port)}`),
  ),
  // RPC, webhooks.
  ...['the internet', 'the internet of IPv6'].flatMap((far) => [
    ...['listener:443', 'listener:8546', 'api:443', 'api:8443'].map((way) => way.replace(':', ` > ${far}:`)),
  ]),
];
const ABROAD = [
  // It believes what Envoy says of viewers.
  `${EDGE} > web:8080`,
  'web > gateway:8081',
  // The API at home.
  'web > private addresses:8080',
  `${EDGE} > gateway:8081`,
  `${MONITORING} > gateway:9090`,
  `${MONITORING} > web:9090`,
  'gateway > private addresses:6379',
  'gateway > private addresses:26379',
];
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  dev: [
    ...AT_HOME,
    ...['api', 'listener', 'gateway'].map((app) => `${app} > redis:6379`),
    ...['api', 'listener', 'migrate', 'new-epochs'].map((app) => `${app} > postgres:5432`),
  ],
  staging: AT_HOME,
  prod: AT_HOME,
  'region-replica': ABROAD,
};

describe.each(OVERLAYS)('the network policies of %s', (overlay) => {
  const cluster = new Cluster(renderOverlay(overlay));
  const names = cluster.workloads.map(({ metadata }) => metadata.name);

  it('allow what is needed and nothing else', () => {
    const dns = names.flatMap((name) =>
      ['kubernetes.io/metadata.name=kube-system', '169.254.20.10/32'].flatMap((server) => [
        `${name} > ${server}:53`,
        `${name} > ${server}:53/UDP`,
      ]),
    );
    expect(flows(cluster)).toEqual([...(NEEDED[overlay] ?? []), ...dns].sort());
  });

  it('deny everything that no other policy allows', () => {
    const deny = cluster.policies.find(({ metadata }) => metadata.name === 'default-deny');
    expect(deny?.spec).toEqual({
      podSelector: { matchLabels: {}, matchExpressions: [] },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [],
      egress: [],
    });
  });

  it('name each direction that they have rules for, without which the rules are void', () => {
    for (const { metadata, spec } of cluster.policies.filter(({ metadata: { name } }) => name !== 'default-deny')) {
      const directions = [...(spec.ingress.length > 0 ? ['Ingress'] : []), ...(spec.egress.length > 0 ? ['Egress'] : [])];
      expect([...spec.policyTypes].sort(), metadata.name).toEqual(directions.sort());
    }
  });

  it('open exactly the ports that pods have', () => {
    for (const workload of cluster.workloads) {
      const { name } = workload.metadata;
      const open = flows(cluster).flatMap((way) => new RegExp(`> ${name}:(\\d+)$`).exec(way)?.[1] ?? []);
      expect([...new Set(open)].sort(), name).toEqual(portsOf(workload).map(String).sort());
    }
  });
});

describe('tracing', () => {
  it('opens the collector of traces to the apps, and nothing else', () => {
    const base = flows(new Cluster(renderWith()));
    const added = flows(new Cluster(renderWith('tracing'))).filter((way) => !base.includes(way));
    expect(added.sort()).toEqual(['api', 'gateway', 'listener'].map((app) => `${app} > ${MONITORING}:4318`));
  });
});

describe('the other ways that docs/deploy/kubernetes.md has patches for', () => {
  const page = readFileSync(join(ROOT, 'docs/deploy/kubernetes.md'), 'utf8');
  const Patches = z.strictObject({ patches: z.array(z.unknown()).min(4) });
  const written = Patches.parse(parse(/^```yaml\n(patches:[\s\S]*?)^```$/m.exec(page)?.[1] ?? ''));

  it('are open with them, and the ways in whose place they come are shut', () => {
    const base = flows(new Cluster(renderWith()));
    const patched = flows(new Cluster(kustomizeWith(inject('kubectlPath'), [], written)));
    const names = ['api', 'gateway', 'listener', 'migrate', 'new-epochs', 'web'];
    const dns = names.flatMap((name) => ['5353', '5353/UDP'].map((port) => `${name} > kubernetes.io/metadata.name=openshift-dns:${port}`));
    const redis = (port: number): string[] => ['api', 'gateway', 'listener'].map((app) => `${app} > private addresses:${String(port)}`);
    const postgres = (port: number): string[] =>
      ['api', 'listener', 'migrate', 'new-epochs'].map((app) => `${app} > private addresses:${String(port)}`);
    const chains = ['listener > 10.20.0.0/24:8545', ...['the internet', 'the internet of IPv6'].map((far) => `listener > ${far}:8443`)];
    expect(patched.filter((way) => !base.includes(way))).toEqual([...dns, ...redis(6380), ...postgres(25060), ...chains].sort());
    expect(base.filter((way) => !patched.includes(way))).toEqual([...redis(6379), ...postgres(5432)].sort());
  });
});

describe('webhooks', () => {
  it('get through at the ports that they may have', () => {
    const cluster = new Cluster(renderOverlay('prod'));
    const ports = flows(cluster).flatMap((way) => /^api > the internet:(\d+)$/.exec(way)?.[1] ?? []);
    const { WEBHOOKS_PORTS } = settingsOf('api', clusterEnv(cluster, cluster.deployment('api')));
    expect(ports.map(Number)).toEqual([...z.set(z.number()).parse(WEBHOOKS_PORTS)].sort());
  });
});

describe(flows, () => {
  it('says which way only one side allows', () => {
    const objects = renderOverlay('dev').map((object) => {
      if (object.kind !== 'NetworkPolicy' || object.metadata.name !== 'redis') return object;
      const policy = NetworkPolicy.parse(object);
      return {
        ...object,
        spec: { ...policy.spec, ingress: policy.spec.ingress.map((rule) => ({ ...rule, ports: [{ protocol: 'TCP', port: 1 }] })) },
      };
    });
    expect(flows(new Cluster(objects)).filter((way) => way.startsWith('!'))).toEqual(
      expect.arrayContaining(['! gateway > redis:1', '! gateway > redis:6379']),
    );
  });
});
