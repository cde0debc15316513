import type { TipFrame, WidgetAnswer } from '@droppio/protocol';
import { formatUnits, HIDDEN_SENDER, shortAddress, tipId, TIP_TTL_MS, widgetQuestion, type Hex, type WidgetOptions } from '@droppio/tips';
import fc from 'fast-check';

export const TOKENS = [`0x${'00'.repeat(20)}`, `0x${'cc'.repeat(20)}`] as const;
export const SENDERS: readonly Hex[] = [`0x${'0a'.repeat(20)}`, `0x${'0b'.repeat(20)}`, `0x${'0c'.repeat(20)}`, HIDDEN_SENDER.from];
export const START_MS = Date.UTC(2026, 10, 23, 12);
const TIPS = 8;

/** What happens to one of a few tips; what cannot happen to it as it stands is passed over. */
export const happening = fc.record({
  tip: fc.nat(TIPS - 1),
  what: fc.constantFrom('tell', 'tell', 'tell', 'settle', 'alter', 'alter', 'retract', 'return'),
  sender: fc.nat(SENDERS.length - 1),
  token: fc.constantFrom<0 | 1>(0, 0, 0, 1),
  // Small ones meet each other, large ones are beyond every float.
  raw: fc.oneof(fc.bigInt({ min: 0n, max: 6n }), fc.bigInt({ min: 0n, max: 2n ** 250n })),
  minute: fc.integer({ min: -90, max: 90 }).map((minute) => minute - (minute % 10)),
  hasNoClock: fc.boolean(),
});
export type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

interface Standing {
  readonly frame: TipFrame;
  /** As the server has it, also where the frame does not tell. */
  readonly atMs: number;
  readonly isLive: boolean;
  readonly isFinal: boolean;
  /** The event that made it stand, since it last did not. */
  readonly since: number;
}

/** The events of a creator and, at each of them, what a count of all tips that stand then gives. */
export class History {
  readonly frames: TipFrame[] = [];
  private readonly standings: ReadonlyMap<number, Standing>[] = [new Map()];

  constructor(happenings: readonly Happening[]) {
    for (const next of happenings) this.add(next);
  }

  /** What the server answers when the stream is at this event. */
  answerAt(seq: number, options: WidgetOptions, limits = { tips: 50, tippers: 100 }): WidgetAnswer {
    const live = [...(this.standings[seq] ?? new Map<number, Standing>()).values()].filter(({ isLive }) => isLive);
    const place = { of: widgetQuestion(options) ?? '', epoch: 'e1', seq, at: START_MS };
    switch (options.widget) {
      case 'alerts':
        return { widget: 'alerts' };
      case 'goal':
        return { ...place, widget: 'goal', ...goalOf(live, options) };
      case 'ticker':
        return { ...place, widget: 'ticker', ...tickerOf(live, options, limits.tips) };
      case 'top':
        return { ...place, widget: 'top', ...topOf(live, options, limits.tippers) };
    }
  }

  private add(next: Happening): void {
    const before = this.standings.at(-1) ?? new Map<number, Standing>();
    const old = before.get(next.tip);
    if (!mayHappen(next.what, old)) return;
    const isNew = old === undefined || next.what === 'alter' || next.what === 'return';
    const atMs = isNew ? START_MS + next.minute * 60_000 : old.atMs;
    const seq = this.frames.length + 1;
    const at = { seen: atMs, ...(!(next.hasNoClock && next.what === 'tell') && { block: atMs }) };
    const state = stateAfter(next.what, old);
    const d = isNew ? toldBy(next) : old.frame.d;
    const frame: TipFrame = { op: 'event', seq, id: d.tipId, type: TYPES[next.what], at, ttlMs: TIP_TTL_MS, state, rev: seq, d };
    const since = old === undefined || next.what === 'return' ? seq : old.since;
    this.frames.push(frame);
    this.standings.push(
      new Map(before).set(next.tip, { frame, atMs, isLive: next.what !== 'retract', isFinal: state === 'finalized', since }),
    );
  }
}

