import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { NATIVE_TOKEN, type BlockCommit, type BlockHeader, type BlockRef, type Creator, type Hex, type SightedTip } from '@droppio/tips';
import { aBlock, aChildOf, aTip, randomHex } from '@droppio/tips/testing';
import { aChainId, aCommit, aCreator, displayOf, walletOf } from './testing/chain-story.js';
import { openTestStorage, type TestStorage } from './testing/index.js';
import { LedgerModel, MODEL_MINIMUM, type ModelRules } from './testing/ledger-model.js';
import { someRules } from './testing/moderation-story.js';

/** A tip in a block to come: a new one, or one of the earlier ones again, perhaps with other facts. */
const plannedTip = fc.record({
  again: fc.option(fc.nat(30), { freq: 2 }),
  wallet: fc.nat(3),
  amount: fc.constantFrom('same', 'other'),
  moved: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  shown: fc.integer({ min: 0, max: 5 }).map((n) => n > 0),
});
const plannedBlock = fc.array(plannedTip, { maxLength: 4 });
/** What rules and people do between. */
const moderation = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('screen' as const), creator: fc.nat(1) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('decide' as const),
      pick: fc.nat(),
      verdict: fc.constantFrom('shown' as const, 'rejected' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('rules' as const),
      creator: fc.nat(1),
      rules: fc.constantFrom('none' as const, 'minimum' as const, 'hold' as const),
    }),
  },
);
type Moderation = typeof moderation extends fc.Arbitrary<infer T> ? T : never;
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('commit' as const), tips: plannedBlock, onTop: fc.constantFrom(0, 0, 1, 2) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('reorganise' as const), depth: fc.nat(4), branch: fc.array(plannedBlock, { maxLength: 4 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('finalize' as const), safe: fc.nat(3), finalized: fc.nat(6) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('sight' as const), tip: plannedTip }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drop' as const), depth: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('stale' as const), tips: plannedBlock }) },
  { weight: 6, arbitrary: moderation },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('erase' as const), pick: fc.nat() }) },
);
type PlannedBlock = readonly { again: number | null; wallet: number; amount: string; moved: boolean; shown: boolean }[];

describe('the ledger agrees with a model in plain memory', () => {
  let storage: TestStorage;
  /** Two creators' wallets and two of nobody. */
  let wallets: Hex[];
  let owners: Map<Hex, string>;

  beforeAll(async () => {
    storage = await openTestStorage(inject('postgresUrl'));
  });
  afterAll(async () => {
    await storage.drop();
  });

  it('on any story of commits, reorgs, finalisations and late leaders', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 25 }), fc.tuple(fc.nat(3), fc.nat(3)), async (steps, alertAfter) => {
        const creators = [await aCreator(storage), await aCreator(storage)];
        wallets = [...creators.map(walletOf), randomHex(20), randomHex(20)];
        owners = new Map(creators.map((creator) => [walletOf(creator), creator.id]));
        const patience = new Map<string, number>();
        for (const [index, { id }] of creators.entries()) {
          patience.set(id, alertAfter[index] ?? 1);
          await storage.directory.changeCreator(id, { alertAfter: alertAfter[index] ?? 1 });
        }
        const story = new Story(storage, wallets, owners, patience);
        await story.begin();
        for (const planned of steps) {
          if (planned.kind === 'commit') await story.commit(planned.tips, planned.onTop);
          else if (planned.kind === 'reorganise') await story.reorganise(planned.depth, planned.branch);
          else if (planned.kind === 'finalize') await story.finalize(planned.safe, planned.finalized);
          else if (planned.kind === 'sight') await story.sight(planned.tip);
          else if (planned.kind === 'drop') await story.drop(planned.depth);
          else if (planned.kind === 'stale') await story.stale(planned.tips);
          else if (planned.kind === 'erase') await story.erase(planned.pick);
          else await story.moderate(planned, creators);
        }
        for (const { id } of creators) {
          const events = await storage.ledger.eventsAfter(id, 0, 1000);
          const told = events.map((event) =>
            'rev' in event ? { seq: event.seq, type: event.type, id: event.id, state: event.state, rev: event.rev } : event,
          );
          expect(told).toEqual(story.model.streams.get(id) ?? []);
        }
        expect(await story.stored()).toEqual(story.expected());
      }),
      { numRuns: Number(process.env['DROPPIO_MODEL_RUNS'] ?? 60) },
    );
  });
});

