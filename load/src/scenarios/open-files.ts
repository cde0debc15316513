import { readFileSync } from 'node:fs';
import type { Scenario } from './scenario.js';

const EACH_PROCESS_BESIDES = 200;
const OVERLAYS_A_PROCESS = 2500;

/** What is wrong with this machine for these scenarios, as a sentence; `undefined` when nothing is. Node raises its own soft limit to the hard one. */
export function tooFewFiles(scenarios: readonly Scenario[], limits = readFileSync('/proc/self/limits', 'utf8')): string | undefined {
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(limits)?.[1] ?? 'unlimited';
  if (hard === 'unlimited') return undefined;
  // A gateway may hold all overlays for a moment, when the others are gone.
  const [hungriest] = scenarios
    .map(({ overlays, gateways, name }) => {
      const mostOnOne = Math.max(overlays / Math.max(1, gateways - 1), Math.min(overlays, OVERLAYS_A_PROCESS));
      return { name, needed: Math.ceil(mostOnOne) + EACH_PROCESS_BESIDES };
    })
    .sort((a, b) => b.needed - a.needed);
  if (hungriest === undefined || Number(hard) >= hungriest.needed) return undefined;
  const { name, needed } = hungriest;
  return `A process may open ${hard} files here, and ${name} needs ${String(needed)}: raise the limit with "ulimit -Hn ${String(needed)}" as root, or leave the scenario out.`;
}
