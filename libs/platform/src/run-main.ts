import { InvalidSettings } from './env.js';
import { StartupFault } from './startup-fault.js';
import { tellSupervisor, type Supervised } from './supervisor.js';

interface Stoppable extends Supervised {
  close(reason: string): Promise<void>;
}

/** One Ctrl-C often comes twice, from the terminal to the whole group and from npm to its child; a person's second one comes later. */
const REPEAT_MS = 2000;
/** So nobody is gone before the second one can have come: npm, with nothing left to wait for, would die of it. */
const LEAST_STOP_MS = 200;
/** A start has no half-way stop: it is waited for, but not for ever. */
const START_PATIENCE_MS = 15_000;

/**
 * The frame of every `main.ts`: starts, waits for a signal, stops. Faults that a person can mend (settings, a taken port) are printed as
 * sentences; anything else with its stack. Once it is ready for work it says `ready` to a supervisor that listens. Exit codes: 0 stopped by
 * signal, 1 could not start or died, or was told twice to stop.
 */
export async function runMain(start: () => Promise<Stoppable>): Promise<void> {
  process.on('unhandledRejection', (error) => {
    fail('An unhandled rejection ended the process.', error);
  });
  const state: { running?: Stoppable; toldAtMs?: number } = {};
  const stop = (signal: NodeJS.Signals): void => {
    if (state.toldAtMs !== undefined) {
      if (Date.now() - state.toldAtMs > REPEAT_MS) process.exit(1);
      return;
    }
    state.toldAtMs = Date.now();
    if (process.stderr.isTTY) process.stderr.write('\nStopping…\n');
    if (state.running !== undefined) end(state.running, signal);
    else setTimeout(() => process.exit(1), START_PATIENCE_MS);
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    state.running = await start();
  } catch (error) {
    exitWith(error, 'The process could not start.');
  }
  if (state.toldAtMs !== undefined) end(state.running, 'signal during start');
  else await tellSupervisor(state.running, () => state.toldAtMs !== undefined);
}

function end(running: Stoppable, reason: string): void {
  const echoes = new Promise((resolve) => setTimeout(resolve, LEAST_STOP_MS));
  void Promise.allSettled([running.close(reason), echoes]).finally(() => process.exit(0));
}

/** Ends the process with 1: the sentence of a fault that a person can mend, the stack of anything else. */
export function exitWith(error: unknown, what: string): never {
  if (!(error instanceof InvalidSettings || error instanceof StartupFault)) fail(what, error);
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}

function fail(what: string, error: unknown): never {
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`${what}\n${detail}\n`);
  process.exit(1);
}
