import { storiesOf, type History, type OverlayStory } from '../checker/history.js';

/** As many alerts as a page lets wait by themselves; more are folded into a card. */
const LINE_MOST = 15;
const WITHIN_MS = 10_000;

export interface Turns {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
}

/**
 * How long an alert has a page to itself: from the moment at which it was there and the one before had left until it has left. What waits longer
 * than that waits for others.
 */
export function turnsOf(history: History): Turns {
  const all = storiesOf(history)
    .filter(({ kind }) => kind === 'page')
    .flatMap(turns)
    .sort((a, b) => a - b);
  const at = (share: number): number => all[Math.min(all.length - 1, Math.floor(all.length * share))] ?? 0;
  return { count: all.length, p50: at(0.5), p90: at(0.9) };
}

function turns({ entries }: OverlayStory): number[] {
  const heardAt = new Map<string, number>();
  const found: number[] = [];
  let free = -Infinity;
  let showing: string | undefined;
  for (const entry of entries) {
    if (entry.kind === 'wire' && !heardAt.has(entry.id)) heardAt.set(entry.id, entry.at);
    // What was on the screen when a page was ended never left it: nobody can tell when its turn was over.
    if (entry.kind === 'shown') showing = showing === undefined && entry.resumed !== true ? entry.id : undefined;
    if (entry.kind !== 'gone') continue;
    const began = showing === undefined ? undefined : heardAt.get(showing);
    if (began !== undefined) found.push(entry.at - Math.max(began, free));
    free = entry.at;
    showing = undefined;
  }
  return found;
}

/** What a full line needs must be within what recovery may take, or a page would be late of its own line and of nothing else. */
export function slowPages(history: History): string[] {
  const { count, p50, p90 } = turnsOf(history);
  const pages = history.overlays.filter(({ kind }) => kind === 'page').length;
  if (count < pages) return [`alerts that pages showed to their end: ${String(count)}, and at least ${String(pages)} are wanted`];
  return p90 * LINE_MOST <= WITHIN_MS
    ? []
    : [
        `an alert took a page ${p50.toFixed(0)} ms (p90 ${p90.toFixed(0)} ms), so a full line takes longer than ${String(WITHIN_MS / 1000)} s`,
      ];
}
