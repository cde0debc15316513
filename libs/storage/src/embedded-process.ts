import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { platform } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { StartupFault } from '@droppio/platform';

const POLL_MS = 20;
const FAST_MS = 10_000;
const IMMEDIATE_MS = 3000;
const KILL_MS = 3000;

/** A process and the proof that it is the same one later: numbers are given out anew, start times are not. */
export interface ProcessFacts {
  readonly pid: number;
  readonly started: string;
  readonly command: string;
}

/** `undefined`: no such process, or one that has ended and waits to be collected. */
export async function processFacts(pid: number): Promise<ProcessFacts | undefined> {
  try {
    if (platform() !== 'linux') {
      // lstart is always 24 characters wide.
      const { stdout } = await promisify(execFile)('ps', ['-o', 'lstart=,command=', '-p', String(pid)], { timeout: 5000 });
      return { pid, started: stdout.slice(0, 24), command: stdout.slice(24).trim() };
    }
    const stat = await readFile(`/proc/${String(pid)}/stat`, 'utf8');
    // The name in parentheses may hold anything: state is the first field after it, the start time the twentieth.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return undefined;
    const command = (await readFile(`/proc/${String(pid)}/cmdline`, 'utf8')).replaceAll('\0', ' ').trim();
    return { pid, started: fields[19] ?? '', command };
  } catch {
    return undefined;
  }
}

async function isSame({ pid, started }: ProcessFacts): Promise<boolean> {
  return (await processFacts(pid))?.started === started;
}

/** Waits until the condition holds; false when the time is over. */
export async function until(ms: number, condition: () => Promise<boolean>): Promise<boolean> {
  for (const end = Date.now() + ms; ;) {
    if (await condition()) return true;
    if (Date.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Ends a server and waits for it: fast shutdown, then immediate, then by force. Signals go to this very process or to none. */
export async function endServer(server: ProcessFacts, limits = { fastMs: FAST_MS, immediateMs: IMMEDIATE_MS }): Promise<void> {
  const steps = [
    ['SIGINT', limits.fastMs],
    ['SIGQUIT', limits.immediateMs],
    ['SIGKILL', KILL_MS],
  ] as const;
  for (const [signal, ms] of steps) {
    if (!(await isSame(server))) return;
    try {
      process.kill(server.pid, signal);
    } catch (error) {
      if (await isSame(server))
        throw new StartupFault(`The database server (process ${String(server.pid)}) cannot be stopped.`, { cause: error });
      return;
    }
    if (await until(ms, async () => !(await isSame(server)))) return;
  }
  throw new StartupFault(`The database server (process ${String(server.pid)}) does not end, not even by force.`);
}

/** The server that works on this cluster, whoever started it: one that outlived its parent, for example. */
export async function runningServer(cluster: string): Promise<ProcessFacts | undefined> {
  const pid = Number((await postmasterFile(cluster))[0]);
  const facts = Number.isInteger(pid) && pid > 1 ? await processFacts(pid) : undefined;
  // After a crash of the machine the number may be anybody's by now.
  return facts?.command.includes(cluster) === true ? facts : undefined;
}

/** Has this server come to accept connections? It says so in the eighth line of its pid file. */
export async function isReady(cluster: string, pid: number): Promise<boolean> {
  const lines = await postmasterFile(cluster);
  return Number(lines[0]) === pid && lines[7]?.trim() === 'ready';
}

async function postmasterFile(cluster: string): Promise<string[]> {
  return readFile(join(cluster, 'postmaster.pid'), 'utf8').then(
    (text) => text.split('\n'),
    () => [],
  );
}
