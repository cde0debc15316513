import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { NATIVE_TOKEN, UnknownTimeZone, within, type BlockHeader, type Hex, type SightedTip } from '@droppio/tips';
import { aBlock, aChildOf, aTip, randomHex } from '@droppio/tips/testing';
import { PostgresTipValues } from './postgres-tip-values.js';
import { RollUp } from './roll-up.js';
import { SUMS_THAT_DIFFER } from './testing/counted-sums.js';
import { aChainId, aCommit, aCreator, displayOf, walletOf } from './testing/chain-story.js';
import type { TestStorage } from './testing/index.js';

const DAY = Date.UTC(2026, 2, 28);
const HOUR = 3_600_000;
const SENDERS: readonly Hex[] = [randomHex(20), randomHex(20), randomHex(20)];
const TOKENS: readonly Hex[] = [NATIVE_TOKEN, randomHex(20)];
const nth = <T>(all: readonly T[], n: number): T => all[n % all.length] ?? (all[0] as T);
const Row = z.object({ row: z.string() });

const planned = fc.record({
  wallet: fc.nat(3),
  sender: fc.nat(2),
  token: fc.nat(1),
  amount: fc.bigInt({ min: 0n, max: 2n ** 255n }),
  isListed: fc.boolean(),
});
const step = fc.oneof(
  fc.record({ kind: fc.constant('commit' as const), tips: fc.array(planned, { maxLength: 4 }), hours: fc.nat(30) }),
  fc.record({ kind: fc.constant('reorg' as const), depth: fc.integer({ min: 1, max: 2 }), again: fc.boolean() }),
  fc.record({ kind: fc.constant('finalize' as const), depth: fc.nat(2) }),
  fc.record({ kind: fc.constant('backfill' as const), tips: fc.array(planned, { minLength: 1, maxLength: 3 }) }),
  fc.record({ kind: fc.constant('value' as const), which: fc.nat(20), cents: fc.option(fc.nat(99_999)) }),
  fc.record({ kind: fc.constant('fold' as const), at: fc.integer({ min: 1, max: 3 }) }),
);

