import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StartupFault } from '@droppio/platform';
import * as z from 'zod';

const Secrets = z.object({
  /** Signs overlay URLs: `id:hex`. */
  overlayTokenKeys: z.string(),
  adminToken: z.string().min(32),
});
export type Secrets = z.output<typeof Secrets>;

/** The secrets of this installation: made at the first start and kept, so that overlay URLs in OBS go on working. */
export async function keepSecrets(folder: string): Promise<Secrets> {
  const file = join(folder, 'secrets.json');
  await makeFolder(folder);
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text !== undefined) return read(text, file);
  const secrets = { overlayTokenKeys: `1:${randomBytes(32).toString('hex')}`, adminToken: randomBytes(32).toString('hex') };
  await writePrivately(file, secrets).catch((cause: unknown) => {
    throw new StartupFault(`${folder} cannot be written to. Set DATA_DIR to a folder of yours.`, { cause });
  });
  return secrets;
}

/** Not by \`recursive\` alone: Node never comes back from making folders in places like /proc. */
async function makeFolder(folder: string): Promise<void> {
  const refuse = (cause: unknown): never => {
    throw new StartupFault(`DATA_DIR names ${folder}, which is no folder and cannot be made one.`, { cause });
  };
  const found = await stat(folder).catch(() => undefined);
  if (found?.isDirectory() === true) return;
  if (found !== undefined || dirname(folder) === folder) refuse(undefined);
  await makeFolder(dirname(folder));
  await mkdir(folder).catch((error: unknown) => {
    // Another start may have been faster.
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) refuse(error);
  });
}

function read(text: string, file: string): Secrets {
  try {
    return Secrets.parse(JSON.parse(text));
  } catch {
    throw new StartupFault(`${file} does not hold what it should. Restore it, or delete it to get new secrets (overlay URLs change then).`);
  }
}

/** Readable by this user only; a reader never sees half a file. */
export async function writePrivately(file: string, content: unknown): Promise<void> {
  await writeFile(`${file}.new`, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  await chmod(`${file}.new`, 0o600);
  await rename(`${file}.new`, file);
}
