import { beforeAll, describe, expect, inject, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { COMPONENTS, Manifest, OVERLAYS, renderOverlay, renderWith } from './render.js';
import { refusals } from './schema.js';

const modelsDir = inject('kubernetesModelsDir');
const folders = new Map([
  ...OVERLAYS.map((name) => [`overlays/${name}`, renderOverlay(name)] as const),
  ...COMPONENTS.map((name) => [`components/${name} on the base`, renderWith(name)] as const),
]);

describe('what kubectl would send', () => {
  it('is a whole house for every overlay and every component', () => {
    for (const [folder, objects] of folders) expect(objects.length, folder).toBeGreaterThan(15);
  });

  it('names each object once', () => {
    for (const [folder, objects] of folders) {
      const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
      expect(names, folder).toEqual([...new Set(names)]);
    }
  });

  it('is taken by a strict API server', async () => {
    expect(await refusals(modelsDir, [...folders.values()].flat())).toEqual([]);
  });
});

describe('the strict API server', () => {
  const broken = {
    'an-unknown-field': 'apiVersion: policy/v1, kind: PodDisruptionBudget, spec: { maxUnavailable: 1, maxUnavailible: 2 }',
    'an-unknown-field-deep-inside': 'apiVersion: policy/v1, kind: PodDisruptionBudget, spec: { selector: { matchLabel: { a: b } } }',
    'the-wrong-type': 'apiVersion: policy/v1, kind: PodDisruptionBudget, spec: { maxUnavailable: [1] }',
    'a-missing-field': 'apiVersion: apps/v1, kind: Deployment, spec: { selector: {} }',
    'an-unknown-kind': 'apiVersion: apps/v2, kind: Deployment',
    'no-duration': 'apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, spec: { rules: [{ timeouts: { request: soon } }] }',
    'a-route-to-nowhere': 'apiVersion: traefik.io/v1alpha1, kind: IngressRoute, spec: { routes: [{ kind: Rule, match: x, service: [] }] }',
    'an-end-without-points': 'apiVersion: monitoring.coreos.com/v1, kind: PodMonitor, spec: { selector: {}, podMetricEndpoints: [] }',
    'a-policy-for-nothing':
      'apiVersion: gateway.envoyproxy.io/v1alpha1, kind: ClientTrafficPolicy, spec: { headers: { earlyRequestHeaders: { remove: [x] } } }',
    'a-retry-of-what-was-done':
      'apiVersion: gateway.envoyproxy.io/v1alpha1, kind: BackendTrafficPolicy, spec: { retry: { retryOn: { triggers: [5xx] } } }',
    'a-log-that-goes-nowhere':
      'apiVersion: gateway.envoyproxy.io/v1alpha1, kind: EnvoyProxy, spec: { telemetry: { accessLog: { settings: [{ format: { type: JSON, json: {} } }] } } }',
    'a-scaler-of-nothing': 'apiVersion: keda.sh/v1alpha1, kind: ScaledObject, spec: { pollingInterval: 15 }',
  };

  it.each(Object.keys(broken))('refuses %s', (name) => {
    expect(refused).toContain(name);
  });

  let refused: readonly (string | undefined)[];
  beforeAll(async () => {
    const objects = Object.entries(broken).map(([name, text]) => Manifest.parse({ ...object(text), metadata: { name, namespace: 'x' } }));
    refused = (await refusals(modelsDir, objects)).map((sentence) => /^\w+ ([\w-]+): /.exec(sentence)?.[1]);
  });
  const object = (text: string): Record<string, unknown> => z.record(z.string(), z.unknown()).parse(parse(`{ ${text} }`));
});