export function describeTipStats(where: string, make: () => Promise<TestStorage>): void {
  describe(`TipStats on ${where}`, () => {
    let storage: TestStorage;
    let values: PostgresTipValues;

    beforeAll(async () => {
      storage = await make();
      values = new PostgresTipValues(storage.database);
    });
    afterAll(async () => {
      await storage.drop();
    });

    it(
      'keeps sums that equal those counted anew, on any story of commits, reorgs, finality, backfills and prices',
      { timeout: 60_000 },
      async () => {
        await fc.assert(
          fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 20 }), async (steps) => {
            const story = await Story.begin(storage, values);
            for (const next of steps) await story.take(next);
            await new RollUp(storage.database).catchUp();
            expect(await storage.database.rows(Row, SUMS_THAT_DIFFER)).toEqual([]);
            expect(await storage.database.rows(Row, 'SELECT id::text AS row FROM tip_deltas')).toEqual([]);
          }),
          { numRuns: Number(process.env['DROPPIO_MODEL_RUNS'] ?? 40), examples: [[TELLING]] },
        );
        expect(await storage.database.rows(Row, `SELECT count(*)::text AS row FROM tip_totals HAVING count(*) > 5`)).toHaveLength(1);
        expect(
          await storage.database.rows(Row, `SELECT count(*)::text AS row FROM tip_patrons WHERE priced > 0 HAVING count(*) > 1`),
        ).toHaveLength(1);
      },
    );

    it('counts final tips in listed tokens alone, by token, and never adds tokens up', async () => {
      const story = await Story.begin(storage, values);
      const tip = { wallet: 0, sender: 0, token: 0, amount: 2n ** 200n, isListed: true };
      await story.take({
        kind: 'commit',
        hours: 0,
        tips: [tip, { ...tip, sender: 1 }, { ...tip, token: 1, amount: 5n }, { ...tip, isListed: false }],
      });
      expect(await storage.stats.summary(story.creatorId)).toEqual({ tokens: [], tippers: 0 });
      await story.take({ kind: 'finalize', depth: 0 });
      await story.take({ kind: 'commit', hours: 0, tips: [tip] });
      const none = { priced: 0, usd: '0.00000000', symbol: 'ETH', decimals: 18, chainId: story.chainId };
      expect(await storage.stats.summary(story.creatorId)).toEqual({
        tokens: [
          { ...none, token: TOKENS[0], tips: 2, amount: 2n ** 201n },
          { ...none, token: TOKENS[1], tips: 1, amount: 5n },
        ],
        tippers: 2,
      });
      await story.take({ kind: 'value', which: 2, cents: 1234 });
      expect((await storage.stats.summary(story.creatorId)).tokens[1]).toMatchObject({ priced: 0 });
      await new RollUp(storage.database).catchUp();
      expect((await storage.stats.summary(story.creatorId)).tokens[1]).toMatchObject({ priced: 1, usd: '12.34000000' });
    });

    it('keeps no chain waiting: final tips are final while the sums cannot be written', async () => {
      const story = await Story.begin(storage, values);
      await story.take({ kind: 'commit', hours: 0, tips: [{ wallet: 0, sender: 0, token: 0, amount: 7n, isListed: true }] });
      const other = new Client({ connectionString: storage.url });
      await other.connect();
      await other.query('BEGIN; LOCK TABLE tip_totals IN ACCESS EXCLUSIVE MODE');
      const summed = within(2000, 'a chain that waits for sums', story.finalize()).then(() => storage.ledger.summed());
      const waiting = `SELECT 1 FROM pg_locks WHERE relation = 'tip_totals'::regclass AND NOT granted`;
      await expect.poll(async () => (await other.query(waiting)).rowCount, { timeout: 2000 }).toBe(1);
      expect(await storage.ledger.finalizedHeight(story.chainId)).toBe(1001);
      // Asked while one go is on its way: there is never a second one beside it.
      await story.finalize();
      expect((await other.query(waiting)).rowCount).toBe(1);
      await other.query('COMMIT');
      await other.end();
      await summed;
      expect((await storage.stats.summary(story.creatorId)).tokens).toMatchObject([{ amount: 7n, tips: 1 }]);
    });

    it('lets a wallet bring its sums along and take them away', async () => {
      const story = await Story.begin(storage, values);
      await story.take({ kind: 'commit', hours: 0, tips: [{ wallet: 3, sender: 0, token: 0, amount: 7n, isListed: true }] });
      await story.take({ kind: 'finalize', depth: 0 });
      expect((await storage.stats.summary(story.creatorId)).tokens).toEqual([]);
      const wallet = Buffer.from(story.strangers.slice(2), 'hex');
      await storage.database.run('INSERT INTO creator_wallets (address, creator_id, position) VALUES ($1, $2, 9)', [
        wallet,
        story.creatorId,
      ]);
      expect((await storage.stats.summary(story.creatorId)).tokens).toMatchObject([{ amount: 7n }]);
      await storage.database.run('DELETE FROM creator_wallets WHERE address = $1', [wallet]);
      expect((await storage.stats.summary(story.creatorId)).tokens).toEqual([]);
    });

    it.each([
      ['UTC', '2026-03-28', '2026-03-28', ['2026-03-28 24']],
      ['UTC', '2026-03-28', '2026-03-30', ['2026-03-28 24', '2026-03-29 24', '2026-03-30 12']],
      // The clocks go forward in Berlin: a day of 23 hours. It began an hour before UTC's.
      ['Europe/Berlin', '2026-03-29', '2026-03-29', ['2026-03-29 23']],
      ['Asia/Kathmandu', '2026-03-28', '2026-03-29', ['2026-03-28 18', '2026-03-29 24']],
      ['America/New_York', '2026-03-27', '2026-03-28', ['2026-03-27 4', '2026-03-28 24']],
    ])('sums by the days of %s from %s to %s', async (timeZone, from, to, days) => {
      const story = await Story.begin(storage, values);
      const tip = { wallet: 0, sender: 0, token: 0, amount: 1n, isListed: true };
      // One each hour for sixty hours, a quarter past: no place's midnight but a real one falls between.
      for (let hour = 0; hour < 60; hour += 1) await story.at(DAY + hour * HOUR + HOUR / 4, [tip]);
      await story.take({ kind: 'finalize', depth: 0 });
      const query = { creatorId: story.creatorId, from, to, timeZone };
      const series = await storage.stats.series(query);
      expect(series.map(({ day, tips }) => `${day} ${String(tips)}`)).toEqual(days);
      const token = { chainId: story.chainId, token: NATIVE_TOKEN };
      expect(await storage.stats.series({ ...query, token })).toEqual(series);
      expect(await storage.stats.series({ ...query, token: { ...token, chainId: 1 } })).toEqual([]);
    });

    it('ranks tippers over all wallets of a creator, whoever is behind in each of them', async () => {
      const story = await Story.begin(storage, values, 2);
      const many = Array.from({ length: 700 }, (_, n) => ({ sender: randomHex(20), amount: 1000n + BigInt(n % 3) }));
      const [steady, rich] = [randomHex(20), randomHex(20)];
      // Beyond the first 500 of both wallets, and first of all together.
      const tips = [0, 1].flatMap((wallet) => [
        ...many.map((one) => ({ ...one, wallet })).slice(wallet * 350, 350 + wallet * 350),
        { wallet, sender: steady, amount: 999n },
      ]);
      const crowd = [0, 1].flatMap((wallet) => Array.from({ length: 600 }, () => ({ wallet, sender: randomHex(20), amount: 1000n })));
      await story.senders([...tips, ...crowd, { wallet: 0, sender: rich, amount: 5000n }]);
      await story.take({ kind: 'finalize', depth: 0 });
      await new RollUp(storage.database).catchUp();
      const token = { chainId: story.chainId, token: NATIVE_TOKEN };
      const top = await storage.stats.top({ creatorId: story.creatorId, token, limit: 2 });
      expect(top).toMatchObject([
        { sender: rich, amount: 5000n, tips: 1 },
        { sender: steady, amount: 1998n, tips: 2 },
      ]);
      expect(await storage.stats.top({ creatorId: story.creatorId, limit: 5 })).toEqual([]);
    });

    it('ranks by dollars over tokens where prices are known', async () => {
      const story = await Story.begin(storage, values);
      const tip = { wallet: 0, sender: 0, token: 0, amount: 1n, isListed: true };
      await story.take({
        kind: 'commit',
        hours: 0,
        tips: [tip, { ...tip, token: 1 }, { ...tip, sender: 1 }, { ...tip, sender: 2, amount: 9n }],
      });
      for (const [which, cents] of [300, 250, 500].entries()) await story.take({ kind: 'value', which, cents });
      await story.take({ kind: 'finalize', depth: 0 });
      expect(await storage.stats.top({ creatorId: story.creatorId, limit: 5 })).toEqual([
        { sender: SENDERS[0], tips: 2, priced: 2, usd: '5.50000000' },
        { sender: SENDERS[1], tips: 1, priced: 1, usd: '5.00000000' },
      ]);
    });

    it('knows nothing of strangers', async () => {
      expect(await storage.stats.summary('no uuid')).toEqual({ tokens: [], tippers: 0 });
      expect(await storage.stats.series({ creatorId: 'no uuid', from: '2026-01-01', to: '2026-01-02', timeZone: 'UTC' })).toEqual([]);
      const unknown = { creatorId: randomUUID(), from: '2026-01-01', to: '2026-01-02', timeZone: 'Mars/Phobos' };
      await expect(storage.stats.series(unknown)).rejects.toBeInstanceOf(UnknownTimeZone);
      expect(await storage.stats.top({ creatorId: 'no uuid', limit: 3 })).toEqual([]);
    });
  });
}

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
type Planned = typeof planned extends fc.Arbitrary<infer T> ? T : never;

