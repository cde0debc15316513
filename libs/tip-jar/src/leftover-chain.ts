import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { DevChainFault } from './anvil-binary.js';

/** Which process serves a state file: kept next to it, so that the start after a crash finds a child that lost its parent. */
export interface Occupant {
  readonly pid: number;
  readonly parent: number;
  readonly rpcUrl: string;
}

const POLL_MS = 20;
const PATIENCE_MS = 5000;
const run = promisify(execFile);

export async function noteOccupant(file: string, occupant: Occupant): Promise<void> {
  await writeFile(file, `${JSON.stringify(occupant)}\n`);
}

export async function forgetOccupant(file: string): Promise<void> {
  await rm(file, { force: true });
}

/** The noted process if it still runs and its parent does not. Throws `DevChainFault` when the parent is alive: the state is in use. */
export async function findOrphan(file: string, title: string): Promise<Occupant | undefined> {
  const noted = await readOccupant(file);
  if (noted === undefined) return undefined;
  const running = await inspect(noted.pid);
  // Process ids are reused: a process that does not carry our title is a stranger and is left alone.
  if (running?.command.startsWith(title) !== true) return undefined;
  if (running.parent === noted.parent) {
    throw new DevChainFault(
      `The local chain is already running (process ${String(noted.pid)}), started by process ${String(noted.parent)}. Stop that one first.`,
    );
  }
  return noted;
}

export async function stopOrphan(pid: number): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (!send(pid, signal)) return;
    for (let waited = 0; waited < PATIENCE_MS; waited += POLL_MS) {
      if (!send(pid, 0)) return;
      await sleep(POLL_MS);
    }
  }
  throw new DevChainFault(`A local chain left over from an earlier run (process ${String(pid)}) does not stop. Stop it by hand.`);
}

async function readOccupant(file: string): Promise<Occupant | undefined> {
  try {
    const noted: unknown = JSON.parse(await readFile(file, 'utf8'));
    return isOccupant(noted) ? noted : undefined;
  } catch {
    // Not there, or half written by a machine that lost power: then nothing of ours can still run.
    return undefined;
  }
}

function isOccupant(noted: unknown): noted is Occupant {
  if (typeof noted !== 'object' || noted === null || !('pid' in noted && 'parent' in noted && 'rpcUrl' in noted)) return false;
  return Number.isSafeInteger(noted.pid) && Number(noted.pid) > 1 && Number.isSafeInteger(noted.parent) && typeof noted.rpcUrl === 'string';
}

async function inspect(pid: number): Promise<{ command: string; parent: number } | undefined> {
  if (!send(pid, 0)) return undefined;
  try {
    if (process.platform !== 'linux') {
      const { stdout } = await run('ps', ['-o', 'ppid=,command=', '-p', String(pid)]);
      const [, parent, command] = /^\s*(\d+)\s+(.*)$/m.exec(stdout) ?? [];
      return command === undefined ? undefined : { command, parent: Number(parent) };
    }
    const command = (await readFile(`/proc/${String(pid)}/cmdline`, 'utf8')).replaceAll('\0', ' ');
    const parent = /^PPid:\s*(\d+)$/m.exec(await readFile(`/proc/${String(pid)}/status`, 'utf8'))?.[1];
    return { command, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
