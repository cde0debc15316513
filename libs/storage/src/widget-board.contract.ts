import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import {
  HIDDEN_SENDER,
  NATIVE_TOKEN,
  parseUnits,
  SHOW_EVERYTHING,
  tipId,
  TOP_PERIODS,
  type BlockHeader,
  type CreatorEvent,
  type Hex,
  type ModerationRules,
  type SightedTip,
  type TipDisplay,
} from '@droppio/tips';
import { aBlock, aChildOf, aTip, randomHex } from '@droppio/tips/testing';
import { FOLDS, RollUp } from './roll-up.js';
import { aChainId, aCommit, aCreator, walletOf } from './testing/chain-story.js';
import type { TestStorage } from './testing/index.js';
import { NEWEST_FIRST } from './widget-statements.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const SENDERS: readonly Hex[] = [randomHex(20), randomHex(20), randomHex(20)];
const TOKENS: readonly Hex[] = [NATIVE_TOKEN, randomHex(20)];
const RULES: readonly Partial<ModerationRules>[] = [{}, { mode: 'hold' }, { hideSenders: true }, { maxMessageChars: 0 }];
const nth = <T>(all: readonly T[], n: number): T => all[n % all.length] ?? (all[0] as T);
const Text = z.object({ row: z.string() });

const planned = fc.record({ wallet: fc.nat(1), sender: fc.nat(2), token: fc.nat(1), amount: fc.bigInt({ min: 0n, max: 2n ** 250n }) });
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('commit' as const), tips: fc.array(planned, { maxLength: 4 }), hours: fc.nat(30) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('reorg' as const), depth: fc.integer({ min: 1, max: 3 }), again: fc.nat(3) }) },
  fc.record({ kind: fc.constant('finalize' as const), depth: fc.nat(2) }),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('value' as const), which: fc.nat(20), cents: fc.option(fc.nat(99_999)) }) },
  fc.record({ kind: fc.constant('fold' as const), at: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant('rules' as const), which: fc.nat(3) }),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('approve' as const), which: fc.nat(20) }) },
  fc.record({ kind: fc.constant('erase' as const), which: fc.nat(20) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
type Planned = typeof planned extends fc.Arbitrary<infer T> ? T : never;

export function describeWidgetBoard(where: string, make: () => Promise<TestStorage>): void {
  describe(`WidgetBoard on ${where}`, () => {
    let storage: TestStorage;

    beforeAll(async () => {
      storage = await make();
    });
    afterAll(async () => {
      await storage.drop();
    });

    it('counts what somebody who heard every event would count, at any point of any story', { timeout: 60_000 }, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 16 }), async (steps) => {
          const story = await Story.begin(storage);
          for (const next of steps) {
            await story.take(next);
            await story.check();
          }
        }),
        { numRuns: Number(process.env['DROPPIO_MODEL_RUNS'] ?? 15), examples: [[TELLING]] },
      );
    });

    it('knows nothing of strangers', async () => {
      expect(await storage.board.goal('no uuid', 'usd', 0)).toBeUndefined();
      expect(await storage.board.ticker('11111111-1111-4111-8111-111111111111', 5)).toBeUndefined();
      expect(await storage.board.top('no uuid', 'usd', 'all', 5)).toBeUndefined();
    });

    it('names the places behind the first when some of them have sunk since they were summed up', async () => {
      const story = await Story.begin(storage);
      const many = Array.from({ length: 8 }, (_, n) => ({ sender: randomHex(20), amount: BigInt(100 - n) }));
      await story.senders(many.slice(0, 4));
      const before = story.head();
      await story.senders(many.slice(4));
      await new RollUp(storage.database, FOLDS).catchUp();
      // Four of them are gone, in notes alone.
      await story.rewind(before);
      const top = await storage.board.top(story.creatorId, { chainId: story.chainId, token: NATIVE_TOKEN }, 'all', 3);
      expect(top?.tippers.map(({ amount }) => amount)).toEqual(['100', '99', '98']);
      expect(top?.isWhole).toBe(false);
    });

    it('drops sums of days that are over, and keeps those of all days', async () => {
      const story = await Story.begin(storage, Date.now() - 90 * DAY);
      await story.senders([{ sender: randomHex(20), amount: 5n }]);
      await new RollUp(storage.database, FOLDS).catchUp();
      const spans = await storage.database.rows(Text, `SELECT DISTINCT span AS row FROM widget_sums WHERE creator_id = $1 ORDER BY 1`, [
        story.creatorId,
      ]);
      expect(spans.map(({ row }) => row)).toEqual(['all', 'hour']);
    });

    it('keeps nothing of a creator who is gone', async () => {
      const story = await Story.begin(storage);
      await story.senders([{ sender: randomHex(20), amount: 5n }]);
      await new RollUp(storage.database, FOLDS).catchUp();
      await story.senders([{ sender: randomHex(20), amount: 5n }]);
      await storage.database.run('DELETE FROM creators WHERE id = $1', [story.creatorId]);
      await new RollUp(storage.database, FOLDS).catchUp();
      const left = `SELECT creator_id::text AS row FROM widget_sums WHERE creator_id = $1 UNION ALL SELECT creator_id::text FROM widget_notes WHERE creator_id = $1`;
      expect(await storage.database.rows(Text, left, [story.creatorId])).toEqual([]);
    });
  });
}

