import { freeSince, kindOf, storiesOf, type Anomaly, type AnomalyKind, type History, type OverlayStory } from './history.js';
import { isSameText, isShownIn } from './texts.js';
import type { TipFields } from '../journals/entry.js';

const short = (id: string): string => id.replace(/0x(\w{8})\w+/, '0x$1…');
const said = (kind: AnomalyKind, who: string, what: string): Anomaly => ({ kind, what: `${who}: ${what}` });

/** The events that the overlay asked for: those behind where it first began. `undefined`: it never got in. */
export function beginningOf({ entries }: OverlayStory): number | undefined {
  return kindOf(entries, 'ready').find(({ first }) => first)?.seq;
}

/** Place in the stream of the event that first told of a tip. */
export function firstSeqs({ events }: History): ReadonlyMap<string, number> {
  const seqs = new Map<string, number>();
  for (const { id, seq, type } of events) if (type === 'tip' && seq < (seqs.get(id) ?? Infinity)) seqs.set(id, seq);
  return seqs;
}

/** Tips that this overlay must have had on its screen. */
export function wantedBy(story: OverlayStory, history: History, seqs = firstSeqs(history)): History['truth']['standing'] {
  const beginning = beginningOf(story);
  const gaps = kindOf(story.entries, 'gap');
  return history.truth.standing.filter((tip) => {
    if (story.answersUntil !== undefined && tip.since > story.answersUntil) return false;
    if (history.owners.get(tip.wallet) !== story.creatorId || !history.listed.has(tip.token)) return false;
    const seq = seqs.get(tip.id);
    // What the database does not have at all is lost for everybody who was there.
    if (seq === undefined || beginning === undefined) return true;
    return seq > beginning && !gaps.some((gap) => gap.from <= seq && seq <= gap.to);
  });
}

export function lost(history: History): Anomaly[] {
  const seqs = firstSeqs(history);
  return storiesOf(history).flatMap((story) => {
    const missing = unshown(story, history, seqs);
    // What comes in a flood is folded into cards, which say how many tips they stand for and, where the client tells it, what those are worth.
    const { tips, money } = cardsOf(story);
    const worth = missing.reduce((sum, { amount }) => sum + BigInt(amount), 0n);
    if (missing.length <= tips && (money === undefined || worth <= money)) return [];
    return missing.map((tip) => said('lost', story.who, `${short(tip.id)} of block ${String(tip.blockNumber)} was never shown`));
  });
}

function unshown(story: OverlayStory, history: History, seqs: ReadonlyMap<string, number>): History['truth']['standing'] {
  const shown = new Set(kindOf(story.entries, 'shown').map(({ id }) => id));
  return wantedBy(story, history, seqs).filter(({ id }) => !shown.has(id));
}

function cardsOf({ entries }: OverlayStory): { readonly tips: number; readonly money: bigint | undefined } {
  const cards = kindOf(entries, 'card');
  const money = cards.reduce<bigint | undefined>(
    (sum, card) => (sum === undefined || card.money === undefined ? undefined : sum + BigInt(card.money)),
    0n,
  );
  return { tips: cards.reduce((sum, { tips }) => sum + tips, 0), money };
}

/** What a card stands for is not on the screen by itself as well. Where a tip left the chain for good, it may have been in a card. */
function foldedTwice(history: History): Anomaly[] {
  const seqs = firstSeqs(history);
  const stands = new Set(history.truth.standing.map(({ id }) => id));
  const gone = [...history.truth.taken.keys()].filter((id) => !stands.has(id));
  const unsure = new Set(gone.map((id) => history.owners.get(history.truth.ever.get(id)?.wallet ?? '')));
  return storiesOf(history).flatMap((story) => {
    const { tips } = cardsOf(story);
    if (tips === 0 || story.kind !== 'client' || unsure.has(story.creatorId)) return [];
    const missing = unshown(story, history, seqs).length;
    const what = `cards stand for ${String(tips)} tips, and ${String(missing)} were not shown by themselves`;
    return tips > missing ? [said('duplicate', story.who, what)] : [];
  });
}

export function duplicate(history: History): Anomaly[] {
  return [...foldedTwice(history), ...shownTwice(history)];
}

function shownTwice(history: History): Anomaly[] {
  return storiesOf(history).flatMap((story) => {
    const times = new Map<string, number>();
    for (const { id, resumed } of kindOf(story.entries, 'shown')) if (resumed !== true) times.set(id, (times.get(id) ?? 0) + 1);
    return [...times]
      .filter(([, count]) => count > 1)
      .map(([id, count]) => said('duplicate', story.who, `${short(id)} was shown ${String(count)} times`));
  });
}

