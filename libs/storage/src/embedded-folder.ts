import { createHash } from 'node:crypto';
import { access, chmod, constants, lstat, mkdir, readFile, realpath, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { StartupFault } from '@droppio/platform';

/** Whom the server runs as when this process is root, which Postgres refuses to be. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

/** `undefined`: as ourselves. */
export async function serverUser(): Promise<ServerUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const wanted of ['postgres', 'nobody']) {
    const [, , uid, gid] = accounts.find(([name]) => name === wanted) ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new StartupFault(
    'Postgres does not run as root, and this machine has no user postgres or nobody to run it as. Start Droppio as another user, or set DATABASE_URL.',
  );
}

/**
 * Where the embedded database lives: `<dataDir>/postgres`. As root that may be out of reach for the server's user (under /root, say); then
 * a folder of the machine that is kept between starts and belongs to this data folder alone: `/var/lib/droppio/<hash of dataDir>`, or the
 * same below `/var/tmp` where /var/lib cannot be written.
 */
export async function chooseFolder(dataDir: string, user: ServerUser | undefined): Promise<string> {
  await mkdir(dataDir, { recursive: true });
  const home = await realpath(dataDir);
  if (user === undefined) return ownFolder(join(home, 'postgres'), 0o700);
  if (await isReachable(home)) return ownFolder(join(home, 'postgres'), 0o755);
  const name = createHash('sha256').update(home).digest('hex').slice(0, 16);
  for (const place of ['/var/lib', '/var/tmp', tmpdir()]) {
    if (!(await isWritable(place)) || !(await isReachable(place))) continue;
    await ownFolder(join(place, 'droppio'), 0o755);
    return ownFolder(join(place, 'droppio', name), 0o755);
  }
  throw new StartupFault(`The user that Postgres runs as cannot reach ${home}. Set DATA_DIR to a folder that every user may enter.`);
}

/** May any user enter this path? The folders above it decide as much as itself. */
export async function isReachable(path: string): Promise<boolean> {
  for (let at = path; ; at = dirname(at)) {
    if (((await stat(at)).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Makes the folder, or takes it when it is really ours: below /var/tmp somebody else might have laid one out, or a link to elsewhere. */
async function ownFolder(path: string, mode: number): Promise<string> {
  await mkdir(path, { recursive: true, mode });
  const found = await lstat(path);
  if (!found.isDirectory() || (process.getuid !== undefined && found.uid !== process.getuid())) {
    throw new StartupFault(`${path} belongs to somebody else. Remove it, or set DATA_DIR to another folder.`);
  }
  await chmod(path, mode);
  return path;
}

async function isWritable(path: string): Promise<boolean> {
  return access(path, constants.W_OK).then(
    () => true,
    () => false,
  );
}
