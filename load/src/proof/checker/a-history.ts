import type { Dice } from '../../chaos/dice.js';
import type { Entry, TipFields } from '../journals/entry.js';
import { truthOf } from '../truth/chain-truth.js';
import type { SeenBlock, SeenHead, SeenTip } from '../truth/ledger-of-truth.js';
import type { EventRow, FaultRecord, History, OverlayFacts, StreamRow, TipRow, TotalRow } from './history.js';

/*
 * A run as it should be, made up from one seed: a chain with forks, creators, overlays that come back now and then, and the books that fit.
 * The mutations of the checker's own tests take it from here.
 */
const CREATORS = 3;
const OVERLAYS_EACH = 2;
const BLOCKS = 14;
const BLOCK_MS = 1000;
/** Long after the last block, and after the deadline of everything in it. */
export const LATE_FAULT_MS = 90_000;
const COIN = `0x${'0'.repeat(40)}`;

const hex = (value: number, length: number): string => `0x${value.toString(16).padStart(length, '0')}`;
const walletOf = (creator: number): string => hex(0xc0de00 + creator, 40);

/** A chain in which one fork drops a tip and another one moves one. */
function chainOf(dice: Dice): { readonly blocks: Map<string, SeenBlock>; readonly heads: SeenHead[] } {
  const blocks = new Map<string, SeenBlock>();
  const heads: SeenHead[] = [];
  let nextTip = 1;
  let nextHash = 1;
  let line: SeenBlock[] = [];
  const seal = (at: number, carried: readonly SeenTip[], isHead: boolean): void => {
    const hash = hex(0xb10c0000 + nextHash, 64);
    nextHash += 1;
    const number = line.length;
    const tips = carried.map((tip, logIndex) => ({ ...tip, blockNumber: number, blockHash: hash, logIndex }));
    const block = { number, hash, parentHash: line.at(-1)?.hash ?? hex(0, 64), at, tips };
    blocks.set(hash, block);
    line = [...line, block];
    if (isHead) heads.push({ at, hash });
  };
  const freshTip = (): SeenTip => {
    const id = nextTip;
    nextTip += 1;
    const place = { blockNumber: 0, blockHash: '', logIndex: 0 };
    return {
      id: `1-${hex(id, 64)}-0`,
      wallet: walletOf(id % CREATORS),
      from: hex(id, 40),
      token: COIN,
      amount: String(id * 7),
      message: `tip ${String(id)}`,
      ...place,
    };
  };
  for (let n = 0; n < BLOCKS; n += 1) {
    const at = n * BLOCK_MS;
    seal(at, Array.from({ length: dice.int(2, 5) }, freshTip), true);
    if (n !== 5 && n !== 9) continue;
    // The fifth block loses its first tip for good, the ninth's first comes back behind the others.
    const [first, ...others] = line.at(-1)?.tips ?? [];
    line = line.slice(0, -1);
    seal(at + 400, first === undefined || n === 5 ? others : [...others, first], false);
    seal(at + 400, [], true);
  }
  return { blocks, heads };
}

interface Told {
  readonly event: EventRow;
  readonly at: number;
  readonly tip: TipFields;
}

/** What each creator's stream says, as a product without a fault would write it. */
function streamsOf(story: ReturnType<typeof chainOf>): Told[] {
  const told: Told[] = [];
  const heads = new Map<string, number>();
  const known = new Set<string>();
  const write = (tip: SeenTip, type: string, at: number): void => {
    const creatorId = creatorOf(tip.wallet);
    const seq = (heads.get(creatorId) ?? 0) + 1;
    heads.set(creatorId, seq);
    told.push({ event: { creatorId, seq, type, id: tip.id }, at, tip: fieldsOf(tip) });
  };
  let before: readonly SeenBlock[] = [];
  for (const head of story.heads) {
    const line: SeenBlock[] = [];
    for (let at = story.blocks.get(head.hash); at !== undefined; at = story.blocks.get(at.parentHash)) line.unshift(at);
    const news = line.filter((block) => !before.includes(block));
    const gone = before.filter((block) => !line.includes(block)).flatMap(({ tips }) => tips);
    const back = new Set(news.flatMap(({ tips }) => tips.map(({ id }) => id)));
    for (const tip of gone) if (!back.has(tip.id)) write(tip, 'tip.retracted', head.at + 50);
    for (const tip of news.flatMap(({ tips }) => tips)) {
      write(tip, known.has(tip.id) ? 'tip.updated' : 'tip', head.at + 50);
      known.add(tip.id);
    }
    before = line;
  }
  return told;
}

