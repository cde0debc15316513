import 'reflect-metadata';
import { InvalidSettings, runCommand } from '@droppio/platform';
import { backfillArgs } from './backfill-args.js';
import { listenerEnv, type ListenerSettings } from './env.js';
import { runBackfill } from './run-backfill.js';

/** The listener's own settings. A standalone without Redis cannot be reached from another process. */
function settings(): ListenerSettings {
  try {
    return listenerEnv();
  } catch (error) {
    if (!(error instanceof InvalidSettings) || !error.faults.some((fault) => fault.startsWith('REDIS_URL is missing'))) throw error;
    throw new InvalidSettings([
      ...error.faults,
      'A backfill shares its work through Redis. A standalone without REDIS_URL needs none: it reads from the startBlock of its chains.',
    ]);
  }
}

await runCommand(async (over) =>
  runBackfill(backfillArgs(process.argv.slice(2)), settings(), over, { out: process.stdout, err: process.stderr }),
);
