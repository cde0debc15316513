import { InvalidSettings } from './env.js';
import { PortTaken } from './listen.js';

interface Stoppable {
  close(reason: string): Promise<void>;
}

/**
 * The frame of every `main.ts`: starts, waits for a signal, stops. Faults that a person can mend (settings, a taken port) are printed as
 * sentences; anything else with its stack. Exit codes: 0 stopped by signal, 1 could not start or died.
 */
export async function runMain(start: () => Promise<Stoppable>): Promise<void> {
  process.on('unhandledRejection', (error) => {
    fail('An unhandled rejection ended the process.', error);
  });
  let running: Stoppable | undefined;
  const signals = { received: false };
  const stop = (signal: NodeJS.Signals): void => {
    if (signals.received) process.exit(1);
    signals.received = true;
    // A signal during start-up: start() has no half-way stop, so the process waits for it and stops right after.
    if (running !== undefined) void running.close(signal).finally(() => process.exit(0));
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    running = await start();
  } catch (error) {
    if (error instanceof InvalidSettings || error instanceof PortTaken || error instanceof StartupFault) {
      process.stderr.write(`${error.message}\n`);
      process.exit(1);
    }
    fail('The process could not start.', error);
  }
  if (signals.received) void running.close('signal during start').finally(() => process.exit(0));
}

/** An error whose message is meant for the person at the terminal: printed without a stack. */
export class StartupFault extends Error {
  override readonly name: string = 'StartupFault';
}

function fail(what: string, error: unknown): never {
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`${what}\n${detail}\n`);
  process.exit(1);
}
