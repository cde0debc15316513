import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { readManifests } from '../manifests/kustomize.js';
import { OBSERVABILITY, ROOT } from './files.js';

const Labels = z.record(z.string(), z.string());
const Deployment = z.object({
  kind: z.literal('Deployment'),
  spec: z.object({
    template: z.object({
      metadata: z.object({ labels: Labels, annotations: Labels.default({}) }),
      spec: z.object({
        containers: z.array(z.object({ ports: z.array(z.object({ name: z.string(), containerPort: z.int() })) })),
      }),
    }),
  }),
});
const Found = z.array(z.object({ labels: Labels }));
const NAMESPACE = 'droppio-staging';

/**
 * What Prometheus makes of the pods of k8s/base by `annotated-pods.yml`: the labels of each target that it would scrape. Debian's is built without
 * Kubernetes, so the pods come from a file, under the names under which the cluster would tell them.
 */
export function scrapedPods(promtoolPath: string): readonly Readonly<Record<string, string>>[] {
  const folder = mkdtempSync(join(tmpdir(), 'droppio-annotated-'));
  try {
    const [pods, config] = [join(folder, 'pods.json'), join(folder, 'prometheus.yml')];
    writeFileSync(pods, JSON.stringify(['api', 'listener', 'gateway', 'web'].flatMap(portsOfPod)));
    const shipped = readFileSync(join(OBSERVABILITY, 'prometheus/annotated-pods.yml'), 'utf8');
    const written = shipped.replace('kubernetes_sd_configs: [{ role: pod }]', `file_sd_configs: [{ files: ['${pods}'] }]`);
    if (written === shipped) throw new Error('it does not look for pods');
    writeFileSync(config, written);
    const args = ['check', 'service-discovery', '--timeout=1s', config, 'droppio'];
    const text = execFileSync(promtoolPath, args, { encoding: 'utf8', timeout: 20_000, stdio: ['ignore', 'pipe', 'ignore'] });
    return Found.parse(JSON.parse(text)).flatMap(({ labels }) => (Object.keys(labels).length === 0 ? [] : [labels]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A pod is told of once for each port of its containers. */
function portsOfPod(app: string): object[] {
  const found = readManifests(join(ROOT, `k8s/base/${app}.yaml`)).find(({ kind }) => kind === 'Deployment');
  const { metadata, spec } = Deployment.parse(found).spec.template;
  const meta = (kind: string, labels: Readonly<Record<string, string>>): [string, string][] =>
    Object.entries(labels).map(([name, value]) => [`__meta_kubernetes_pod_${kind}_${name.replaceAll(/[^a-zA-Z0-9_]/g, '_')}`, value]);
  return spec.containers
    .flatMap(({ ports }) => ports)
    .map(({ name, containerPort }) => ({
      targets: [`10.0.0.1:${String(containerPort)}`],
      labels: {
        ...Object.fromEntries([...meta('label', metadata.labels), ...meta('annotation', metadata.annotations)]),
        __meta_kubernetes_namespace: NAMESPACE,
        __meta_kubernetes_pod_name: `${app}-1`,
        __meta_kubernetes_pod_container_port_name: name,
      },
    }));
}
