import { openFeed } from '@droppio/e2e/houses';
import { runGroup } from './group-run.js';
import { ListenerPool } from './listener-process.js';
import { noFindings, type Findings } from './oracle.js';
import { planOf, type Emphasis } from './scenario.js';
import { Services } from './services.js';
import { Tally } from './tally.js';
import { countOf } from './verdict.js';

export interface ChaosOrder {
  readonly seed: number;
  readonly runs: number;
  /** Chains at once. */
  readonly together: number;
  readonly emphasis?: Emphasis;
  /** Arguments for Node that make the listener a mutant. */
  readonly execArgv?: readonly string[];
  /** What each listener must have said by the time it is loaded. */
  readonly mustSay?: string;
  readonly extraSql?: string;
  /** Ends with the first red group. */
  readonly stopWhenRed?: boolean;
  readonly say?: (line: string) => void;
  /** Told of a red group as soon as it is over: a run may never come to its end. */
  readonly showRed?: (group: RedGroup) => void;
}

export interface RedGroup {
  readonly seed: number;
  readonly runs: number;
  readonly kind: Emphasis;
  readonly findings: Findings;
  readonly output: string;
}

export interface ChaosResult {
  readonly seeds: number;
  readonly tally: Tally;
  readonly red: readonly RedGroup[];
  readonly findings: Findings;
  readonly seconds: number;
}

const running = new Set<Services>();

/** For whoever is told to stop in the middle: the servers end and leave no folder behind. Everything else dies with this process. */
export async function endServers(): Promise<void> {
  await Promise.all([...running].map((services) => services.stop()));
}

/** Runs the seeds, group by group. The servers are shared and end with the run. */
export async function runChaos(order: ChaosOrder): Promise<ChaosResult> {
  const began = Date.now();
  const services = await Services.start();
  running.add(services);
  const pool = new ListenerPool(order.execArgv, order.mustSay);
  const door = await openFeed(services.redis.url);
  const tally = new Tally();
  const red: RedGroup[] = [];
  const findings = noFindings();
  let seeds = 0;
  try {
    for (let first = order.seed; first < order.seed + order.runs; first += order.together) {
      const runs = Math.min(order.together, order.seed + order.runs - first);
      const groupBegan = Date.now();
      const plans = Array.from({ length: runs }, (_, index) => planOf(first + index, order.emphasis));
      const result = await runGroup(plans, { services, pool, feed: door.feed, queue: door.queue, extraSql: order.extraSql ?? '' });
      tally.merge(result.tally);
      seeds += runs;
      for (const kind of ['lost', 'doubled', 'invented', 'illegal', 'other'] as const) findings[kind].push(...result.findings[kind]);
      const faults = countOf(result.findings);
      order.say?.(lineOf(first, runs, faults, Date.now() - groupBegan));
      if (faults === 0) continue;
      const group = { seed: first, runs, kind: order.emphasis ?? 'mixed', findings: result.findings, output: result.output };
      red.push(group);
      order.showRed?.(group);
      if (order.stopWhenRed === true) break;
    }
  } finally {
    await pool.stop();
    await door.context.close();
    await services.stop();
    running.delete(services);
  }
  return { seeds, tally, red, findings, seconds: (Date.now() - began) / 1000 };
}

function lineOf(first: number, runs: number, faults: number, ms: number): string {
  const seeds = runs === 1 ? `seed ${String(first)}` : `seeds ${String(first)}–${String(first + runs - 1)}`;
  return `${seeds}: ${faults === 0 ? 'ok' : `${String(faults)} FAULTS`} in ${(ms / 1000).toFixed(1)} s`;
}
