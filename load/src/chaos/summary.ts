import type { ChaosOrder, ChaosResult } from './chaos-run.js';
import { machine } from '../machine.js';
import type { Tally } from './tally.js';

/** What a run did, for a person: the same text goes to the terminal and into `docs/proof/`. */
export function summary(
  order: ChaosOrder,
  { seeds, tally, findings, seconds }: ChaosResult,
  versions: Readonly<Record<string, string>>,
): string {
  const zero = (['lost', 'doubled', 'invented', 'illegal'] as const)
    .map((kind) => `**${String(findings[kind].length)} ${kind}**`)
    .join(', ');
  const plain = (name: string): string => String(tally.of(name));
  const rows: readonly (readonly [string, string])[] = [
    ['Seeds', `${String(seeds)}, from ${String(order.seed)}, ${String(order.together)} chains at once`],
    ['Result', `${zero}, ${String(findings.other.length)} other faults`],
    ['Duration', `${seconds.toFixed(0)} s, ${(seconds / Math.max(1, seeds)).toFixed(2)} s a seed`],
    ['Tips', `${listed(tally, 'signed:')} signed; ${listed(tally, 'standing:')} standing at the end, ${plain('alerts')} alerts`],
    ['Chains that ask for', listed(tally, 'chains:')],
    ['Blocks at the end', plain('blocks')],
    [
      'Reorgs',
      `${plain('chain:reorgs')}, deepest ${plain('chain:deepest')} blocks; ${plain('chain:flips')} flips back, ${plain('chain:splits')} splits between providers, ${plain('chain:rollbacks')} rollbacks`,
    ],
    ['Reorgs by depth', listed(tally, 'depth:')],
    ['Transactions of replaced blocks', `${listed(tally, 'fate:')}; ${plain('chain:resent')} sent again`],
    ['Told before their block', listed(tally, 'promised:')],
    ['Held and let through by a person', plain('moderation:approved')],
    ['Forged by one of three', listed(tally, 'forged:')],
    ['Faults of endpoints', `${String(tally.all('fault:'))}: ${listed(tally, 'fault:')}`],
    ['Processes', listed(tally, 'process:')],
    ['Clocks put', listed(tally, 'clock:')],
    ['Struck at', listed(tally, 'failpoint:')],
    ['Staged', listed(tally, 'staged:')],
    [
      'At rest',
      `${listed(tally, 'end:')}; ${plain('rest:needed a block')} needed one more block to settle; slowest settling ${plain('slowest settling, ms')} ms`,
    ],
  ];
  const table = rows.map(([name, text]) => `| ${name} | ${text} |`).join('\n');
  return `${machine(versions)}\n\n| | |\n|---|---|\n${table}\n`;
}

function listed(tally: Tally, prefix: string): string {
  return tally
    .list(prefix)
    .map(([name, count]) => `${name} ${String(count)}`)
    .join(', ');
}
