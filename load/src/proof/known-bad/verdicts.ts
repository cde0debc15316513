import type { HousePlan } from '../house/house-plan.js';
import { runHouse } from '../run/house-run.js';
import { SCENARIOS } from '../scenarios/index.js';
import { BAD_BUILDS, checkBuild, optionsFor, type BadBuild } from './builds.js';

/** Long enough for the product, and too long for none of these. */
const PATIENCE_MS = 15_000;

export interface BadVerdict {
  readonly build: BadBuild;
  readonly isRed: boolean;
  /** The first thing that the checker found. */
  readonly finding: string;
  readonly anomalies: number;
}

/** Checks the checker on real processes: each of these builds must be found out by its anomalies, not only by getting stuck. */
export async function judgeBadBuilds(
  plan: Omit<HousePlan, 'nodeOptions' | 'extraSql' | 'kind'>,
  say: (line: string) => void,
  only?: string,
): Promise<BadVerdict[]> {
  const builds = BAD_BUILDS.filter(({ name }) => only === undefined || name === only);
  if (builds.length === 0) throw new Error(`there is no bad build ${String(only)}`);
  builds.forEach(checkBuild);
  const verdicts: BadVerdict[] = [];
  for (const build of builds) {
    say(`bad build ${build.name}: ${build.says}`);
    const left = SCENARIOS.filter(({ number }) => number === build.scenario);
    const run = await runHouse(
      { ...plan, folder: `${plan.folder}/${build.name}`, kind: 'plain', nodeOptions: optionsFor(build), extraSql: build.extraSql },
      { next: () => left.shift(), say, patienceMs: PATIENCE_MS },
    );
    if (!run.output.includes(`bad build: ${build.name}`)) throw new Error(`${build.name}: no process has loaded it`);
    const [first] = run.anomalies;
    const finding = first === undefined ? 'nothing' : `${first.kind}: ${first.what}`;
    say(`bad build ${build.name}: ${first === undefined ? 'SURVIVED' : `red, as it must be: ${finding}`}`);
    verdicts.push({ build, isRed: first !== undefined, finding, anomalies: run.anomalies.length });
  }
  return verdicts;
}

export function badTable(verdicts: readonly BadVerdict[]): string {
  const rows = verdicts.map(
    ({ build, isRed, finding, anomalies }) =>
      `| ${build.says} | ${String(build.scenario)} | ${isRed ? 'red' : '**survived**'} | ${String(anomalies)} | ${finding.slice(0, 140)} |`,
  );
  return ['| Left out | Scenario | Run | Anomalies | First of them |', '|---|---|---|---|---|', ...rows].join('\n');
}
