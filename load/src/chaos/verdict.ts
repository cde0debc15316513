import { FAULTS } from './fault-kinds.js';
import { FORGERIES } from './forger.js';
import type { Findings } from './oracle.js';
import { FAILPOINTS } from './scenario.js';
import type { Tally } from './tally.js';
import { PAYMENT_WAYS } from './traits.js';

export const countOf = ({ lost, doubled, invented, illegal, other }: Findings): number =>
  [lost, doubled, invented, illegal, other].flat().length;

/** Least that must have happened in a run for each seed, below which "nothing went wrong" says nothing. */
const LEAST_A_SEED = { 'standing:jar': 5, 'chain:reorgs': 1, alerts: 4 } as const;
const LEAST_FAULTS_A_SEED = 4;
/** The same for what only some chains have. */
const LEAST_OF_SOME = {
  'standing:token': 0.5,
  'standing:native': 0.1,
  'chains:quorum': 0.1,
  'chains:transfers': 0.3,
  'chains:confirmations': 0.1,
} as const;
const LEAST_FORGERIES_A_SEED = 0.5;
/** From here on chance has had time to bring up everything. */
export const MANY_SEEDS = 100;
const FEW_SEEDS = 10;
const LEAST_KILLS_A_SEED = 0.05;

/** Sentences about what was missing; none when the torture was one. */
export function tooTame(tally: Tally, seeds: number): string[] {
  if (seeds < FEW_SEEDS) return [];
  const faults: string[] = [];
  const least = (what: string, found: number, wanted: number): void => {
    if (found < wanted)
      faults.push(`only ${String(found)} ${what} over ${String(seeds)} seeds, at least ${String(Math.ceil(wanted))} are wanted`);
  };
  for (const [what, each] of Object.entries(LEAST_A_SEED)) least(what, tally.of(what), each * seeds);
  least('faults', tally.all('fault:'), LEAST_FAULTS_A_SEED * seeds);
  least('kills', tally.of('process:killed'), LEAST_KILLS_A_SEED * seeds);
  if (seeds < MANY_SEEDS) return faults;
  for (const [what, each] of Object.entries(LEAST_OF_SOME)) least(what, tally.of(what), each * seeds);
  least('forgeries', tally.all('forged:'), LEAST_FORGERIES_A_SEED * seeds);
  for (const { name } of FAULTS) least(`× ${name}`, tally.of(`fault:${name}`), 1);
  for (const name of [...FORGERIES, 'bloom', 'range', 'payments']) least(`× forged ${name}`, tally.of(`forged:${name}`), 1);
  for (const way of PAYMENT_WAYS) least(`× paid ${way}`, tally.of(`signed:${way}`), 1);
  for (const name of FAILPOINTS) least(`× ${name}`, tally.of(`failpoint:${name}`), 1);
  for (const what of [
    'staged:zombie',
    'staged:late-commit',
    'process:frozen',
    'chain:flips',
    'chain:splits',
    'chain:rollbacks',
    'chain:resent',
    'promised:pendingLogs',
    'promised:pending',
    'clock:forward',
    'clock:back',
  ])
    least(what, tally.of(what), 1);
  for (const what of ['crash-postgres', 'cut-backends', 'flush-redis', 'restart-redis']) least(what, tally.of(`process:${what}`), 1);
  return faults;
}
