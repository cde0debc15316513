import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { within } from '@droppio/tips';
import { anvilMissing, DevChainFault } from './anvil-binary.js';

export interface AnvilPlan {
  readonly binary: string;
  readonly args: readonly string[];
  /** What the process calls itself, so that a later start can tell it from a stranger with the same process id. */
  readonly title: string;
  readonly host: string;
  readonly port: number;
  readonly portSetting: string;
  readonly pathSetting: string;
  readonly startTimeoutMs: number;
}

export interface AnvilProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Where it really listens. */
  readonly port: number;
}

const OUTPUT_KEPT = 4000;

/** Starts anvil and waits until it listens. Throws `DevChainFault`; never leaves a process behind when it does. */
export async function startAnvil(plan: AnvilPlan): Promise<AnvilProcess> {
  // A session of its own: Ctrl-C in the terminal must reach the parent, which stops this child in order.
  const child = spawn(plan.binary, plan.args, { argv0: plan.title, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  try {
    const port = await within(plan.startTimeoutMs, 'starting anvil', listening(child, plan));
    // Only the pipes kept the parent alive; whatever anvil still says is read and dropped, so that it never blocks on a full pipe.
    child.unref();
    for (const stream of [child.stdout, child.stderr]) {
      stream.removeAllListeners('data').resume();
      if (stream instanceof Socket) stream.unref();
    }
    if (child.pid === undefined) throw new DevChainFault('anvil has no process id.');
    return { child, pid: child.pid, port };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

async function listening(child: ChildProcess, plan: AnvilPlan): Promise<number> {
  let output = '';
  return new Promise((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      output = (output + chunk.toString('utf8')).slice(-OUTPUT_KEPT);
      const port = /Listening on \S+:(\d+)/.exec(output)?.[1];
      if (port !== undefined) resolve(Number(port));
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('error', (error) => {
      const missing = 'code' in error && error.code === 'ENOENT';
      reject(missing ? anvilMissing(plan.pathSetting) : new DevChainFault('anvil could not be started.', { cause: error }));
    });
    // 'close' and not 'exit': the last words must have been read.
    child.once('close', (code) => {
      reject(endedEarly(output, code, plan));
    });
  });
}

function endedEarly(output: string, code: number | null, plan: AnvilPlan): DevChainFault {
  if (/already in use/i.test(output)) {
    return new DevChainFault(
      `Port ${String(plan.port)} on ${plan.host} is taken by another program. Set ${plan.portSetting} to a free port, or stop that program.`,
    );
  }
  return new DevChainFault(`anvil ended at once with code ${String(code)}: ${output.trim().slice(-500)}`);
}

/** Asks, waits, then insists. Resolves when the child is gone. */
export async function stopChild(child: ChildProcess, patienceMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await within(patienceMs, 'stopping anvil', gone).catch(async () => {
    child.kill('SIGKILL');
    await gone;
  });
}