/** Carries out steps on both sides, keeping to what a follower may ask for. */
class Story {
  readonly chainId = aChainId();
  readonly model: LedgerModel;
  private readonly headers: BlockHeader[] = [aBlock({ number: 10 })];
  private readonly known: SightedTip[] = [];
  private sights = 0;

  constructor(
    private readonly storage: TestStorage,
    private readonly wallets: readonly Hex[],
    private readonly owners: ReadonlyMap<Hex, string>,
    alertAfter: ReadonlyMap<string, number>,
  ) {
    this.model = new LedgerModel(this.chainId, [this.at(0)], owners, alertAfter);
  }

  async begin(): Promise<void> {
    await this.storage.ledger.begin(this.chainId, this.at(0), 1);
  }

  async commit(planned: PlannedBlock, onTop: number): Promise<void> {
    const commit = { ...this.plan(this.at(-1), planned, new Set()), onTop };
    expect(await this.storage.ledger.commit(this.chainId, 1, commit)).toMatchObject({ kind: 'committed' });
    this.headers.push(commit.block);
    this.model.commit(commit);
  }

  async reorganise(depth: number, planned: readonly PlannedBlock[]): Promise<void> {
    const ancestor = Math.max(this.at(-1).number - depth, this.model.lowestRewind);
    const from = this.at(-1);
    this.headers.splice(this.headers.findIndex(({ number }) => number === ancestor) + 1);
    const branch: BlockCommit[] = [];
    const used = new Set<string>();
    for (const block of planned) branch.push(this.plan(branch.at(-1)?.block ?? this.at(-1), block, used, ancestor));
    const outcome = await this.storage.ledger.reorganise(this.chainId, 1, { from, ancestor: this.at(-1), branch });
    expect(outcome).toMatchObject({ kind: 'committed' });
    this.headers.push(...branch.map(({ block }) => block));
    this.model.reorganise(ancestor, branch);
  }

  async finalize(safeDepth: number, finalizedDepth: number): Promise<void> {
    const mark = (depth: number): BlockRef => this.at(Math.max(-1 - depth, -this.headers.length));
    const marks = { safe: mark(safeDepth), finalized: mark(safeDepth + finalizedDepth) };
    expect(await this.storage.ledger.finalize(this.chainId, 1, marks)).toMatchObject({ kind: 'committed' });
    this.model.finalize(marks.safe.number, marks.finalized.number);
  }

  async sight(wish: PlannedBlock[number]): Promise<void> {
    const number = this.at(-1).number + 1;
    // A place of its own, so that the order in which several are dropped is known.
    const tip = { ...this.fresh(wish, new Set()), logIndex: (this.sights += 1) };
    const promised = { seenAtMs: 5, number, tips: [tip] };
    expect(await this.storage.ledger.sight(this.chainId, 1, promised)).toMatchObject({ kind: 'committed' });
    this.model.sight(tip, number);
  }

  async drop(depth: number): Promise<void> {
    const upTo = this.at(-1).number - depth;
    expect(await this.storage.ledger.drop(this.chainId, 1, upTo)).toMatchObject({ kind: 'committed' });
    this.model.drop(upTo);
  }

  async moderate(planned: Moderation, creators: readonly Creator[]): Promise<void> {
    if (planned.kind === 'decide') return this.decide(planned.pick, planned.verdict);
    const creator = creators[planned.creator]?.id ?? '';
    return planned.kind === 'screen' ? this.screen(creator) : this.setRules(creator, planned.rules);
  }

  private async screen(creator: string): Promise<void> {
    await this.storage.ledger.screen(creator);
    this.model.screen(creator);
  }

  private async decide(pick: number, verdict: 'shown' | 'rejected'): Promise<void> {
    const held = this.model.held();
    const tip = held[pick % held.length];
    if (tip?.toldTo === undefined) return;
    const { moderation } = this.storage;
    const key = { chainId: this.chainId, txHash: tip.tip.txHash, ordinal: tip.tip.ordinal };
    await (verdict === 'shown' ? moderation.approve(tip.toldTo, key) : moderation.reject(tip.toldTo, key));
    this.model.decide(tip, verdict);
  }

