import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  NATIVE_TOKEN,
  tipId,
  type BlockHeader,
  type Creator,
  type Hex,
  type SightedTip,
  type StoredTip,
  type TipFilter,
} from '@droppio/tips';
import { aBlock, aChildOf, aTip, randomHex } from '@droppio/tips/testing';
import { PostgresTipArchive } from './postgres-tip-archive.js';
import { aChainId, aCommit, aCreator, walletOf } from './testing/chain-story.js';
import type { TestStorage } from './testing/index.js';

/** Holds filters against so few tips at a time that every walk goes over many edges. */
class ShortSighted extends PostgresTipArchive {
  constructor(
    { database }: TestStorage,
    protected override readonly scanned: number,
  ) {
    super(database);
  }
}

const SENDERS: readonly Hex[] = [randomHex(20), randomHex(20), randomHex(20)];
const TOKENS: readonly Hex[] = [NATIVE_TOKEN, randomHex(20)];
const nth = <T>(all: readonly T[], n: number): T => all[n % all.length] ?? (all[0] as T);

const plannedTip = fc.record({
  wallet: fc.nat(2),
  sender: fc.nat(2),
  token: fc.nat(1),
  amount: fc.bigInt({ min: 1n, max: 5n }),
  again: fc.nat(5),
});
const plannedBlock = fc.record({ tips: fc.array(plannedTip, { maxLength: 5 }), isLate: fc.boolean() });
const change = fc.oneof(
  fc.record({ kind: fc.constant('commit' as const), block: plannedBlock }),
  fc.record({
    kind: fc.constant('reorg' as const),
    depth: fc.integer({ min: 1, max: 3 }),
    branch: fc.array(plannedBlock, { maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant('finalize' as const), depth: fc.nat(4) }),
);
const plannedFilter = fc.record(
  {
    from: fc.nat(12),
    before: fc.nat(12),
    sender: fc.nat(2),
    token: fc.nat(1),
    wallet: fc.nat(2),
    states: fc.uniqueArray(fc.constantFrom('confirmed', 'finalized', 'orphaned', 'lost'), { minLength: 1 }),
    minimum: fc.bigInt({ min: 1n, max: 6n }),
    isChain: fc.boolean(),
  },
  { requiredKeys: [] },
);

export function describeTipArchive(where: string, make: () => Promise<TestStorage>): void {
  describe(`TipArchive on ${where}`, () => {
    let storage: TestStorage;

    beforeAll(async () => {
      storage = await make();
    });
    afterAll(async () => {
      await storage.drop();
    });

    describe('a walk through the pages', () => {
      it('gives what fits the filter, each once, whatever is added, moved or made final between pages', { timeout: 60_000 }, async () => {
        await fc.assert(
          fc.asyncProperty(
            fc.array(plannedBlock, { minLength: 1, maxLength: 8 }),
            plannedFilter,
            fc.array(change, { maxLength: 6 }),
            fc.record({ limit: fc.integer({ min: 1, max: 4 }), scanned: fc.integer({ min: 1, max: 6 }) }),
            async (blocks, planned, changes, { limit, scanned }) => {
              const story = await Story.begin(storage);
              for (const block of blocks) await story.commit(block);
              const filter = story.filterOf(planned);
              const seen: StoredTip[] = [];
              const snapshots = [await story.all()];
              let cursor: string | undefined;
              for (let page = 0; page === 0 || cursor !== undefined; page += 1) {
                const query = { creatorId: story.creator.id, limit, filter, ...(cursor === undefined ? {} : { cursor }) };
                const { tips, next } = await new ShortSighted(storage, scanned).list(query);
                expect(tips.length).toBeLessThanOrEqual(limit);
                for (const tip of tips) expect(fits(tip, filter)).toBe(true);
                seen.push(...tips);
                cursor = next;
                const move = changes[page];
                if (move === undefined) continue;
                await story.change(move);
                snapshots.push(await story.all());
              }
              const still = await story.all();
              const stayed = still.filter((tip) => snapshots.every((tips) => tips.some((old) => isSame(old, tip))));
              const ids = seen.map(tipId);
              for (const tip of stayed) {
                expect(ids.filter((id) => id === tipId(tip))).toHaveLength(fits(tip, filter) ? 1 : 0);
              }
              const rows = seen.map((tip) => [tipId(tip), tip.blockHash, tip.blockNumber].join());
              expect(new Set(rows).size).toBe(rows.length);
              if (changes.length === 0) expect(seen).toEqual(still.filter((tip) => fits(tip, filter)));
            },
          ),
          { numRuns: Number(process.env['DROPPIO_MODEL_RUNS'] ?? 60) },
        );
      });

      it('ends, with pages that may be empty, when nothing fits', async () => {
        const story = await Story.begin(storage);
        const tip = { wallet: 0, sender: 0, token: 0, amount: 1n, again: 5 };
        for (let n = 0; n < 4; n += 1) await story.commit({ tips: [tip, tip, tip], isLate: false });
        const archive = new ShortSighted(storage, 5);
        const filter = { sender: randomHex(20) };
        const first = await archive.list({ creatorId: story.creator.id, limit: 10, filter });
        expect(first).toEqual({ tips: [], next: expect.any(String) as unknown });
        const second = await archive.list({ creatorId: story.creator.id, limit: 10, filter, cursor: first.next ?? '' });
        expect(second).toEqual({ tips: [], next: expect.any(String) as unknown });
        expect(await archive.list({ creatorId: story.creator.id, limit: 10, filter, cursor: second.next ?? '' })).toEqual({ tips: [] });
      });

      it('refuses a cursor with other filters, or of another creator', async () => {
        const story = await Story.begin(storage);
        const tip = { wallet: 0, sender: 0, token: 0, amount: 1n, again: 5 };
        await story.commit({ tips: [tip, tip], isLate: false });
        const query = { creatorId: story.creator.id, limit: 1 };
        const { next: cursor = '' } = await storage.archive.list(query);
        expect((await storage.archive.list({ ...query, cursor })).tips).toHaveLength(1);
        for (const other of [
          { ...query, filter: { minimum: 1n } },
          { ...query, creatorId: (await aCreator(storage)).id },
        ]) {
          await expect(storage.archive.list({ ...other, cursor })).rejects.toMatchObject({ code: 'invalid-cursor' });
        }
      });

      it('shows nothing of a wallet of somebody else', async () => {
        const [story, other] = [await Story.begin(storage), await Story.begin(storage)];
        await other.commit({ tips: [{ wallet: 0, sender: 0, token: 0, amount: 1n, again: 5 }], isLate: false });
        const filter = { wallet: walletOf(other.creator) };
        expect((await storage.archive.list({ creatorId: other.creator.id, limit: 9, filter })).tips).toHaveLength(1);
        expect(await storage.archive.list({ creatorId: story.creator.id, limit: 9, filter })).toEqual({ tips: [] });
      });
    });

    describe('the proof of a tip', () => {
      let chainId: number;
      let genesis: BlockHeader;
      let creator: Creator;

      beforeEach(async () => {
        chainId = aChainId();
        genesis = aBlock({ number: 100 });
        await storage.ledger.begin(chainId, genesis, 1);
        creator = await aCreator(storage);
      });

      it('names every block that held it and every event that told of it', async () => {
        const one = aChildOf(genesis);
        const [tip, other] = [aTip({ creator: walletOf(creator) }), aTip({ creator: walletOf(creator) })];
        await storage.ledger.commit(chainId, 1, aCommit(one, [other, tip]));
        const two = aChildOf(genesis);
        await storage.ledger.reorganise(chainId, 1, { from: one, ancestor: genesis, branch: [aCommit(two, [])] });
        const three = aChildOf(two);
        await storage.ledger.commit(chainId, 1, aCommit(three, [tip]));
        await storage.ledger.finalize(chainId, 1, { finalized: three });
        const proof = await storage.archive.proof(creator.id, { chainId, ...tip });
        expect(proof?.tip).toMatchObject({
          state: 'finalized',
          rev: 4,
          blockHash: three.hash,
          blockTimestampMs: three.timestampMs,
          logIndex: 0,
        });
        expect(proof?.sightings.toSorted((a, b) => a.blockNumber - b.blockNumber)).toMatchObject([
          {
            blockHash: one.hash,
            logIndex: 1,
            isCanonical: false,
            amount: tip.amount,
            wallet: tip.creator,
            seenAtMs: one.timestampMs + 300,
          },
          { blockHash: three.hash, logIndex: 0, isCanonical: true },
        ]);
        expect(proof?.tellings).toMatchObject([
          { seq: 2, type: 'tip', state: 'confirmed', rev: 1 },
          { seq: 4, type: 'tip.retracted', state: 'orphaned', rev: 2 },
          { seq: 5, type: 'tip.updated', state: 'confirmed', rev: 3 },
          { seq: 6, type: 'tip.updated', state: 'finalized', rev: 4 },
        ]);
        const gone = await storage.archive.proof(creator.id, { chainId, ...other });
        expect(gone).toMatchObject({ tip: { state: 'lost' }, sightings: [{ blockHash: one.hash, isCanonical: false }] });
      });

      it('is nothing for anybody else, and for what does not exist', async () => {
        const tip = aTip({ creator: walletOf(creator) });
        await storage.ledger.commit(chainId, 1, aCommit(aChildOf(genesis), [tip]));
        const key = { chainId, txHash: tip.txHash, ordinal: tip.ordinal };
        expect(await storage.archive.proof(creator.id, key)).toBeDefined();
        expect(await storage.archive.proof((await aCreator(storage)).id, key)).toBeUndefined();
        expect(await storage.archive.proof('no uuid', key)).toBeUndefined();
        expect(await storage.archive.proof(creator.id, { ...key, ordinal: 1 })).toBeUndefined();
        expect(await storage.archive.proof(creator.id, { ...key, chainId: chainId + 1 })).toBeUndefined();
      });
    });
  });
}

function isSame(a: StoredTip, b: StoredTip): boolean {
  return tipId(a) === tipId(b) && a.blockHash === b.blockHash && a.state === b.state && a.amount === b.amount && a.creator === b.creator;
}

/** The filter again, in plain words: what is not asked for fits. */
function fits(tip: StoredTip, filter: TipFilter): boolean {
  const { fromMs = 0, beforeMs = Infinity, token = { chainId: tip.chainId, address: tip.token }, minimum = 0n } = filter;
  const { chainId = tip.chainId, sender = tip.from, wallet = tip.creator, states = [tip.state] } = filter;
  return [
    tip.blockTimestampMs >= fromMs && tip.blockTimestampMs < beforeMs,
    chainId === tip.chainId && token.chainId === tip.chainId && token.address === tip.token,
    sender === tip.from && wallet === tip.creator,
    states.includes(tip.state) && tip.amount >= minimum,
  ].every(Boolean);
}

type PlannedBlock = typeof plannedBlock extends fc.Arbitrary<infer T> ? T : never;
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;
type PlannedFilter = typeof plannedFilter extends fc.Arbitrary<infer T> ? T : never;

/** One chain and a creator with three wallets. */
class Story {
  private readonly known: SightedTip[] = [];

  private constructor(
    private readonly storage: TestStorage,
    private readonly chainId: number,
    private readonly headers: BlockHeader[],
    readonly creator: Creator,
  ) {}

  static async begin(storage: TestStorage): Promise<Story> {
    const [chainId, genesis] = [aChainId(), aBlock({ number: 10 })];
    await storage.ledger.begin(chainId, genesis, 1);
    return new Story(storage, chainId, [genesis], await aCreator(storage, 3));
  }

  async commit(planned: PlannedBlock): Promise<void> {
    const { commit } = this.plan(this.tip(), planned, new Set());
    await this.storage.ledger.commit(this.chainId, 1, commit);
    this.headers.push(commit.block);
  }

  async change(move: Change): Promise<void> {
    const { ledger } = this.storage;
    if (move.kind === 'commit') return this.commit(move.block);
    if (move.kind === 'finalize') {
      const at = this.headers.at(-1 - move.depth);
      if (at !== undefined) await ledger.finalize(this.chainId, 1, { finalized: at });
      return;
    }
    const lowest = (await ledger.finalizedHeight(this.chainId)) ?? 10;
    const height = Math.max(this.tip().number - move.depth, lowest);
    const from = this.tip();
    this.headers.splice(this.headers.findIndex(({ number }) => number === height) + 1);
    const used = new Set<string>();
    const ancestor = this.tip();
    const branch = [];
    for (const block of move.branch) {
      const { commit } = this.plan(this.tip(), block, used);
      this.headers.push(commit.block);
      branch.push(commit);
    }
    expect(await ledger.reorganise(this.chainId, 1, { from, ancestor, branch })).toMatchObject({ kind: 'committed' });
  }

  filterOf({ from, before, sender, token, wallet, states, minimum, isChain }: PlannedFilter): TipFilter {
    const start = this.headers[0]?.timestampMs ?? 0;
    const named = token ?? (minimum === undefined ? undefined : 0);
    return {
      ...(from === undefined ? {} : { fromMs: start + from * 1000 }),
      ...(before === undefined ? {} : { beforeMs: start + before * 1000 }),
      ...(sender === undefined ? {} : { sender: nth(SENDERS, sender) }),
      ...(named === undefined ? {} : { token: { chainId: this.chainId, address: nth(TOKENS, named) } }),
      ...(wallet === undefined ? {} : { wallet: nth(this.creator.wallets, wallet) }),
      ...(states === undefined ? {} : { states }),
      ...(minimum === undefined ? {} : { minimum }),
      ...(isChain === undefined ? {} : { chainId: isChain ? this.chainId : this.chainId + 1 }),
    };
  }

  async all(): Promise<readonly StoredTip[]> {
    return (await this.storage.archive.list({ creatorId: this.creator.id, limit: 1000 })).tips;
  }

  private tip(): BlockHeader {
    const at = this.headers.at(-1);
    if (at === undefined) throw new Error('a chain without blocks');
    return at;
  }

  /** Blocks share their times now and then, so that places differ by less. Some tips are earlier ones again, on another branch. */
  private plan(parent: BlockHeader, { tips, isLate }: PlannedBlock, used: Set<string>): { commit: ReturnType<typeof aCommit> } {
    const block = aChildOf(parent, { timestampMs: parent.timestampMs + (isLate ? 2000 : 0) });
    const chosen = tips.flatMap((planned): SightedTip[] => {
      const old = planned.again < 3 ? this.known.at(-1 - planned.again) : undefined;
      const made = aTip({
        creator: nth(this.creator.wallets, planned.wallet),
        from: nth(SENDERS, planned.sender),
        token: nth(TOKENS, planned.token),
        amount: planned.amount,
      });
      const tip = old ?? made;
      if (used.has(tip.txHash) || (used.size === 0 && old !== undefined)) return [];
      used.add(tip.txHash);
      if (old === undefined) this.known.push(made);
      return [tip];
    });
    return { commit: aCommit(block, chosen) };
  }
}