/** In the order of the chain, those that no fork ever moved; and each event behind the one before. */
export function misordered(history: History): Anomaly[] {
  const { standing, taken } = history.truth;
  const places = new Map(standing.filter(({ id }) => !taken.has(id)).map(({ id }, place) => [id, place]));
  return storiesOf(history).flatMap((story) => [...outOfPlace(story, places), ...backwards(story)]);
}

function outOfPlace(story: OverlayStory, places: ReadonlyMap<string, number>): Anomaly[] {
  let last = { place: -1, id: '' };
  return kindOf(story.entries, 'shown').flatMap(({ id, resumed }) => {
    const place = places.get(id);
    if (place === undefined || resumed === true) return [];
    const before = last;
    if (place > last.place) last = { place, id };
    return place < before.place ? [said('misordered', story.who, `${short(id)} was shown after ${short(before.id)}`)] : [];
  });
}

function backwards(story: OverlayStory): Anomaly[] {
  let last = { epoch: '', seq: 0 };
  return kindOf(story.entries, 'event').flatMap(({ epoch, seq }) => {
    const before = last;
    last = { epoch, seq };
    return before.epoch === epoch && seq <= before.seq
      ? [said('misordered', story.who, `event ${String(seq)} came after ${String(before.seq)}`)]
      : [];
  });
}

export function phantom(history: History): Anomaly[] {
  return storiesOf(history).flatMap((story) =>
    kindOf(story.entries, 'shown')
      .filter(({ id }) => !history.listed.has(history.truth.ever.get(id)?.token ?? ''))
      .map(({ id }) => said('phantom', story.who, `${short(id)} was shown and is no tip in any money on the chain`)),
  );
}

export function altered(history: History): Anomaly[] {
  return storiesOf(history).flatMap((story) =>
    story.entries.flatMap((entry) => {
      if (entry.kind !== 'shown' && entry.kind !== 'event' && entry.kind !== 'wire') return [];
      const truth = history.truth.ever.get(entry.id);
      if (truth === undefined) return [];
      const isRight =
        (entry.tip === undefined || isSame(entry.tip, truth)) &&
        (entry.kind !== 'shown' || entry.text === undefined || isShownIn(entry.text, truth.message));
      return isRight ? [] : [said('altered', story.who, `${short(entry.id)} is not what was paid: ${JSON.stringify(entry)}`)];
    }),
  );
}

function isSame(told: TipFields, truth: TipFields): boolean {
  return told.from === truth.from && told.token === truth.token && told.amount === truth.amount && isSameText(told.message, truth.message);
}

export function crossTenant(history: History): Anomaly[] {
  return storiesOf(history).flatMap((story) => {
    const strange = new Set<string>();
    for (const entry of story.entries) {
      if (entry.kind !== 'shown' && entry.kind !== 'event' && entry.kind !== 'wire') continue;
      const truth = history.truth.ever.get(entry.id);
      if (truth !== undefined && history.owners.get(truth.wallet) !== story.creatorId) strange.add(entry.id);
    }
    return [...strange].map((id) => said('cross-tenant', story.who, `${short(id)} was paid to somebody else`));
  });
}

/** A tip must be on the screen within ten seconds, or as long after the fault in its way was healed. */
export function unrecovered(history: History): Anomaly[] {
  const seqs = firstSeqs(history);
  const { taken } = history.truth;
  return storiesOf(history).flatMap((story) => {
    const shownAt = firstTimes(kindOf(story.entries, 'shown'));
    const heardAt = firstTimes(kindOf(story.entries, 'wire'));
    return wantedBy(story, history, seqs).flatMap((tip) => {
      const at = shownAt.get(tip.id);
      // What a fork moved was perhaps on the screen before.
      if (at === undefined || taken.has(tip.id)) return [];
      const latest = freeSince(tip.since, at, history.faults);
      if (at <= latest) return [];
      const heard = heardAt.get(tip.id);
      const told = heard === undefined ? '' : ` (heard of after ${seconds(heard - tip.since)})`;
      return [
        said(
          'unrecovered',
          story.who,
          `${short(tip.id)} was shown ${seconds(at - tip.since)} after its block${told}, ${seconds(at - latest)} too late`,
        ),
      ];
    });
  });
}

function firstTimes(entries: readonly { readonly id: string; readonly at: number }[]): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  for (const { id, at } of entries) if (!times.has(id)) times.set(id, at);
  return times;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
