import { runChaos, type ChaosResult } from './chaos-run.js';
import { argumentsFor, checkMutant, MUTANTS, type Mutant } from './mutants.js';
import { countOf } from './verdict.js';

/** Seeds in which a mutant must be found. */
const SEEDS = 24;
const TOGETHER = 6;

export interface MutantVerdict {
  readonly mutant: Mutant;
  readonly isRed: boolean;
  readonly seeds: number;
  readonly seconds: number;
  /** The first thing that was found. */
  readonly finding: string;
}

/** Mutants at once, each with servers of its own: together fewer chains than one group of the ordinary run, which is green with them. */
const AT_ONCE = 2;

/** Checks the checker: each guard that is taken out must turn the run red, within a bounded number of seeds. */
export async function runMutants(seed: number, say: (line: string) => void): Promise<MutantVerdict[]> {
  MUTANTS.forEach(checkMutant);
  const verdicts = new Map<Mutant, MutantVerdict>();
  const waiting = MUTANTS.values();
  const work = async (): Promise<void> => {
    for (const mutant of waiting) verdicts.set(mutant, await judged(mutant, seed, say));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return MUTANTS.flatMap((mutant) => verdicts.get(mutant) ?? []);
}

async function judged(mutant: Mutant, seed: number, say: (line: string) => void): Promise<MutantVerdict> {
  say(`mutant ${mutant.name}: ${mutant.says}`);
  const { emphasis, extraSql = '' } = mutant;
  const told = (line: string): void => {
    say(`mutant ${mutant.name}: ${line}`);
  };
  const order = { seed, runs: SEEDS, together: TOGETHER, emphasis, extraSql, stopWhenRed: true, say: told };
  const result = await runChaos({ ...order, execArgv: argumentsFor(mutant), mustSay: `mutant applied: ${mutant.name}` });
  const isRed = countOf(result.findings) > 0;
  const finding = firstFinding(result);
  say(`mutant ${mutant.name}: ${isRed ? `red, as it must be: ${finding}` : 'SURVIVED'}`);
  return { mutant, isRed, seeds: result.seeds, seconds: result.seconds, finding };
}

/** What tells the most goes first. */
function firstFinding({ findings: { illegal, doubled, invented, lost, other } }: ChaosResult): string {
  return [...illegal, ...doubled, ...invented, ...lost, ...other][0] ?? '';
}

export function mutantTable(verdicts: readonly MutantVerdict[]): string {
  const rows = verdicts.map(
    ({ mutant, isRed, seeds, seconds, finding }) =>
      `| ${mutant.says} | ${isRed ? 'red' : '**survived**'} | ${String(seeds)} | ${seconds.toFixed(0)} s | ${finding.slice(0, 160)} |`,
  );
  return ['| Guard taken out | Run | Seeds | Time | First finding |', '|---|---|---|---|---|', ...rows].join('\n');
}