/** One story that comes before the random ones. */
const tip = { wallet: 0, sender: 0, token: 0, amount: 5n };
const TELLING: Step[] = [
  { kind: 'commit', hours: 1, tips: [tip, { ...tip, sender: 1 }, { ...tip, token: 1, amount: 2n ** 250n }, { ...tip, wallet: 1 }] },
  { kind: 'value', which: 0, cents: 1234 },
  { kind: 'fold', at: 2 },
  { kind: 'value', which: 1, cents: 99 },
  { kind: 'rules', which: 2 },
  { kind: 'commit', hours: 3, tips: [tip, { ...tip, sender: 2 }] },
  { kind: 'reorg', depth: 1, again: 1 },
  { kind: 'rules', which: 1 },
  { kind: 'commit', hours: 1, tips: [tip] },
  { kind: 'approve', which: 6 },
  { kind: 'erase', which: 0 },
  { kind: 'reorg', depth: 2, again: 3 },
  { kind: 'finalize', depth: 0 },
  { kind: 'value', which: 5, cents: 7 },
];

class Story {
  readonly chainId = aChainId();
  private readonly headers: BlockHeader[];
  private readonly tips: SightedTip[] = [];
  private hides = false;

  private constructor(
    private readonly storage: TestStorage,
    readonly creatorId: string,
    private readonly wallets: readonly Hex[],
    startMs: number,
  ) {
    this.headers = [aBlock({ number: 1000, timestampMs: startMs })];
  }

  static async begin(storage: TestStorage, startMs = Date.now() - 3 * DAY): Promise<Story> {
    const [creator, other] = [await aCreator(storage), await aCreator(storage)];
    const story = new Story(storage, creator.id, [walletOf(creator), walletOf(other)], startMs);
    await storage.ledger.begin(story.chainId, story.head(), 1);
    return story;
  }

  head(): BlockHeader {
    return nth(this.headers, this.headers.length - 1);
  }

  async senders(tips: readonly { readonly sender: Hex; readonly amount: bigint }[]): Promise<void> {
    const made = tips.map(({ sender, amount }) => aTip({ creator: nth(this.wallets, 0), from: sender, amount }));
    await this.commit(aChildOf(this.head()), made);
  }

  async rewind(ancestor: BlockHeader): Promise<void> {
    const from = this.head();
    const block = aChildOf(ancestor);
    await this.storage.ledger.reorganise(this.chainId, 1, { from, ancestor, branch: [aCommit(block)] });
    this.headers.push(block);
  }

  async take(next: Step): Promise<void> {
    const { ledger, database, moderation } = this.storage;
    if (next.kind === 'commit') await this.told(next.tips, this.head().timestampMs + next.hours * HOUR);
    else if (next.kind === 'reorg') await this.reorganise(next.depth, next.again);
    else if (next.kind === 'finalize') {
      const at = this.headers.at(-1 - next.depth);
      if (at !== undefined) await ledger.finalize(this.chainId, 1, { finalized: at });
    } else if (next.kind === 'fold') await Promise.all(Array.from({ length: next.at }, () => new RollUp(database, FOLDS).catchUp()));
    else if (next.kind === 'value') await this.value(next.which, next.cents);
    else if (next.kind === 'rules') {
      this.hides = next.which === 2;
      await moderation.setRules(this.creatorId, 'any', { ...SHOW_EVERYTHING, ...nth(RULES, next.which) });
    } else {
      const key = this.keyOf(next.which);
      if (key === undefined) return;
      if (next.kind === 'approve') await moderation.approve(this.creatorId, key).catch(() => undefined);
      else await this.storage.account.eraseMessage(this.creatorId, key);
    }
    await ledger.screen(this.creatorId);
  }

