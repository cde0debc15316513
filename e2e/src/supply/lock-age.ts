import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import * as z from 'zod';
import { ROOT } from '../houses/app-process.js';
import { isForeign, lockOf, readLock, type Locked } from './lock.js';

/** A release is taken when it is this old: what was hijacked has been found in hours or days, so far. docs/dependencies.md. */
export const COOL_DOWN_DAYS = 7;
const DAY_MS = 86_400_000;
const AT_ONCE = 6;

const run = promisify(execFile);
const Times = z.record(z.string(), z.iso.datetime({ offset: true }));

/** Packages, as `name@version`, that one lock file has and another has not. */
export function cameNew(before: ReadonlyMap<string, Locked>, after: ReadonlyMap<string, Locked>): readonly string[] {
  const known = new Set([...before.values()].filter(isForeign).map(({ id }) => id));
  return [...new Set([...after.values()].filter(isForeign).map(({ id }) => id))].filter((id) => !known.has(id)).sort();
}

/** When the registry that npm is set to use got this version. Throws when it does not say. */
export async function publishedAt(id: string, env: NodeJS.ProcessEnv = {}): Promise<Date> {
  const options = { cwd: ROOT, env: { ...process.env, ...env }, timeout: 60_000, maxBuffer: 64 * 1024 * 1024 };
  const { stdout } = await run('npm', ['view', id, 'time', '--json'], options);
  const time = Times.parse(JSON.parse(stdout))[id.slice(id.lastIndexOf('@') + 1)];
  if (time === undefined) throw new Error(`The registry does not say when ${id} was published.`);
  return new Date(time);
}

/** A sentence for each package that is younger than it should be and not listed as taken early. */
export async function tooYoung(
  ids: readonly string[],
  now: Date,
  excepted: ReadonlySet<string>,
  ask: (id: string) => Promise<Date> = publishedAt,
): Promise<readonly string[]> {
  const asked = ids.filter((id) => !excepted.has(id));
  const faults: string[] = [];
  for (let at = 0; at < asked.length; at += AT_ONCE) {
    const some = asked.slice(at, at + AT_ONCE);
    const times = await Promise.all(some.map(ask));
    for (const [index, time] of times.entries()) {
      const days = (now.getTime() - time.getTime()) / DAY_MS;
      if (days < COOL_DOWN_DAYS) faults.push(`${some[index] ?? ''} is ${days.toFixed(1)} days old and must be ${String(COOL_DOWN_DAYS)}.`);
    }
  }
  return faults;
}

/** What docs/dependencies.md lists under "Taken early". */
export function takenEarly(page: string): ReadonlySet<string> {
  const section = page.split('## Taken early')[1]?.split('\n## ')[0] ?? '';
  return new Set([...section.matchAll(/^\| `([^`]+@\d[^`]*)`/gm)].map(([, id = '']) => id));
}

/** `npm run lock:age -- <commit>`: what the lock file has and that commit has not is old enough. */
async function main(commit: string): Promise<void> {
  const text = execFileSync('git', ['show', `${commit}:package-lock.json`], { cwd: ROOT, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  const fresh = cameNew(lockOf(text), readLock());
  const excepted = takenEarly(readFileSync(resolve(ROOT, 'docs/dependencies.md'), 'utf8'));
  const faults = await tooYoung(fresh, new Date(), excepted);
  for (const fault of faults) console.error(fault);
  console.log(`${String(fresh.length)} packages came new since ${commit}, ${String(faults.length)} of them too young.`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}

if (process.argv[1] === import.meta.filename) await main(process.argv[2] ?? 'origin/main');
