import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import * as z from 'zod';
import { ROOT } from '../houses/app-process.js';
import { APPS, inImageOf, neededBy, readLock, type App, type Locked } from './lock.js';

const Component = z.looseObject({
  'bom-ref': z.string(),
  type: z.string(),
  name: z.string(),
  version: z.string(),
  purl: z.string(),
  hashes: z.array(z.object({ alg: z.string(), content: z.string() })).optional(),
});
const Dependency = z.object({ ref: z.string(), dependsOn: z.array(z.string()) });
export const Bom = z.looseObject({
  bomFormat: z.literal('CycloneDX'),
  specVersion: z.string(),
  serialNumber: z.string(),
  version: z.number(),
  metadata: z.looseObject({ timestamp: z.string(), component: Component }),
  components: z.array(Component),
  dependencies: z.array(Dependency),
});
export type Bom = z.output<typeof Bom>;

/** All places of the tree whose production dependencies `npm run sbom` lists: the root, the apps, and what tests and measures them. */
export const HOUSE = ['', ...APPS.map((app) => `apps/${app}`), 'e2e', 'load'];

/**
 * npm's own list of everything in the lock file, without a network. Its `--omit=dev` is not used: it leaves out what production needs as soon as
 * development needs it, too.
 */
export function listedByNpm(): Bom {
  const args = ['sbom', '--sbom-format=cyclonedx', '--package-lock-only', '--offline', '--include=dev', '--include=optional'];
  const env = { ...process.env, NODE_ENV: '' };
  return Bom.parse(
    JSON.parse(execFileSync('npm', args, { cwd: ROOT, env, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, timeout: 60_000 })),
  );
}

/**
 * The bill of materials (CycloneDX) of everything that runs, or of one app's image. The same lock file gives the same bytes: no clock and no
 * chance is in it.
 */
export function billOf(listed: Bom, lock: ReadonlyMap<string, Locked>, app?: App): Bom {
  const parts = app === undefined ? [...neededBy(lock, HOUSE)] : inImageOf(lock, app);
  const refs = new Set(parts.filter(({ path }) => path !== '' && path !== `apps/${app ?? ''}`).map(({ id }) => id));
  const root = app === undefined ? listed.metadata.component : partOf(listed, `@droppio/${app}`);
  const component = { ...root, type: 'application', ...(app === undefined ? { name: 'droppio' } : {}) };
  const kept = new Set([...refs, root['bom-ref']]);
  const bill = {
    ...listed,
    serialNumber: '',
    metadata: { ...listed.metadata, timestamp: timeOf(), component },
    components: listed.components.filter((part) => refs.has(part['bom-ref'])),
    dependencies: listed.dependencies
      .filter(({ ref }) => kept.has(ref))
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((other) => kept.has(other)) })),
  };
  return { ...bill, serialNumber: serialOf(JSON.stringify(bill)) };
}

function partOf(listed: Bom, name: string): Bom['components'][number] {
  const part = listed.components.find((candidate) => candidate['bom-ref'].startsWith(`${name}@`));
  if (part === undefined) throw new Error(`npm lists no ${name}`);
  return part;
}

/** Of the sources, when whoever builds says so (SOURCE_DATE_EPOCH, seconds); else the beginning of time. */
function timeOf(): string {
  return new Date(Number(process.env['SOURCE_DATE_EPOCH'] ?? 0) * 1000).toISOString();
}

function serialOf(text: string): string {
  const digest = createHash('sha256').update(text).digest();
  digest.writeUInt8((digest.readUInt8(6) & 0x0f) | 0x80, 6);
  digest.writeUInt8((digest.readUInt8(8) & 0x3f) | 0x80, 8);
  return `urn:uuid:${digest.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')}`;
}

/** `npm run sbom`: one for all, and one for each image, into `dist/sbom`. */
function write(): void {
  const folder = resolve(ROOT, 'dist/sbom');
  mkdirSync(folder, { recursive: true });
  const [listed, lock] = [listedByNpm(), readLock()];
  for (const app of [undefined, ...APPS]) {
    const file = resolve(folder, `${app ?? 'droppio'}.cdx.json`);
    writeFileSync(file, `${JSON.stringify(billOf(listed, lock, app), null, 2)}\n`);
    console.log(file);
  }
}

if (process.argv[1] === import.meta.filename) write();
