import { freeSince, kindOf, storiesOf, type Anomaly, type History, type OverlayStory } from './history.js';
import type { Entry, EventEntry } from '../journals/entry.js';

const STANDS = new Set(['confirmed', 'safe', 'finalized', 'seen']);
const PATIENCE_MS = 30_000;
const short = (id: string): string => id.replace(/0x(\w{8})\w+/, '0x$1…');

/** Each number of a creator's stream stands for the same event wherever it was told, and in the database. */
export function seqDisagrees(history: History): Anomaly[] {
  const known = new Map<string, string>();
  const epochs = new Map(history.streams.map(({ creatorId, epoch }) => [creatorId, epoch]));
  for (const { creatorId, seq, type, id } of history.events)
    known.set(`${creatorId} ${epochs.get(creatorId) ?? ''} ${String(seq)}`, `${type} ${id}`);
  const found: Anomaly[] = [];
  for (const story of storiesOf(history)) {
    for (const event of eventsOf(story)) {
      if (!event.type.startsWith('tip')) continue;
      const place = `${story.creatorId} ${event.epoch} ${String(event.seq)}`;
      const told = `${event.type} ${event.id}`;
      const before = known.get(place);
      if (before === undefined) known.set(place, told);
      else if (before !== told)
        found.push({ kind: 'seq-disagrees', what: `${story.who}: ${String(event.seq)} is ${short(told)}, elsewhere ${short(before)}` });
    }
  }
  return found;
}

function eventsOf({ entries }: OverlayStory): EventEntry[] {
  return entries.filter((entry): entry is EventEntry => entry.kind === 'event' || entry.kind === 'wire');
}

/** The last word about each tip that was shown here. */
function lastWords(story: OverlayStory): Map<string, { readonly stands: boolean; readonly at: number }> {
  const words = new Map<string, { stands: boolean; at: number; seq: number }>();
  for (const { id, type, state, at, seq } of eventsOf(story)) {
    if (!type.startsWith('tip')) continue;
    const before = words.get(id);
    if (before === undefined || seq >= before.seq) words.set(id, { stands: type !== 'tip.retracted' && STANDS.has(state), at, seq });
  }
  return words;
}

/** In the end, no screen stands by a tip that the chain took back. */
export function staleReorged(history: History): Anomaly[] {
  const standing = new Set(history.truth.standing.map(({ id }) => id));
  return storiesOf(history).flatMap((story) => {
    const words = lastWords(story);
    const shown = new Set(kindOf(story.entries, 'shown').map(({ id }) => id));
    return [...shown]
      .filter((id) => history.truth.ever.has(id) && !standing.has(id) && words.get(id)?.stands !== false)
      .map((id) => ({ kind: 'stale-reorged', what: `${story.who}: ${short(id)} is gone from the chain and was not taken back` }) as const);
  });
}

/** Nothing is taken back that the chain did not take back, or has given again. */
export function wrongRetract(history: History): Anomaly[] {
  const { standing, taken } = history.truth;
  const stands = new Set(standing.map(({ id }) => id));
  return storiesOf(history).flatMap((story) => {
    const unfounded = new Set(
      eventsOf(story)
        .filter(({ type, id }) => type === 'tip.retracted' && stands.has(id) && !taken.has(id))
        .map(({ id }) => id),
    );
    const final = [...lastWords(story)].filter(([id, { stands: isTold }]) => !isTold && stands.has(id) && taken.has(id)).map(([id]) => id);
    return [
      ...[...unfounded].map((id) => ({ kind: 'wrong-retract', what: `${story.who}: ${short(id)} never left the chain` }) as const),
      ...final.map((id) => ({ kind: 'wrong-retract', what: `${story.who}: ${short(id)} stands and counts as taken back` }) as const),
    ];
  });
}

