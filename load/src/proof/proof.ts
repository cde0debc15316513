import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findPrograms } from '@droppio/e2e/houses';
import { Dice } from '../chaos/dice.js';
import { HOUSE_KINDS, type HousePlan } from './house/house-plan.js';
import { badTable, judgeBadBuilds } from './known-bad/verdicts.js';
import { tooLittle } from './report/figures.js';
import { page } from './report/page.js';
import { complaints, summary } from './report/summary.js';
import { runHouse, type HouseRun, type Programme } from './run/house-run.js';
import { SCENARIOS } from './scenarios/index.js';
import type { Scenario } from './scenarios/scenario.js';

const CI_SEED = 7;
const CI_SCALE = 0.2;
const HEADING = '# The promise, end to end, under faults';
const PATIENCE_MS = 60_000;

const { values } = parseArgs({
  options: {
    scenario: { type: 'string' },
    seed: { type: 'string' },
    minutes: { type: 'string' },
    scale: { type: 'string' },
    ci: { type: 'boolean', default: false },
    'known-bad': { type: 'boolean', default: false },
    build: { type: 'string' },
    report: { type: 'string' },
    out: { type: 'string' },
    logs: { type: 'string' },
    journals: { type: 'string' },
  },
});
const seed = Number(values.seed ?? (values.ci ? CI_SEED : Math.floor(Math.random() * 1_000_000)));
const scale = Number(values.scale ?? (values.ci ? CI_SCALE : 1));
const minutes = values.minutes === undefined ? undefined : Number(values.minutes);
const command = `npm run proof -- --seed ${String(seed)} --scale ${String(scale)}${flags()}`;
console.log(`proof: ${command}`);

// Every child hangs a listener on the exit.
process.setMaxListeners(0);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const programs = findPrograms();
if (values['known-bad']) {
  const folder = await mkdtemp(join(tmpdir(), 'droppio-proof-'));
  const verdicts = await judgeBadBuilds({ scale, folder, seed, ...programs }, console.log, values.build);
  await rm(folder, { recursive: true, force: true });
  console.log(`\n${badTable(verdicts)}\n`);
  process.exit(verdicts.every(({ isRed }) => isRed) ? 0 : 1);
}

const chosen = choose();
const runs: HouseRun[] = [];
for (const kind of HOUSE_KINDS) {
  const own = chosen.filter((scenario) => scenario.house === kind);
  if (own.length === 0) continue;
  const folder = await mkdtemp(join(tmpdir(), 'droppio-proof-'));
  const plan: HousePlan = { kind, scale, folder, seed, ...programs, nodeOptions: '', extraSql: '' };
  runs.push(await runHouse(plan, minutes === undefined ? oneByOne(own) : mixed(own, minutes)));
  if (values.journals !== undefined) await cp(folder, join(values.journals, kind), { recursive: true });
  await rm(folder, { recursive: true, force: true });
}
const tame = runs.flatMap((run) => tooLittle(run, minutes !== undefined));
const wrong = complaints(runs, tame);
console.log(`\n${summary(runs, command)}\n`);
for (const line of wrong) console.log(`red: ${line}`);
if (values.report !== undefined) await writeFile(values.report, page(runs, command, wrong));
if (values.out !== undefined && wrong.length === 0) await writeFile(values.out, `${HEADING}\n\n${summary(runs, command)}\n`);
if (values.logs !== undefined) await writeFile(values.logs, runs.map(({ output }) => output).join('\n'));
console.log(wrong.length === 0 ? 'green' : 'RED');
process.exit(wrong.length === 0 ? 0 : 1);

function choose(): readonly Scenario[] {
  if (values.scenario !== undefined) {
    const numbers = values.scenario.split(',').map(Number);
    const unknown = numbers.filter((number) => !SCENARIOS.some((scenario) => scenario.number === number));
    if (unknown.length > 0) throw new Error(`there is no scenario ${unknown.join(', ')}`);
    return numbers.flatMap((number) => SCENARIOS.filter((scenario) => scenario.number === number));
  }
  if (values.ci) return SCENARIOS.filter(({ inCi }) => inCi);
  return minutes === undefined ? SCENARIOS : SCENARIOS.filter(({ mixes }) => mixes);
}

function oneByOne(scenarios: readonly Scenario[]): Programme {
  const left = [...scenarios];
  return { next: () => left.shift(), say: console.log, patienceMs: PATIENCE_MS };
}

/** Scenario 28: any of them, in any order, until the time is over. */
function mixed(scenarios: readonly Scenario[], lasts: number): Programme {
  const dice = new Dice(seed).fork(28);
  const end = performance.now() + lasts * 60_000;
  let bag: Scenario[] = [];
  return {
    next: () => {
      if (performance.now() > end) return undefined;
      if (bag.length === 0) bag = dice.shuffled(scenarios);
      return bag.shift();
    },
    say: console.log,
    patienceMs: PATIENCE_MS,
  };
}

function flags(): string {
  return [
    values.scenario === undefined ? '' : ` --scenario ${values.scenario}`,
    values.minutes === undefined ? '' : ` --minutes ${values.minutes}`,
    values.ci ? ' --ci' : '',
  ].join('');
}