const TYPES = {
  tell: 'tip',
  settle: 'tip.updated',
  alter: 'tip.updated',
  retract: 'tip.retracted',
  return: 'tip.updated',
} as const satisfies Record<Happening['what'], TipFrame['type']>;

function mayHappen(what: Happening['what'], old: Standing | undefined): boolean {
  if (old === undefined) return what === 'tell';
  if (what === 'tell' || (old.isFinal && what !== 'settle')) return false;
  return old.isLive === (what !== 'return');
}

function stateAfter(what: Happening['what'], old: Standing | undefined): string {
  if (what === 'retract') return 'orphaned';
  if (what !== 'settle') return 'confirmed';
  return old?.frame.state === 'safe' ? 'finalized' : 'safe';
}

function toldBy({ tip, sender, token, raw }: Happening): TipFrame['d'] {
  const id = tipId({ chainId: 1 + (tip % 2), txHash: `0x${String(tip % 3).repeat(64)}`, ordinal: tip });
  const from = SENDERS[sender] ?? HIDDEN_SENDER.from;
  const amount = { raw: raw.toString(), decimals: 18, symbol: 'ETH', chainId: 1, token: TOKENS[token] };
  const name = from === HIDDEN_SENDER.from ? HIDDEN_SENDER.name : shortAddress(from);
  return { tipId: id, name, from, amount, message: `m${String(raw)}`, txHash: '0x' };
}

function goalOf(live: readonly Standing[], { goal }: WidgetOptions) {
  const since = goal.since === null ? null : Date.parse(goal.since);
  const counted = live.filter(({ frame, atMs }) => isCounted(frame, goal) && atMs >= (since ?? -Infinity));
  return { since, tips: counted.length, amount: amountOf(counted, goal) };
}

function tickerOf(live: readonly Standing[], { ticker }: WidgetOptions, limit: number) {
  const sorted = [...live].sort((a, b) => b.atMs - a.atMs || b.since - a.since);
  const tips = sorted.slice(0, limit).map(({ frame: { id, d }, atMs }) => ({
    ...{ tipId: id, at: atMs, name: d.name, amount: d.amount },
    message: ticker.showMessages ? d.message : '',
  }));
  return { isWhole: live.length < limit, tips };
}

function topOf(live: readonly Standing[], { top }: WidgetOptions, limit: number) {
  const [since, until] = top.period === 'all' ? [null, null] : [START_MS - 3_600_000, START_MS + 3_600_000];
  const within = live.filter(({ frame, atMs }) => isCounted(frame, top) && atMs >= (since ?? -Infinity) && atMs < (until ?? Infinity));
  const all = SENDERS.filter((from) => from !== HIDDEN_SENDER.from)
    .map((from) => ({ from, theirs: within.filter(({ frame }) => frame.d.from === from) }))
    .filter(({ theirs }) => theirs.length > 0)
    .map(({ from, theirs }) => ({ from, name: shortAddress(from), tips: theirs.length, amount: amountOf(theirs, top) }));
  const tippers = all.sort((a, b) => compare(b.amount, a.amount) || (a.from < b.from ? -1 : 1));
  return { since, until, isWhole: all.length < limit, tippers: tippers.slice(0, limit) };
}

function isCounted({ d }: TipFrame, by: WidgetOptions['goal'] | WidgetOptions['top']): boolean {
  return by.unit === 'usd' || (by.chainId === d.amount.chainId && by.token === d.amount.token);
}

/** A dollar is so many smallest units here, whatever the token. */
function amountOf(counted: readonly Standing[], by: WidgetOptions['goal'] | WidgetOptions['top']): string {
  const raw = counted.reduce((sum, { frame }) => sum + BigInt(frame.d.amount.raw), 0n);
  return by.unit === 'usd' ? formatUnits(raw, 8) : raw.toString();
}

function compare(a: string, b: string): number {
  const [wholeA = '', fractionA = ''] = a.split('.');
  const [wholeB = '', fractionB = ''] = b.split('.');
  const difference = BigInt(wholeA + fractionA.padEnd(8, '0')) - BigInt(wholeB + fractionB.padEnd(8, '0'));
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}
