import type { HouseRun } from '../run/house-run.js';
import { kindOf, storiesOf } from '../checker/history.js';
import { unfoundedGaps } from './gaps.js';
import { slowPages } from './turns.js';

export interface Latencies {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
}

export interface Counts {
  readonly tips: number;
  readonly taken: number;
  readonly overlays: number;
  readonly shown: number;
  readonly retractions: number;
  readonly reconnects: number;
  readonly gaps: number;
  readonly again: number;
  readonly closings: ReadonlyMap<number, number>;
}

export interface Shown {
  /** When the tip's block was there. */
  readonly since: number;
  readonly afterMs: number;
}

/** From the node having the block to the alert being shown, tip by tip and overlay by overlay. */
export function shownAfter({ history }: HouseRun): Shown[] {
  const { standing, taken } = history.truth;
  const since = new Map(standing.filter(({ id }) => !taken.has(id)).map((tip) => [tip.id, tip.since]));
  return kindOf(history.entries, 'shown').flatMap(({ id, at }) => {
    const began = since.get(id);
    return began === undefined ? [] : [{ since: began, afterMs: Math.max(0, at - began) }];
  });
}

export function latenciesOf(shown: readonly Shown[]): Latencies {
  const sorted = shown.map(({ afterMs }) => afterMs).sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), most: sorted.at(-1) ?? 0 };
}

export function countsOf(run: HouseRun): Counts {
  const { history } = run;
  const closings = new Map<number, number>();
  for (const { code } of kindOf(history.entries, 'close')) closings.set(code, (closings.get(code) ?? 0) + 1);
  const retractions = history.entries.filter((entry) => entry.kind === 'event' && entry.type === 'tip.retracted').length;
  return {
    tips: history.truth.standing.length,
    taken: history.truth.taken.size,
    overlays: history.overlays.length,
    shown: kindOf(history.entries, 'shown').length,
    retractions,
    reconnects: run.reconnects,
    gaps: kindOf(history.entries, 'gap').length,
    again: storiesOf(history).reduce(
      (sum, { entries }) => sum + repeated(kindOf(entries, 'wire').map(({ epoch, seq }) => `${epoch} ${String(seq)}`)),
      0,
    ),
    closings,
  };
}

const repeated = (places: readonly string[]): number => places.length - new Set(places).size;

/** Its proxies are in the way of everything: a product that waits for them is not to blame. */
const STANDSTILL_MS = 2000;

/** What must have happened, or being green means nothing. */
export function tooLittle(run: HouseRun, isLong: boolean): string[] {
  const counts = countsOf(run);
  const seconds = (run.to - run.from) / 1000;
  const least = (what: string, is: number, atLeast: number): string[] =>
    is >= atLeast ? [] : [`${what}: ${String(Math.round(is))}, and at least ${String(Math.round(atLeast))} are wanted`];
  const silent = storiesOf(run.history).filter(({ entries }) => !entries.some(({ kind }) => kind === 'shown')).length;
  return [
    ...least('scenarios', run.phases.length, 1),
    ...least('bars of goals', run.history.goals.length, 1),
    ...least('processes looked at', new Set(run.history.vitals.map(({ process }) => process)).size, 6),
    ...least('tips', counts.tips, isLong ? seconds * 20 * run.scale * 0.25 : 10),
    ...least('shown', counts.shown, counts.tips),
    ...(silent > run.history.overlays.length / 4 ? [`${String(silent)} overlays have shown nothing at all`] : []),
    ...(run.phases.every(({ effects }) => effects.length > 0) ? [] : ['a scenario saw no effect of what it did']),
    ...(run.standstillMs < STANDSTILL_MS
      ? []
      : [`the harness stood still for ${(run.standstillMs / 1000).toFixed(1)} s, so this machine is too busy to be judged on`]),
    ...slowPages(run.history),
    ...unfoundedGaps(run.history),
  ];
}
