import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { apiSettings } from '@droppio/api/env';
import { gatewaySettings } from '@droppio/gateway/env';
import { listenerSettings } from '@droppio/listener/env';
import * as z from 'zod';
import { readManifests, ROOT } from './render.js';
import { containerOf, Secret, type Cluster, type Workload } from './shapes.js';

export const SCHEMAS = { api: apiSettings, listener: listenerSettings, gateway: gatewaySettings } as const;
export type App = keyof typeof SCHEMAS;
export const APPS: readonly App[] = ['api', 'listener', 'gateway'];

/** Names that are not ours: read by node itself. */
const FOREIGN = new Set(['NODE_OPTIONS', 'NODE_ENV']);

/** Values of the right form for what an installation keeps secret. */
export const SAMPLE_SECRETS: Readonly<Record<string, string>> = {
  DATABASE_URL: 'postgres://droppio:secret@postgres:5432/droppio',
  REDIS_URL: 'redis://:secret@redis:6379',
  OVERLAY_TOKEN_KEYS: `1:${'ab'.repeat(32)}`,
  ADMIN_TOKEN: 'a'.repeat(32),
  CHAINS: readFileSync(resolve(ROOT, 'docker/chains.anvil.json'), 'utf8'),
  REDIS_READ_URL: 'rediss://reader:secret@replica:6379',
  SIGN_IN_CHAINS: '1=https://rpc.example.com/key,8453',
  STATS_TOKEN: 's'.repeat(32),
};

/** Settings that let somebody in. RPC addresses carry keys. */
export function isSecret(name: string): boolean {
  return /((?<!PER)_TOKEN|_KEYS?|_SECRET|_PASSWORD|CHAINS|DATABASE_URL|REDIS(_\w+)?_URL)$/.test(name);
}

/** What may pass between SIGTERM and SIGKILL for the orderly way to be over, with this to spare. */
export const SPARE_SECONDS = 20;

/** The shortest time in which an app surely has let go of everything, apart from what SHUTDOWN_TIMEOUT_MS cuts short. */
export const Shutdown = z.object({
  SHUTDOWN_TIMEOUT_MS: z.number(),
  DRAIN_DELAY_MS: z.number().default(0),
  /** Absent on the gateway: up to 60 s, by the number of sockets. */
  DRAIN_WINDOW_MS: z.number().optional(),
  DRAIN_GRACE_MS: z.number().optional(),
});
const WINDOW_MAX_MS = 60_000;
/** The last sockets are closed in slices over up to 5 s, and have 6 s to answer. */
const LAST_CLOSES_MS = 11_000;

/** Longest orderly drain in milliseconds; 0 for an app that holds no sockets. */
export function drainMs({ DRAIN_DELAY_MS, DRAIN_WINDOW_MS = WINDOW_MAX_MS, DRAIN_GRACE_MS }: z.output<typeof Shutdown>): number {
  return DRAIN_GRACE_MS === undefined ? 0 : DRAIN_DELAY_MS + DRAIN_WINDOW_MS + DRAIN_GRACE_MS + LAST_CLOSES_MS;
}

/** What `docker/Dockerfile` sets for every app. */
export function imageEnv(): Readonly<Record<string, string>> {
  const [, line] = /^ENV (NODE_ENV=production .*)$/m.exec(readFileSync(resolve(ROOT, 'docker/Dockerfile'), 'utf8')) ?? [];
  if (line === undefined) throw new Error('The Dockerfile sets no environment.');
  return z.record(z.string(), z.string()).parse(Object.fromEntries(line.split(' ').map((pair) => pair.split('=', 2))));
}

export function secretTemplates(): ReadonlyMap<string, Readonly<Record<string, string>>> {
  const secrets = readManifests(resolve(ROOT, 'k8s/secrets.template.yaml')).map((object) => Secret.parse(object));
  return new Map(secrets.map(({ metadata, stringData }) => [metadata.name, stringData]));
}

/** Every variable that a workload's container gets in the cluster, secrets as samples. */
export function clusterEnv(cluster: Cluster, workload: Workload): Record<string, string> {
  const { envFrom, env } = containerOf(workload);
  const given: Record<string, string> = {};
  for (const { configMapRef, secretRef } of envFrom) {
    if (configMapRef !== undefined) Object.assign(given, found(cluster.configMaps, configMapRef.name));
    if (secretRef !== undefined) Object.assign(given, samples(Object.keys(found(secretTemplates(), secretRef.name))));
  }
  for (const { name, value } of env) given[name] = value ?? 'from-the-pod';
  return given;
}

function found<T>(map: ReadonlyMap<string, T>, name: string): T {
  const value = map.get(name);
  if (value === undefined) throw new Error(`${name} is referred to and does not exist.`);
  return value;
}

export function samples(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, found(new Map(Object.entries(SAMPLE_SECRETS)), name)]));
}

/** Names that the app's schema does not know: misspelt, or of another app. */
export function strangers(app: App, names: readonly string[]): string[] {
  return names.filter((name) => !FOREIGN.has(name) && !(name.replace(/_FILE$/, '') in SCHEMAS[app].shape) && !(name in SCHEMAS[app].shape));
}

/** The settings as the app itself would read them, on top of what its image sets. Throws when it would not start. */
export function settingsOf(app: App, given: Readonly<Record<string, string>>): Record<string, unknown> {
  const { CHAINS_FILE, ...rest } = { ...imageEnv(), ...given };
  const chains = CHAINS_FILE === undefined ? {} : samples(['CHAINS']);
  return SCHEMAS[app].parse({ ...rest, ...chains });
}
