import { runChaos, type ChaosOrder, type ChaosResult } from './chaos-run.js';
import { countOf } from './verdict.js';
import type { Emphasis } from './scenario.js';

/** What takes two processes at one moment, and the kind of seeds that tries it at every turn. */
const RARE: readonly (readonly [what: string, emphasis: Emphasis])[] = [
  ['staged:zombie', 'zombies'],
  ['staged:late-commit', 'late-commits'],
  ['failpoint:before-reorg-commit', 'torn-reorgs'],
];
const SEEDS = 6;
const ROUNDS = 5;

/**
 * Goes on with seeds of its kind where something rare has not happened in all the others: on a busy machine a commit that is to arrive late
 * is often given up first. Only what was missing is counted from them; what they find counts in full.
 */
export async function encore(order: ChaosOrder, result: ChaosResult): Promise<ChaosResult> {
  const whole = { ...result, red: [...result.red] };
  let seed = order.seed + order.runs;
  for (const [what, emphasis] of RARE) {
    for (let round = 0; round < ROUNDS && whole.tally.of(what) === 0; round += 1, seed += SEEDS) {
      order.say?.(`not seen yet: ${what}; seeds that try it (--emphasis ${emphasis})`);
      const more = await runChaos({ ...order, seed, runs: SEEDS, together: SEEDS, emphasis });
      whole.tally.add(what, more.tally.of(what));
      whole.red.push(...more.red);
      whole.seconds += more.seconds;
      for (const kind of ['lost', 'doubled', 'invented', 'illegal', 'other'] as const) whole.findings[kind].push(...more.findings[kind]);
      if (countOf(more.findings) > 0) return whole;
    }
  }
  return whole;
}
