import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { K8S, kustomize, kustomizeWith, type Manifest } from './kustomize.js';

export { K8S, Manifest, readManifests, ROOT } from './kustomize.js';

export const OVERLAYS = readdirSync(join(K8S, 'overlays'));
export const COMPONENTS = readdirSync(join(K8S, 'components'));

/** What `kubectl apply -k k8s/overlays/<name>` would send. */
export function renderOverlay(name: string): readonly Manifest[] {
  const objects = rendered.get(name) ?? kustomize(inject('kubectlPath'), join(K8S, 'overlays', name));
  rendered.set(name, objects);
  return objects;
}
const rendered = new Map<string, readonly Manifest[]>();

/** The base with some components and nothing else. */
export const renderWith = (...components: readonly string[]): Manifest[] => kustomizeWith(inject('kubectlPath'), components);