  /** Every reading, against the events and the tips as they are. */
  async check(): Promise<void> {
    const { board, ledger } = this.storage;
    const live = countedOf(await ledger.eventsAfter(this.creatorId, 0, 1000));
    const rows = await this.storage.database.rows(Facts, FACTS, [this.creatorId]);
    const facts = new Map(rows.map((row) => [row.id, row]));
    const all = [...live].map(([id, shown]) => ({ id, shown, atMs: facts.get(id)?.at_ms ?? -1, usd: facts.get(id)?.usd ?? null }));
    const position = await ledger.position(this.creatorId);
    for (const sinceMs of [
      0,
      this.head().timestampMs,
      nth(this.headers, 1).timestampMs - 1,
      nth(this.headers, 0).timestampMs + 90 * 60_000,
    ]) {
      const since = all.filter(({ atMs }) => atMs >= sinceMs);
      for (const token of TOKENS) {
        const ofToken = since.filter(({ shown }) => shown.amount.token === token);
        const read = await board.goal(this.creatorId, { chainId: this.chainId, token }, sinceMs);
        expect(read).toMatchObject({ position, tips: ofToken.length, amount: sum(ofToken.map(({ shown }) => BigInt(shown.amount.raw))) });
      }
      const usd = since.flatMap((one) => one.usd ?? []);
      const read = await board.goal(this.creatorId, 'usd', sinceMs);
      expect([read?.tips, parseUnits(read?.amount ?? '', 8)]).toEqual([usd.length, BigInt(sum(usd.map(cents)))]);
    }
    const ticker = await board.ticker(this.creatorId, 100);
    const newest = [...all].sort((a, b) => b.atMs - a.atMs || (facts.get(a.id)?.nth ?? 0) - (facts.get(b.id)?.nth ?? 0));
    expect(ticker?.tips.map(({ tipId: id, name, message }) => [id, name, message])).toEqual(
      newest.map(({ id, shown }) => [
        id,
        this.hides ? HIDDEN_SENDER.name : shown.name,
        facts.get(id)?.is_erased === true ? '' : shown.message,
      ]),
    );
    for (const period of TOP_PERIODS) await this.checkTop(period, all);
  }

  private async checkTop(period: (typeof TOP_PERIODS)[number], all: readonly Live[]): Promise<void> {
    const { board } = this.storage;
    const token = { chainId: this.chainId, token: NATIVE_TOKEN };
    const [byToken, byUsd] = [await board.top(this.creatorId, token, period, 10), await board.top(this.creatorId, 'usd', period, 10)];
    const within = all.filter(
      ({ atMs, shown }) =>
        atMs >= (byToken?.sinceMs ?? 0) && atMs < (byToken?.untilMs ?? Infinity) && shown.from !== HIDDEN_SENDER.from && !this.hides,
    );
    const ranked = (worth: (one: Live) => bigint | undefined) =>
      SENDERS.map((from) => ({ from, worths: within.filter(({ shown }) => shown.from === from).flatMap((one) => worth(one) ?? []) }))
        .filter(({ worths }) => worths.length > 0)
        .map(({ from, worths }) => ({ from, tips: worths.length, amount: worths.reduce((total, worth) => total + worth, 0n) }))
        .sort((a, b) => (a.amount === b.amount ? (a.from < b.from ? -1 : 1) : a.amount < b.amount ? 1 : -1));
    expect(byToken?.tippers.map((one) => ({ ...one, amount: BigInt(one.amount) }))).toEqual(
      ranked(({ shown }) => (shown.amount.token === NATIVE_TOKEN ? BigInt(shown.amount.raw) : undefined)),
    );
    expect(byUsd?.tippers.map((one) => ({ ...one, amount: parseUnits(one.amount, 8) }))).toEqual(
      ranked(({ usd }) => (usd === null ? undefined : cents(usd))),
    );
  }