  async erase(pick: number): Promise<void> {
    const mine = [...this.model.tips.values()].filter(({ tip }) => this.owners.has(tip.creator));
    const tip = mine[pick % mine.length];
    if (tip === undefined) return;
    const { creator, txHash, ordinal } = tip.tip;
    const key = { chainId: this.chainId, txHash, ordinal };
    expect(await this.storage.account.eraseMessage(this.owners.get(creator) ?? '', key)).toBe(true);
    this.model.erase(tip);
  }

  private async setRules(creator: string, rules: ModelRules): Promise<void> {
    const token = { chainId: 31_337, token: NATIVE_TOKEN, min: MODEL_MINIMUM.toString(), minForMessage: '0' };
    const acceptance = { chains: null, tokens: rules === 'none' ? [] : [token], otherTokens: true };
    await this.storage.moderation.setRules(creator, 'any', someRules({ mode: rules === 'hold' ? 'hold' : 'auto', acceptance }));
    this.model.rules.set(creator, rules);
  }

  /** A leader that was fenced off, and one whose cursor is not ours. */
  async stale(planned: PlannedBlock): Promise<void> {
    const commit = aCommit(
      aChildOf(this.at(-1)),
      planned.map(() => aTip({ creator: this.wallet(0) })),
    );
    expect(await this.storage.ledger.commit(this.chainId, 0, commit)).toEqual({ kind: 'moved' });
    const elsewhere = aCommit(aBlock({ number: this.at(-1).number + 1 }), commit.tips);
    expect(await this.storage.ledger.commit(this.chainId, 1, elsewhere)).toEqual({ kind: 'moved' });
  }

  async stored(): Promise<unknown> {
    return this.storage.database.source.query(
      `SELECT chain_id || '-0x' || encode(tx_hash, 'hex') || '-' || ordinal AS id, state, rev, block_number::int AS block, amount::text
       FROM tips WHERE chain_id = $1 ORDER BY 1`,
      [this.chainId],
    );
  }

  expected(): unknown {
    const tips = [...this.model.tips.values()].map(({ id, state, rev, block, tip }) => ({
      id,
      state,
      rev,
      block,
      amount: tip.amount.toString(),
    }));
    return tips.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  private plan(parent: BlockHeader, planned: PlannedBlock, used: Set<string>, ancestor = Number.POSITIVE_INFINITY): BlockCommit {
    const tips = planned.map((wish) => this.tip(wish, used, ancestor));
    return aCommit(aChildOf(parent), tips);
  }

  /** Only a tip whose block is not (or no longer) canonical can be in a new block. */
  private tip(wish: PlannedBlock[number], used: Set<string>, ancestor: number): SightedTip {
    const old = wish.again === null ? undefined : this.known[wish.again];
    const seen = old && this.model.tips.get(`${String(this.chainId)}-${old.txHash}-0`);
    const free =
      seen !== undefined &&
      (['orphaned', 'lost', 'seen', 'dropped'].includes(seen.state) || (seen.block > ancestor && seen.state !== 'finalized'));
    if (old === undefined || !free || used.has(old.txHash)) return this.fresh(wish, used);
    used.add(old.txHash);
    const again = { ...seen.tip, ...(wish.moved ? { creator: this.wallet(wish.wallet) } : {}) };
    if (wish.amount === 'same') return again;
    const amount = again.amount + 1n;
    return { ...again, amount, ...(again.display === undefined ? {} : { display: displayOf(again, amount.toString()) }) };
  }

  private fresh(wish: PlannedBlock[number], used: Set<string>): SightedTip {
    const { display, ...tip } = aTip({ creator: this.wallet(wish.wallet) });
    const made = wish.shown && display !== undefined ? { ...tip, display } : tip;
    this.known.push(made);
    used.add(made.txHash);
    return made;
  }

  private at(index: number): BlockHeader {
    const header = this.headers.at(index);
    if (header === undefined) throw new Error('no such block');
    return header;
  }

  private wallet(index: number): Hex {
    const wallet = this.wallets[index];
    if (wallet === undefined) throw new Error('no such wallet');
    return wallet;
  }
}
