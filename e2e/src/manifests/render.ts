import { existsSync, readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import * as z from 'zod';

/** A Kubernetes object, as far as every one of them goes. */
export const Manifest = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
});
export type Manifest = z.output<typeof Manifest>;

/** The part of kustomize that these manifests use. Strict: a field that is not understood here stops the test instead of being skipped. */
const Kustomization = z.strictObject({
  apiVersion: z.enum(['kustomize.config.k8s.io/v1beta1', 'kustomize.config.k8s.io/v1alpha1']),
  kind: z.enum(['Kustomization', 'Component']),
  namespace: z.string().optional(),
  resources: z.array(z.string()).default([]),
  components: z.array(z.string()).default([]),
  replicas: z.array(z.strictObject({ name: z.string(), count: z.int().min(0) })).default([]),
  configMapGenerator: z
    .array(z.strictObject({ name: z.string(), behavior: z.enum(['create', 'merge']).default('create'), literals: z.array(z.string()) }))
    .default([]),
  patches: z.array(z.strictObject({ patch: z.string() })).default([]),
});
type Kustomization = z.output<typeof Kustomization>;

/** A folder's objects as `kubectl kustomize` prints them, except that generated names carry no hash. `seen` gets every file that was read. */
export function render(folder: string, seen = new Set<string>()): Manifest[] {
  const file = resolve(folder, 'kustomization.yaml');
  seen.add(file);
  const plan = Kustomization.parse(parse(readFileSync(file, 'utf8')));
  const objects = plan.resources.flatMap((name) => load(resolve(folder, name), seen));
  for (const map of plan.configMapGenerator) generate(objects, map);
  objects.push(...plan.components.flatMap((name) => render(resolve(folder, name), seen)));
  for (const { patch } of plan.patches) applyPatch(objects, Manifest.parse(parse(patch)));
  for (const { name, count } of plan.replicas) applyReplicas(objects, name, count);
  if (plan.namespace !== undefined) for (const object of objects) moveTo(object, plan.namespace);
  return objects;
}

function load(path: string, seen: Set<string>): Manifest[] {
  if (!existsSync(path)) throw new Error(`A kustomization names ${path}, which does not exist.`);
  if (statSync(path).isDirectory()) return render(path, seen);
  seen.add(path);
  return readManifests(path);
}

/** All documents of a file; a syntax error or a key given twice throws. */
export function readManifests(path: string): Manifest[] {
  return parseAllDocuments(readFileSync(path, 'utf8')).map((document) => {
    const [fault] = document.errors;
    if (fault !== undefined) throw new Error(`${path}: ${fault.message}`);
    return Manifest.parse(document.toJS());
  });
}

function generate(objects: Manifest[], { name, behavior, literals }: Kustomization['configMapGenerator'][number]): void {
  const data = Object.fromEntries(literals.map((literal) => literal.split(/=(.*)/s, 2) as [string, string]));
  const known = objects.find((object) => object.kind === 'ConfigMap' && object.metadata.name === name);
  if ((behavior === 'merge') !== (known !== undefined)) throw new Error(`ConfigMap ${name} cannot be generated with behavior ${behavior}.`);
  if (known === undefined) objects.push({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data });
  else known['data'] = { ...z.record(z.string(), z.string()).parse(known['data']), ...data };
}

function applyPatch(objects: readonly Manifest[], patch: Manifest): void {
  const target = objects.find((object) => object.kind === patch.kind && object.metadata.name === patch.metadata.name);
  if (target === undefined) throw new Error(`A patch is for ${patch.kind} ${patch.metadata.name}, which does not exist.`);
  merge(target, patch);
}

function merge(target: Record<string, unknown>, patch: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(patch)) {
    const old = target[key];
    // How kustomize merges a list depends on the list's type.
    if (Array.isArray(value)) throw new Error(`A patch changes the list ${key}; this renderer cannot.`);
    if (isRecord(old) && isRecord(value)) merge(old, value);
    else target[key] = value;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function applyReplicas(objects: readonly Manifest[], name: string, count: number): void {
  const target = objects.find((object) => object.kind === 'Deployment' && object.metadata.name === name);
  if (target === undefined || !isRecord(target['spec'])) throw new Error(`Replicas are given for ${name}, which is no Deployment.`);
  target['spec']['replicas'] = count;
}

function moveTo(object: Manifest, namespace: string): void {
  if (object.kind === 'Namespace') object.metadata.name = namespace;
  else object.metadata.namespace = namespace;
}
