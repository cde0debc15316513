import { randomUUID } from 'node:crypto';
import { link, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StartupFault } from '@droppio/platform';
import * as z from 'zod';
import { processFacts } from './embedded-process.js';

const Owner = z.object({ pid: z.number().int().positive(), started: z.string() });

/**
 * One process at a time may use a folder. Claims it, or throws a sentence that names the process that has it; a claim whose process is gone
 * is void. Returns how to give it back.
 *
 * Claims are files `claim-<n>`; the highest number counts. A new one is linked in whole, which fails when that number is taken, and a number
 * is never reused below the highest: so of many that find the same void claim one wins, and a slow one cannot undo what it has not seen.
 */
export async function claimFolder(folder: string): Promise<() => Promise<void>> {
  const me = await processFacts(process.pid);
  const draft = join(folder, `draft-${randomUUID()}`);
  await writeFile(draft, JSON.stringify({ pid: process.pid, started: me?.started ?? '' }));
  try {
    for (;;) {
      const highest = await highestClaim(folder);
      await refuseLiving(folder, highest);
      const mine = highest + 1;
      if (!(await linked(draft, claimFile(folder, mine)))) continue;
      if ((await highestClaim(folder)) === mine) {
        await sweep(folder, mine);
        return () => giveBack(folder, mine);
      }
      await rm(claimFile(folder, mine), { force: true });
    }
  } finally {
    await rm(draft, { force: true });
  }
}

const claimFile = (folder: string, number: number): string => join(folder, `claim-${String(number)}`);

async function claims(folder: string): Promise<number[]> {
  const names = await readdir(folder);
  return names.flatMap((name) => (/^claim-\d+$/.test(name) ? [Number(name.slice('claim-'.length))] : []));
}

async function highestClaim(folder: string): Promise<number> {
  return Math.max(0, ...(await claims(folder)));
}

async function sweep(folder: string, mine: number): Promise<void> {
  for (const number of await claims(folder)) if (number < mine) await rm(claimFile(folder, number), { force: true });
}

/** Emptied, not removed: its number must stay taken. */
async function giveBack(folder: string, mine: number): Promise<void> {
  const empty = join(folder, `draft-${randomUUID()}`);
  await writeFile(empty, '{}');
  await rename(empty, claimFile(folder, mine));
}

async function refuseLiving(folder: string, number: number): Promise<void> {
  const owner = Owner.safeParse(await readFile(claimFile(folder, number), 'utf8').then(parseJson, () => undefined));
  if (!owner.success || (await processFacts(owner.data.pid))?.started !== owner.data.started) return;
  throw new StartupFault(
    `Another Droppio (process ${String(owner.data.pid)}) uses the database in ${folder}. Stop it, or set DATA_DIR to another folder.`,
  );
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
