import type { Dice } from '../../chaos/dice.js';
import type { Entry, EventEntry } from '../journals/entry.js';
import { LATE_FAULT_MS } from './a-history.js';
import { kindOf, type AnomalyKind, type History } from './history.js';

/** Makes one thing wrong; `undefined`: this history has nothing of that kind to spoil. */
export type Mutation = (history: History, dice: Dice) => History | undefined;

type Shown = Extract<Entry, { kind: 'shown' }>;
type EventOf = Extract<Entry, { kind: 'event' }>;

const replaced = (history: History, entry: Entry, ...by: readonly Entry[]): History => ({
  ...history,
  entries: history.entries.flatMap((other) => (other === entry ? by : [other])).sort((a, b) => a.at - b.at),
});

/** Alerts of tips that stand and were never moved. */
function steady({ truth, entries }: History): Shown[] {
  const stands = new Set(truth.standing.filter(({ id }) => !truth.taken.has(id)).map(({ id }) => id));
  return kindOf(entries, 'shown').filter(({ id }) => stands.has(id));
}

const shownAnd =
  (spoil: (shown: Shown, history: History, dice: Dice) => readonly Entry[] | undefined): Mutation =>
  (history, dice) => {
    const all = steady(history);
    if (all.length === 0) return undefined;
    const entry = dice.pick(all);
    const by = spoil(entry, history, dice);
    return by && replaced(history, entry, ...by);
  };

const eventAnd =
  (fits: (event: EventOf, history: History) => boolean, spoil: (event: EventOf, history: History) => readonly Entry[]): Mutation =>
  (history, dice) => {
    const all = kindOf(history.entries, 'event').filter((event) => fits(event, history));
    if (all.length === 0) return undefined;
    const entry = dice.pick(all);
    return replaced(history, entry, ...spoil(entry, history));
  };

/** Another creator's tip. */
function foreign(who: string, { overlays, owners, truth }: History, dice: Dice): string | undefined {
  const own = overlays.find((overlay) => overlay.who === who)?.creatorId;
  const others = truth.standing.filter(({ wallet }) => owners.get(wallet) !== own);
  return others.length === 0 ? undefined : dice.pick(others).id;
}

/** This overlay as a page, of which is known what it was sent, without one that is not its last. */
function asPage(history: History, who: string): History | undefined {
  const seqs = kindOf(history.entries, 'wire').flatMap((wire) => (wire.who === who ? [wire.seq] : []));
  const missed = Math.max(...seqs) - 1;
  if (missed < 1) return undefined;
  return {
    ...history,
    overlays: history.overlays.map((overlay) => (overlay.who === who ? { ...overlay, kind: 'page' } : overlay)),
    entries: history.entries.filter(
      (entry) =>
        entry.who !== who || (entry.kind !== 'event' && entry.kind !== 'close' && !(entry.kind === 'wire' && entry.seq === missed)),
    ),
  };
}

/** What an alert is when it is folded. */
const cardOf = ({ at, who, tip }: Shown, tips: number, more: bigint): Entry => ({
  at,
  who,
  kind: 'card',
  tips,
  money: (BigInt(tip?.amount ?? 0) + more).toString(),
});

/** A tip to this creator left the chain for good. */
function hasLost(who: string, { overlays, owners, truth }: History): boolean {
  const own = overlays.find((overlay) => overlay.who === who)?.creatorId;
  const stands = new Set(truth.standing.map(({ id }) => id));
  return [...truth.taken.keys()].some((id) => !stands.has(id) && owners.get(truth.ever.get(id)?.wallet ?? '') === own);
}

const isFinalRetract = ({ type, id }: EventEntry, { truth }: History): boolean =>
  type === 'tip.retracted' && !truth.standing.some((tip) => tip.id === id);

/** Next alert of the same overlay, to change places with. */
function neighbour(shown: Shown, history: History): Shown | undefined {
  const own = steady(history).filter(({ who }) => who === shown.who);
  return own[own.indexOf(shown) + 1];
}