const creatorOf = (wallet: string): string => `creator-${String(Number(BigInt(wallet) - 0xc0de00n))}`;
const fieldsOf = ({ from, token, amount, message }: SeenTip): TipFields => ({ from, token, amount, message });

export function aHistory(dice: Dice): History {
  const story = chainOf(dice);
  const truth = truthOf(story);
  const told = streamsOf(story);
  const owners = new Map(Array.from({ length: CREATORS }, (_, n) => [walletOf(n), creatorOf(walletOf(n))]));
  const overlays: OverlayFacts[] = [...owners.values()].flatMap((creatorId) =>
    Array.from({ length: OVERLAYS_EACH }, (_, n) => ({ who: `${creatorId}/${String(n)}`, creatorId, kind: 'client' as const })),
  );
  const faults: FaultRecord[] = [
    { scenario: 1, name: 'a fault', from: 3000, to: 4000, withinMs: 10_000 },
    { scenario: 2, name: 'another one, when all is told', from: LATE_FAULT_MS, to: LATE_FAULT_MS + 1000, withinMs: 10_000 },
  ];
  const entries = overlays.flatMap((overlay) => journalOf(overlay, told, dice)).sort((a, b) => a.at - b.at);
  return {
    truth,
    owners,
    listed: new Set([COIN]),
    overlays,
    entries,
    faults,
    ...booksOf(truth, told, owners),
    vitals: vitals(),
    leftovers: [],
  };
}

/** With a lost link somewhere, after which the place is taken up again and a few frames come twice on the wire. */
function journalOf({ who, creatorId }: OverlayFacts, told: readonly Told[], dice: Dice): Entry[] {
  const own = told.filter(({ event }) => event.creatorId === creatorId);
  const breaks = dice.int(1, own.length - 1);
  const entries: Entry[] = [{ at: -500, who, kind: 'ready', epoch: 'e', seq: 0, first: true }];
  let when = 0;
  for (const [place, { event, at, tip }] of own.entries()) {
    when = Math.max(when + 1, at + dice.int(1, 300));
    if (place === breaks) {
      entries.push(
        { at: when, who, kind: 'close', code: 1006 },
        { at: when, who, kind: 'ready', epoch: 'e', seq: event.seq - 1, first: false },
      );
    }
    const state = event.type === 'tip.retracted' ? 'orphaned' : 'confirmed';
    const base = { at: when, who, epoch: 'e', seq: event.seq, from: event.seq, type: event.type, id: event.id, state, tips: 0, tip };
    entries.push({ ...base, kind: 'wire' }, { ...base, kind: 'event' });
    if (place === breaks) entries.push({ ...base, kind: 'wire' });
    if (event.type === 'tip') entries.push({ at: when, who, kind: 'shown', id: event.id, tip });
  }
  return entries;
}

function booksOf(
  truth: History['truth'],
  told: readonly Told[],
  owners: ReadonlyMap<string, string>,
): Pick<History, 'tips' | 'events' | 'streams' | 'totals' | 'goals'> {
  const stands = new Set(truth.standing.map(({ id }) => id));
  const last = new Map([...truth.ever.values(), ...truth.standing].map((tip) => [tip.id, tip]));
  const tips: TipRow[] = [...last.values()].map((tip) => ({ ...tip, state: stands.has(tip.id) ? 'finalized' : 'lost' }));
  const events = told.map(({ event }) => event);
  const streams: StreamRow[] = [...owners.values()].map((creatorId) => {
    const head = events.filter((event) => event.creatorId === creatorId).length;
    return { creatorId, epoch: 'e', head, published: head };
  });
  const totals: TotalRow[] = [...owners.values()].map((creatorId) => {
    const own = truth.standing.filter(({ wallet }) => creatorOf(wallet) === creatorId);
    return { creatorId, tips: own.length, amount: own.reduce((sum, { amount }) => sum + BigInt(amount), 0n).toString() };
  });
  const goals = totals.slice(0, 1).map(({ creatorId, amount }) => ({ who: 'goal-0', creatorId, amount }));
  return { tips, events, streams, totals, goals };
}

const vitals = (): History['vitals'] => [{ process: 'gateway-0', what: 'files', before: 40, after: 44, allowed: 25 }];
