import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import * as z from 'zod';

/** A Kubernetes object, as far as every one of them goes. */
export const Manifest = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
});
export type Manifest = z.output<typeof Manifest>;

export const ROOT = resolve(import.meta.dirname, '../../..');
export const K8S = join(ROOT, 'k8s');

/** What `kubectl apply -k <folder>` would send. */
export function kustomize(kubectlPath: string, folder: string): Manifest[] {
  const text = execFileSync(kubectlPath, ['kustomize', folder], {
    encoding: 'utf8',
    timeout: 20_000,
    maxBuffer: 16 * 1024 * 1024,
  });
  return manifestsOf(text, folder);
}

/** The base with some components, and with what else a kustomization may say. */
export function kustomizeWith(kubectlPath: string, components: readonly string[], more: object = {}): Manifest[] {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'droppio-kustomize-')));
  try {
    const plan = {
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      namespace: 'droppio',
      resources: [relative(folder, join(K8S, 'base'))],
      components: components.map((component) => relative(folder, join(K8S, 'components', component))),
      ...more,
    };
    writeFileSync(join(folder, 'kustomization.yaml'), stringify(plan));
    return kustomize(kubectlPath, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** All documents of a file; a syntax error or a key given twice throws. */
export function readManifests(path: string): Manifest[] {
  return manifestsOf(readFileSync(path, 'utf8'), path);
}

function manifestsOf(text: string, path: string): Manifest[] {
  return parseAllDocuments(text).map((document) => {
    const [fault] = document.errors;
    if (fault !== undefined) throw new Error(`${path}: ${fault.message}`);
    return Manifest.parse(document.toJS());
  });
}