/** Numbers are passed over only aloud, those at the end of the stream among them. */
export function silentGap(history: History): Anomaly[] {
  const heads = new Map(history.streams.map(({ creatorId, head }) => [creatorId, head]));
  return storiesOf(history).flatMap((story) => {
    const { found, place } = passedOver(story);
    const head = heads.get(story.creatorId);
    if (story.kind === 'client' && story.answersUntil === undefined && place !== undefined && head !== undefined && place < head)
      found.push(`ends at ${String(place)}, and the stream at ${String(head)}`);
    if (story.kind === 'page') found.push(...unheard(story));
    return found.map((what) => ({ kind: 'silent-gap', what: `${story.who}: ${what}` }) as const);
  });
}

/** A page is asked nothing: of it is known what it was sent, perhaps more than once. */
function unheard({ entries }: OverlayStory): string[] {
  const found: string[] = [];
  let at: Place | undefined;
  for (const entry of entries) {
    if (entry.kind === 'gap') at &&= { ...at, seq: Math.max(at.seq, entry.to) };
    if (entry.kind !== 'ready' && entry.kind !== 'wire') continue;
    const { epoch, seq } = entry;
    const before: number = at?.epoch === epoch ? at.seq : -1;
    if (entry.kind === 'wire' && before >= 0 && entry.from - 1 > before)
      found.push(`was sent ${String(entry.from)} after ${String(before)}`);
    at = { epoch, seq: Math.max(before, seq) };
  }
  return found;
}

interface Place {
  readonly epoch: string;
  readonly seq: number;
}

function passedOver({ entries }: OverlayStory): { readonly found: string[]; readonly place: number | undefined } {
  const found: string[] = [];
  let at: Place | undefined;
  for (const entry of entries) {
    const before = at;
    at = placeAfter(entry, before);
    if (before === undefined || startsAnew(entry, before) || (entry.kind !== 'ready' && entry.kind !== 'event')) continue;
    // An admission says what counts as dealt with, an event what it stands for.
    const done = entry.kind === 'ready' ? entry.seq : entry.from - 1;
    if (done > before.seq) found.push(`goes on behind ${String(done)} and had ${String(before.seq)}`);
  }
  return { found, place: at?.seq };
}

function placeAfter(entry: Entry, before: Place | undefined): Place | undefined {
  if (entry.kind === 'gap') return before && { ...before, seq: Math.max(before.seq, entry.to) };
  if (entry.kind !== 'ready' && entry.kind !== 'event') return before;
  const { epoch, seq } = entry;
  return entry.kind === 'event' || before === undefined || startsAnew(entry, before) ? { epoch, seq } : before;
}

/** Numbered anew, or by somebody who begins. */
function startsAnew(entry: Entry, { epoch }: Place): boolean {
  return (entry.kind === 'ready' && (entry.first || entry.epoch !== epoch)) || (entry.kind === 'event' && entry.epoch !== epoch);
}

/** Thirty seconds after our node knew, or after the fault in the way was healed, what was shown is taken back. */
export function lateRetract(history: History): Anomaly[] {
  const standing = new Set(history.truth.standing.map(({ id }) => id));
  return storiesOf(history).flatMap((story) => {
    const shown = new Map(kindOf(story.entries, 'shown').map(({ id, at }) => [id, at]));
    const retracted = new Map<string, number>();
    for (const { type, id, at } of eventsOf(story)) if (type === 'tip.retracted') retracted.set(id, at);
    return [...history.truth.taken].flatMap(([id, times]) => {
      const shownAt = shown.get(id);
      const at = retracted.get(id);
      const takenAt = times.at(-1);
      if (standing.has(id) || shownAt === undefined || at === undefined || takenAt === undefined) return [];
      const begin = Math.max(takenAt, shownAt);
      const latest = Math.max(begin + PATIENCE_MS, freeSince(begin, at, history.faults, PATIENCE_MS));
      return at <= latest
        ? []
        : [{ kind: 'late-retract', what: `${story.who}: ${short(id)} was taken back ${((at - begin) / 1000).toFixed(1)} s late` } as const];
    });
  });
}
