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

const REDIS: Program = {
  name: 'redis-server',
  setting: 'REDIS_SERVER_PATH',
  candidates: ['redis-server'],
  debianPackages: ['redis-server'],
  elsewhere: 'brew install redis',
};
const CHROMIUM: Program = {
  name: 'Chromium',
  setting: 'CHROMIUM_PATH',
  candidates: ['chromium', 'chromium-browser', 'google-chrome', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'],
  // Without a font for them emoji are boxes on the pictures.
  debianPackages: ['chromium', 'fonts-noto-color-emoji'],
  elsewhere: 'install Chromium or Google Chrome',
};

export interface Programs {
  readonly redisServerPath: string;
  readonly chromiumPath: string;
  readonly anvilPath: string;
}

/**
 * Finds the programs that tests run for real. On Debian and Ubuntu as root missing ones are installed; anywhere else one sentence each says
 * what to install. Nothing is skipped: a missing program fails the run.
 */
export function findPrograms(): Programs {
  const missing = [REDIS, CHROMIUM].filter((program) => locate(program) === undefined);
  if (missing.length > 0 && mayInstall()) install(missing.flatMap((program) => program.debianPackages));
  const faults = [REDIS, CHROMIUM]
    .filter((program) => locate(program) === undefined)
    .map(
      (program) =>
        `${program.name} is missing: "apt-get install ${program.debianPackages.join(' ')}" on Debian, ${program.elsewhere} elsewhere, or set ${program.setting} to its path.`,
    );
  const anvilPath = findAnvil();
  if (anvilPath === undefined) faults.push('anvil is missing: install Foundry, or set ANVIL_PATH to its path.');
  const redisServerPath = locate(REDIS);
  const chromiumPath = locate(CHROMIUM);
  if (redisServerPath === undefined || chromiumPath === undefined || anvilPath === undefined) {
    throw new Error(`The tests need real services:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
  }
  return { redisServerPath, chromiumPath, anvilPath };
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
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // The package's own service must not start: tests run instances of their own, on free ports.
  execFileSync('apt-get', ['update', '-qq'], { stdio: 'inherit', env, timeout: 300_000 });
  execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], { stdio: 'inherit', env, timeout: 600_000 });
}