  private async told(tips: readonly Planned[], timestampMs: number): Promise<void> {
    const made = tips.map(({ wallet, sender, token, amount }) =>
      aTip({ creator: nth(this.wallets, wallet), from: nth(SENDERS, sender), token: nth(TOKENS, token), amount }),
    );
    await this.commit(
      aChildOf(this.head(), { timestampMs }),
      made.map((one) => withAmount(one, this.chainId)),
    );
  }

  private async commit(block: BlockHeader, tips: readonly SightedTip[]): Promise<void> {
    this.tips.push(...tips);
    await this.storage.ledger.commit(this.chainId, 1, aCommit(block, tips));
    this.headers.push(block);
  }

  /** Some of the last tips come back in the new branch, to the other wallet perhaps. */
  private async reorganise(depth: number, again: number): Promise<void> {
    const { ledger } = this.storage;
    const lowest = (await ledger.finalizedHeight(this.chainId)) ?? 1000;
    const from = this.head();
    const height = Math.max(from.number - depth, lowest);
    this.headers.splice(this.headers.findIndex(({ number }) => number === height) + 1);
    const ancestor = this.head();
    const block = aChildOf(ancestor, { timestampMs: ancestor.timestampMs + 50 * 60_000 });
    const back = this.tips.slice(-3).filter((_, n) => (again & (n + 1)) !== 0);
    const branch = [aCommit(block, again === 3 ? back.map((one) => ({ ...one, creator: nth(this.wallets, 1) })) : back)];
    await ledger.reorganise(this.chainId, 1, { from, ancestor, branch });
    this.headers.push(block);
  }

  private keyOf(which: number): { chainId: number; txHash: Hex; ordinal: number } | undefined {
    const found = this.tips[which];
    return found && { chainId: this.chainId, txHash: found.txHash, ordinal: found.ordinal };
  }

  private async value(which: number, of: number | null): Promise<void> {
    const key = this.keyOf(which);
    const found = key && (await this.storage.archive.proof(this.creatorId, key));
    if (key === undefined || found === undefined) return;
    const usd = `${String(Math.trunc((of ?? 0) / 100))}.${String((of ?? 0) % 100).padStart(2, '0')}`;
    const outcome = of === null ? { reason: 'no-answer', failures: 1, retryMs: 1 } : { usd, price: '2500.5', source: 'peg', pricedAtMs: 1 };
    await this.storage.values.note([{ ...key, blockHash: found.tip.blockHash, outcome }]);
  }
}

interface Live {
  readonly id: string;
  readonly shown: TipDisplay;
  readonly atMs: number;
  readonly usd: string | null;
}

const Facts = z.object({
  id: z.string(),
  at_ms: z.coerce.number(),
  usd: z.string().nullable(),
  is_erased: z.boolean(),
  nth: z.coerce.number(),
});
const FACTS = `SELECT t.chain_id || '-0x' || encode(t.tx_hash, 'hex') || '-' || t.ordinal AS id, t.block_time_ms AS at_ms, v.usd::text AS usd,
  t.erased AS is_erased,
  row_number() OVER (ORDER BY ${NEWEST_FIRST}) AS nth
FROM tips t LEFT JOIN tip_values v ON (v.chain_id, v.tx_hash, v.ordinal, v.block_hash) = (t.chain_id, t.tx_hash, t.ordinal, t.block_hash)
WHERE t.told_to = $1`;

/** What whoever has heard all of them knows. */
function countedOf(events: readonly CreatorEvent[]): ReadonlyMap<string, TipDisplay> {
  const live = new Map<string, TipDisplay>();
  for (const event of events) {
    if (event.type === 'tip' || event.type === 'tip.updated') live.set(event.id, event.d);
    if (event.type === 'tip.retracted') live.delete(event.id);
  }
  return live;
}

function withAmount(tip: SightedTip, chainId: number): SightedTip {
  if (tip.display === undefined) return tip;
  const { txHash, ordinal, token, amount } = tip;
  const shown = { ...tip.display.amount, raw: amount.toString(), token, chainId };
  return { ...tip, display: { ...tip.display, tipId: tipId({ chainId, txHash, ordinal }), from: tip.from, amount: shown } };
}

const sum = (all: readonly bigint[]): string => all.reduce((total, one) => total + one, 0n).toString();
const cents = (usd: string): bigint => parseUnits(usd, 8) ?? -1n;