/** One story that comes before the random ones, so that each kind of sum is there whatever those are. */
const TELLING: Step[] = [
  {
    kind: 'commit',
    hours: 1,
    tips: [0, 1, 2, 3, 4, 5].map((n) => ({ wallet: n % 3, sender: n % 2, token: n < 3 ? 0 : 1, amount: 5n, isListed: true })),
  },
  { kind: 'value', which: 0, cents: 1234 },
  { kind: 'value', which: 1, cents: 99 },
  { kind: 'finalize', depth: 0 },
  { kind: 'value', which: 2, cents: 5 },
  { kind: 'fold', at: 2 },
];

class Story {
  readonly chainId = aChainId();
  readonly strangers = randomHex(20);
  private readonly headers = [aBlock({ number: 1000, timestampMs: DAY })];
  private readonly tips: SightedTip[] = [];
  private below = 900;

  private constructor(
    private readonly storage: TestStorage,
    private readonly values: PostgresTipValues,
    readonly creatorId: string,
    private readonly wallets: readonly Hex[],
  ) {}

  static async begin(storage: TestStorage, values: PostgresTipValues, wallets = 3): Promise<Story> {
    const creator = await aCreator(storage, wallets);
    const story = new Story(storage, values, creator.id, wallets === 1 ? [walletOf(creator)] : creator.wallets);
    await storage.ledger.begin(story.chainId, story.head(), 1);
    return story;
  }

