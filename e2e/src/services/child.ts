import { spawn, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Child {
  readonly process: ChildProcess;
  readonly pid: number;
  /** Everything it printed, newest 1 MiB. */
  output(): string;
  /** Resolves once the output matches; rejects when it ends or the deadline passes. */
  until(pattern: RegExp, ms: number): Promise<RegExpExecArray>;
  /** Resolves with the exit code (a signal counts as 128). */
  readonly ended: Promise<number>;
  stop(signal?: NodeJS.Signals, ms?: number): Promise<number>;
}

export interface ChildOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly uid?: number;
  readonly gid?: number;
  /** Own process group, as a terminal would give a program. */
  readonly detached?: boolean;
  /** It has children of its own, which outlive it when it is killed (nginx): a group of their own, which is killed as one. */
  readonly family?: boolean;
  /** Print what it prints, each line behind this name. */
  readonly echo?: string | undefined;
  /** A channel for messages, as a supervisor of Node processes opens one. */
  readonly channel?: boolean;
}

const OUTPUT_LIMIT = 1024 * 1024;

/** Starts a program and keeps what it prints. */
export function startChild(
  command: string,
  args: readonly string[],
  { echo, family = false, channel = false, ...options }: ChildOptions = {},
): Child {
  const stdio: ('ignore' | 'pipe' | 'ipc')[] = ['ignore', 'pipe', 'pipe', ...(channel ? ['ipc' as const] : [])];
  const child = spawn(command, args, { ...options, stdio, ...(family ? { detached: true } : {}) });
  let output = '';
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString('utf8')).slice(-OUTPUT_LIMIT);
    if (echo !== undefined) process.stdout.write(chunk.toString('utf8').replace(/^(?=.)/gm, `${echo.padEnd(10)}│ `));
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      resolve(code ?? 128);
    });
  });
  ended.catch(() => undefined);
  // Whoever started it may end without stopping it; nothing may outlive that.
  const kill = (): void => {
    if (family) killGroup(child.pid);
    else child.kill('SIGKILL');
  };
  process.once('exit', kill);
  child.once('close', () => process.off('exit', kill));
  return {
    process: child,
    get pid() {
      return child.pid ?? -1;
    },
    output: () => output,
    until: (pattern, ms) => waitForOutput(command, () => output, ended, pattern, ms),
    ended,
    async stop(signal = 'SIGTERM', ms = 10_000) {
      if (child.exitCode !== null || child.signalCode !== null) return ended;
      if (signal === 'SIGKILL') kill();
      else child.kill(signal);
      const code = await Promise.race([ended, sleep(ms, undefined, { ref: false })]);
      if (code !== undefined) return code;
      kill();
      throw new Error(`${command} did not stop within ${String(ms)} ms of ${signal}:\n${output.slice(-4000)}`);
    },
  };
}

/** Whoever of it is left, its leader or not. */
function killGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // Nobody is left.
  }
}

async function waitForOutput(
  command: string,
  output: () => string,
  ended: Promise<number>,
  pattern: RegExp,
  ms: number,
): Promise<RegExpExecArray> {
  const end = { code: undefined as number | undefined };
  ended.then(
    (code) => (end.code = code),
    () => (end.code = -1),
  );
  const deadline = Date.now() + ms;
  for (;;) {
    const match = pattern.exec(output());
    if (match) return match;
    if (end.code !== undefined)
      throw new Error(`${command} ended with ${String(end.code)} before it printed ${String(pattern)}:\n${output().slice(-4000)}`);
    if (Date.now() > deadline)
      throw new Error(`${command} did not print ${String(pattern)} within ${String(ms)} ms:\n${output().slice(-4000)}`);
    await sleep(10);
  }
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (typeof address === 'object' && address !== null) resolve(address.port);
        else reject(new Error('no port'));
      });
    });
  });
}
