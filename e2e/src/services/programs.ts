import { execFileSync } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';

interface Program {
  readonly name: string;
  /** Setting that names the binary when it is somewhere else. */
  readonly setting: string;
  readonly candidates: readonly string[];
  readonly debianPackages: readonly string[];
  readonly elsewhere: string;
}

/** Everything but anvil, which comes with npm. One line each is what a new one costs. */
const PROGRAMS = {
  redisServerPath: {
    name: 'redis-server',
    setting: 'REDIS_SERVER_PATH',
    candidates: ['redis-server'],
    debianPackages: ['redis-server'],
    elsewhere: 'brew install redis',
  },
  chromiumPath: {
    name: 'Chromium',
    setting: 'CHROMIUM_PATH',
    candidates: ['chromium', 'chromium-browser', 'google-chrome', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'],
    // Without a font for them emoji are boxes on the pictures.
    debianPackages: ['chromium', 'fonts-noto-color-emoji'],
    elsewhere: 'install Chromium or Google Chrome',
  },
  prometheusPath: {
    name: 'Prometheus',
    setting: 'PROMETHEUS_PATH',
    candidates: ['prometheus'],
    debianPackages: ['prometheus'],
    elsewhere: 'brew install prometheus',
  },
  promtoolPath: {
    name: 'promtool',
    setting: 'PROMTOOL_PATH',
    candidates: ['promtool'],
    debianPackages: ['prometheus'],
    elsewhere: 'brew install prometheus',
  },
  amtoolPath: {
    name: 'amtool',
    setting: 'AMTOOL_PATH',
    candidates: ['amtool'],
    debianPackages: ['prometheus-alertmanager'],
    elsewhere: 'install Alertmanager',
  },
  nginxPath: {
    name: 'nginx',
    setting: 'NGINX_PATH',
    candidates: ['nginx', '/usr/sbin/nginx'],
    debianPackages: ['nginx'],
    elsewhere: 'brew install nginx',
  },
  // With its pg_dump and the others beside it: they refuse a server that is newer than they are, as the embedded one is.
  postgresPath: {
    name: 'PostgreSQL',
    setting: 'POSTGRES_PATH',
    candidates: [...[18, 17, 16, 15, 14].map((version) => `/usr/lib/postgresql/${String(version)}/bin/postgres`), 'postgres'],
    debianPackages: ['postgresql'],
    elsewhere: 'brew install postgresql@17',
  },
} as const satisfies Record<string, Program>;

type Key = keyof typeof PROGRAMS;
/** What a person at a terminal needs, too: `npm run dev`, the benchmarks. */
const HOUSE = ['redisServerPath', 'chromiumPath'] as const;
type Found<K extends Key> = Record<K, string> & { readonly anvilPath: string };
export type Programs = Found<(typeof HOUSE)[number]>;
export type TestPrograms = Found<Key>;

/**
 * Finds the programs that tests run for real. On Debian and Ubuntu as root missing ones are installed; anywhere else one sentence each says
 * what to install. Nothing is skipped: a missing program fails the run.
 */
export function findPrograms(): Programs {
  return find(HOUSE);
}

/** The same, with what only tests run. */
export function findTestPrograms(): TestPrograms {
  return find(Object.keys(PROGRAMS) as Key[]);
}

function find<K extends Key>(keys: readonly K[]): Found<K> {
  const wanted = keys.map((key): readonly [K, Program] => [key, PROGRAMS[key]]);
  const missing = wanted.filter(([, program]) => locate(program) === undefined);
  if (missing.length > 0 && mayInstall()) install([...new Set(missing.flatMap(([, program]) => program.debianPackages))]);
  const faults: string[] = [];
  const found = wanted.map(([key, program]) => {
    const path = locate(program);
    if (path === undefined) faults.push(howToGet(program));
    return [key, path ?? ''] as const;
  });
  const anvilPath = findAnvil();
  if (anvilPath === undefined) faults.push('anvil is missing: install Foundry, or set ANVIL_PATH to its path.');
  if (anvilPath === undefined || faults.length > 0) {
    throw new Error(`The tests need real services:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
  }
  return { ...(Object.fromEntries(found) as Record<K, string>), anvilPath };
}

function howToGet({ name, debianPackages, elsewhere, setting }: Program): string {
  return `${name} is missing: "apt-get install ${debianPackages.join(' ')}" on Debian, ${elsewhere} elsewhere, or set ${setting} to its path.`;
}

function locate(program: Program): string | undefined {
  const set = process.env[program.setting];
  if (set !== undefined && set !== '') return executable(set) ? set : undefined;
  return program.candidates.map(onPath).find((path) => path !== undefined);
}

/** The binary inside the npm package on Linux x64; elsewhere one from the PATH. */
function findAnvil(): string | undefined {
  const set = process.env['ANVIL_PATH'];
  if (set !== undefined && set !== '') return executable(set) ? set : undefined;
  try {
    return createRequire(import.meta.url).resolve('@foundry-rs/anvil-linux-amd64/bin/anvil');
  } catch {
    return onPath('anvil');
  }
}

function onPath(name: string): string | undefined {
  if (name.startsWith('/')) return executable(name) ? name : undefined;
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find(executable);
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function mayInstall(): boolean {
  if (process.getuid?.() !== 0) return false;
  try {
    return /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(readFileSync('/etc/os-release', 'utf8'));
  } catch {
    return false;
  }
}

function install(packages: readonly string[]): void {
  process.stdout.write(`installing ${packages.join(', ')} with apt-get\n`);
  // The package's own service must not start, as none does in runlevel 1: tests run instances of their own, on free ports.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  execFileSync('apt-get', ['update', '-qq'], { stdio: 'inherit', env, timeout: 300_000 });
  execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120', ...packages], {
    stdio: 'inherit',
    env,
    timeout: 600_000,
  });
}

const BUILDAH = debian('buildah', 'BUILDAH_PATH');
const RUNC = debian('runc', 'RUNC_PATH');
const NGINX: Program = { ...debian('nginx', 'NGINX_PATH'), candidates: ['nginx', '/usr/sbin/nginx'] };
const WGET = debian('wget', 'WGET_PATH');

export interface ImageTools {
  readonly buildahPath: string;
  readonly runcPath: string;
  /** Parts of stand-ins for base images that no registry gives. */
  readonly nginxPath: string;
  readonly wgetPath: string;
}

/** What builds and runs images without an engine; a sentence where it can be neither found nor installed. */
export function findImageTools(): ImageTools | string {
  if (process.getuid?.() !== 0) return 'building images without an engine needs root';
  const needed = [BUILDAH, RUNC, NGINX, WGET];
  const missing = needed.filter((program) => locate(program) === undefined).flatMap((program) => program.debianPackages);
  try {
    if (missing.length > 0 && mayInstall()) install(missing);
  } catch (error) {
    return `apt-get cannot install ${missing.join(', ')}: ${error instanceof Error ? error.message : String(error)}`;
  }
  const [buildahPath, runcPath, nginxPath, wgetPath] = needed.map(locate);
  if (buildahPath === undefined || runcPath === undefined || nginxPath === undefined || wgetPath === undefined) {
    return `${missing.join(', ')} cannot be installed here`;
  }
  return { buildahPath, runcPath, nginxPath, wgetPath };
}

function debian(name: string, setting: string): Program {
  return { name, setting, candidates: [name], debianPackages: [name], elsewhere: `install ${name}` };
}