  async at(timestampMs: number, tips: readonly Planned[]): Promise<void> {
    await this.commit(
      aChildOf(this.head(), { timestampMs }),
      tips.map((tip) => this.make(tip)),
    );
  }

  /** Everything up to the head, without a look at the sums. */
  finalize(): Promise<unknown> {
    return this.storage.ledger.finalize(this.chainId, 1, { finalized: this.head() });
  }

  async senders(tips: readonly { readonly wallet: number; readonly sender: Hex; readonly amount: bigint }[]): Promise<void> {
    const made = tips.map(({ wallet, sender, amount }) => aTip({ creator: nth(this.wallets, wallet), from: sender, amount }));
    await this.commit(aChildOf(this.head()), made);
  }

  async take(next: Step): Promise<void> {
    const { ledger, database } = this.storage;
    if (next.kind === 'commit') return this.at(this.head().timestampMs + next.hours * HOUR, next.tips);
    if (next.kind === 'reorg') return this.reorganise(next.depth, next.again);
    if (next.kind === 'fold') {
      await Promise.all(Array.from({ length: next.at }, () => new RollUp(database).catchUp()));
      return;
    }
    if (next.kind === 'finalize') {
      const at = this.headers.at(-1 - next.depth);
      while (at !== undefined) {
        const done = await ledger.finalize(this.chainId, 1, { finalized: at });
        await ledger.summed();
        if (done.kind === 'moved' || done.more === undefined) return;
      }
      return;
    }
    if (next.kind === 'backfill') {
      this.below -= 1;
      const block = aBlock({ number: this.below, timestampMs: DAY - HOUR });
      const tips = next.tips.map((tip) => this.make(tip));
      this.tips.push(...tips);
      await ledger.backfill(this.chainId, { from: this.below, to: this.below, filter: 'f', final: this.below }, [
        { ...aCommit(block, tips), tell: false },
      ]);
      await ledger.summed();
      return;
    }
    await this.value(next.which, next.cents);
  }

  private async value(which: number, cents: number | null): Promise<void> {
    const tip = this.tips[which];
    const found = tip && (await this.storage.archive.proof(this.creatorId, { chainId: this.chainId, ...tip }));
    if (found === undefined) return;
    const { txHash, ordinal, blockHash } = found.tip;
    const usd = `${String(Math.trunc((cents ?? 0) / 100))}.${String((cents ?? 0) % 100).padStart(2, '0')}`;
    const outcome =
      cents === null ? { reason: 'no-answer', failures: 1, retryMs: 1 } : { usd, price: '2500.5', source: 'peg', pricedAtMs: DAY };
    await this.values.note([{ chainId: this.chainId, txHash, ordinal, blockHash, outcome }]);
  }

  private async reorganise(depth: number, again: boolean): Promise<void> {
    const { ledger } = this.storage;
    const lowest = (await ledger.finalizedHeight(this.chainId)) ?? 1000;
    const height = Math.max(this.head().number - depth, lowest);
    const from = this.head();
    this.headers.splice(this.headers.findIndex(({ number }) => number === height) + 1);
    const ancestor = this.head();
    const last = this.tips.at(-1);
    const block = aChildOf(ancestor);
    const back = again && last !== undefined ? [last] : [];
    await ledger.reorganise(this.chainId, 1, { from, ancestor, branch: [aCommit(block, back)] });
    this.headers.push(block);
  }

  private async commit(block: BlockHeader, tips: readonly SightedTip[]): Promise<void> {
    this.tips.push(...tips);
    expect(await this.storage.ledger.commit(this.chainId, 1, aCommit(block, tips))).toMatchObject({ kind: 'committed' });
    this.headers.push(block);
  }

  /** The fourth wallet is nobody's. */
  private make({ wallet, sender, token, amount, isListed }: Planned): SightedTip {
    const tip = aTip({
      creator: wallet === 3 ? this.strangers : nth(this.wallets, wallet),
      from: nth(SENDERS, sender),
      token: nth(TOKENS, token),
      amount,
    });
    if (isListed) return { ...tip, display: displayOf(tip, amount.toString()) };
    const { txHash, ordinal, logIndex, creator, from, message, ref } = tip;
    return { txHash, ordinal, logIndex, creator, from, message, ref, token: tip.token, amount };
  }

  private head(): BlockHeader {
    return nth(this.headers, this.headers.length - 1);
  }
}