export const MUTATIONS: readonly (readonly [AnomalyKind, string, Mutation])[] = [
  ['lost', 'an alert is missing', shownAnd(() => [])],
  ['lost', 'a card counts one tip less than it stands for', shownAnd((shown) => [cardOf(shown, 0, 0n)])],
  ['lost', 'a card is worth less than what it stands for', shownAnd((shown) => [cardOf(shown, 1, -1n)])],
  [
    'duplicate',
    'a card counts what was shown by itself, too',
    shownAnd((shown, history) => (hasLost(shown.who, history) ? undefined : [shown, cardOf(shown, 1, 0n)])),
  ],
  ['duplicate', 'an alert comes twice', shownAnd((shown) => [shown, { ...shown, at: shown.at + 5000 }])],
  [
    'misordered',
    'two alerts change places',
    (history, dice) => {
      const pairs = steady(history).flatMap((shown) => {
        const next = neighbour(shown, history);
        return next === undefined ? [] : [[shown, next] as const];
      });
      if (pairs.length === 0) return undefined;
      const [first, second] = dice.pick(pairs);
      return replaced(replaced(history, first, { ...second, at: first.at }), second, { ...first, at: second.at + 0.1 });
    },
  ],
  [
    'misordered',
    'an event comes a second time to the page',
    eventAnd(
      () => true,
      (event) => [event, { ...event, at: event.at + 0.5 }],
    ),
  ],
  ['phantom', 'an alert of nothing', shownAnd((shown) => [shown, { ...shown, id: `1-0x${'f'.repeat(64)}-0` }])],
  ['altered', 'another amount', shownAnd((shown) => [{ ...shown, ...(shown.tip && { tip: { ...shown.tip, amount: '1' } }) }])],
  ['altered', 'another message', shownAnd((shown) => [{ ...shown, ...(shown.tip && { tip: { ...shown.tip, message: 'paid by me' } }) }])],
  [
    'altered',
    'another sender',
    shownAnd((shown) => [{ ...shown, ...(shown.tip && { tip: { ...shown.tip, from: `0x${'a'.repeat(40)}` } }) }]),
  ],
  ['altered', 'a page draws another text', shownAnd((shown) => [{ ...shown, text: 'somebody tipped something' }])],
  [
    'cross-tenant',
    'somebody else’s alert',
    shownAnd((shown, history, dice) => {
      const id = foreign(shown.who, history, dice);
      return id === undefined ? undefined : [shown, { at: shown.at, who: shown.who, kind: 'shown', id }];
    }),
  ],
  [
    'cross-tenant',
    'somebody else’s event on the wire',
    (history, dice) => {
      const entry = dice.pick(kindOf(history.entries, 'wire'));
      const id = foreign(entry.who, history, dice);
      return id === undefined ? undefined : replaced(history, entry, { ...entry, id, tip: undefined });
    },
  ],
  [
    'seq-disagrees',
    'a number stands for another event here',
    (history, dice) => {
      const entry = dice.pick(kindOf(history.entries, 'wire'));
      return replaced(history, entry, { ...entry, id: `1-0x${'e'.repeat(64)}-0` });
    },
  ],
  [
    'stale-reorged',
    'nobody hears that a tip is gone',
    (history) => {
      const id = [...history.truth.taken.keys()].find((one) => !history.truth.standing.some((tip) => tip.id === one));
      if (id === undefined) return undefined;
      const isGone = (entry: Entry): boolean =>
        (entry.kind === 'event' || entry.kind === 'wire') && entry.id === id && entry.type === 'tip.retracted';
      return { ...history, entries: history.entries.filter((entry) => !isGone(entry)) };
    },
  ],
  [
    'wrong-retract',
    'a tip is taken back that never left',
    eventAnd(
      ({ type, id }, { truth }) => type === 'tip' && !truth.taken.has(id),
      (event) => [event, { ...event, seq: event.seq + 1000, from: event.seq + 1000, type: 'tip.retracted', state: 'orphaned', at: 1e6 }],
    ),
  ],
  [
    'wrong-retract',
    'a tip that came back stays taken back',
    eventAnd(
      ({ type, id }, { truth }) => type === 'tip.updated' && truth.standing.some((tip) => tip.id === id),
      (event) => [event, { ...event, seq: event.seq + 1000, from: event.seq + 1000, type: 'tip.retracted', state: 'orphaned', at: 1e6 }],
    ),
  ],
  [
    'silent-gap',
    'a number is passed over',
    eventAnd(
      ({ seq }) => seq > 1,
      () => [],
    ),
  ],
  [
    'silent-gap',
    'a server admits further on and says nothing',
    (history) => {
      const [entry] = kindOf(history.entries, 'ready').filter(({ first }) => !first);
      return entry && replaced(history, entry, { ...entry, seq: entry.seq + 2 });
    },
  ],
  ['silent-gap', 'a page is never sent one number', (history, dice) => asPage(history, dice.pick(history.overlays).who)],
  ['late-retract', 'a tip is taken back a minute late', eventAnd(isFinalRetract, (event) => [{ ...event, at: event.at + 60_000 }])],
  ['total-mismatch', 'a sum counts a tip twice', (history) => changedTotal(history, (total) => ({ ...total, tips: total.tips + 1 }))],
  ['total-mismatch', 'a sum has another amount', (history) => changedTotal(history, (total) => ({ ...total, amount: `${total.amount}0` }))],
  ['total-mismatch', 'a creator is told of no sum', (history) => ({ ...history, totals: history.totals.slice(1) })],
  [
    'total-mismatch',
    'the bar of a goal has another amount',
    (history) => ({ ...history, goals: history.goals.map((goal) => ({ ...goal, amount: `${goal.amount}0` })) }),
  ],
  ['unrecovered', 'an alert comes while the next fault is on', shownAnd((shown) => [{ ...shown, at: LATE_FAULT_MS + 1 }])],
  ['unrecovered', 'an alert comes half a minute late', shownAnd((shown) => [{ ...shown, at: shown.at + 40_000 }])],
  [
    'leak',
    'a process has more files than it should',
    (history) => ({ ...history, vitals: history.vitals.map((row) => ({ ...row, after: row.before + row.allowed + 1 })) }),
  ],
  ['row-mismatch', 'a creator has no stream', (history) => ({ ...history, streams: history.streams.slice(1) })],
  ['row-mismatch', 'a row is missing', (history, dice) => without(history, dice.pick(history.truth.standing).id)],
  [
    'row-mismatch',
    'a row too many',
    (history) => ({
      ...history,
      tips: [...history.tips, ...history.tips.slice(0, 1).map((row) => ({ ...row, id: `1-0x${'d'.repeat(64)}-0` }))],
    }),
  ],
  ['row-mismatch', 'the same row twice', (history) => ({ ...history, tips: [...history.tips, ...history.tips.slice(0, 1)] })],
  ...(['wallet', 'from', 'token', 'amount', 'message', 'blockHash'] as const).map(
    (field) =>
      [
        'row-mismatch',
        `a row has another ${field}`,
        (history: History, dice: Dice) => changedRow(history, dice.pick(history.truth.standing).id, { [field]: 'other' }),
      ] as const,
  ),
  [
    'row-mismatch',
    'a row has another log index',
    (history, dice) => changedRow(history, dice.pick(history.truth.standing).id, { logIndex: 99 }),
  ],
  [
    'row-mismatch',
    'a tip that stands is lost',
    (history, dice) => changedRow(history, dice.pick(history.truth.standing).id, { state: 'lost' }),
  ],
  [
    'row-mismatch',
    'a tip that is gone counts',
    (history) => {
      const row = history.tips.find(({ state }) => state === 'lost');
      return row && changedRow(history, row.id, { state: 'finalized' });
    },
  ],
  [
    'row-mismatch',
    'a stream has a hole',
    (history, dice) => {
      const missing = dice.pick(history.events);
      return { ...history, events: history.events.filter((event) => event !== missing) };
    },
  ],
  [
    'row-mismatch',
    'a tip is told of as new twice',
    (history) => {
      const event = history.events.find(({ type }) => type === 'tip');
      return event && { ...history, events: [...history.events, { ...event, seq: event.seq + 500 }] };
    },
  ],
  [
    'backlog',
    'an event was never published',
    (history) => ({ ...history, streams: history.streams.map((stream) => ({ ...stream, published: stream.head - 1 })) }),
  ],
  ['backlog', 'a job was given up', (history) => ({ ...history, leftovers: ['{droppio}:relay:failed has 1 jobs'] })],
];

function changedTotal(history: History, change: (total: History['totals'][number]) => History['totals'][number]): History {
  return { ...history, totals: history.totals.map((total, place) => (place === 0 ? change(total) : total)) };
}

function changedRow(history: History, id: string, change: Partial<History['tips'][number]>): History {
  return { ...history, tips: history.tips.map((row) => (row.id === id ? { ...row, ...change } : row)) };
}

const without = (history: History, id: string): History => ({ ...history, tips: history.tips.filter((row) => row.id !== id) });
