import {
  TIP_TTL_MS,
  tipId,
  TipLedger,
  uncovered,
  type BackfillBlock,
  type BackfillOutcome,
  type BackfillRange,
  type BlockCommit,
  type BlockHeader,
  type BlockRange,
  type BlockRef,
  type ChainCursor,
  type CommitOutcome,
  type CreatorEvent,
  type FeedPosition,
  type FeedSnapshot,
  type FinalizeOutcome,
  type Hex,
  type Lease,
  type Preconfirmed,
  type QuarantinedLog,
  type Reorg,
  type SightedTip,
  type StoredSighting,
  type TipState,
} from '@droppio/tips';
import type { Link } from '../follow/block-window.js';

interface Stored {
  readonly tip: SightedTip;
  state: TipState;
  rev: number;
  block: BlockRef;
}

/** In a canonical block. */
const STANDING: ReadonlySet<TipState> = new Set(['confirmed', 'safe', 'finalized']);
const MOVED: CommitOutcome = { kind: 'moved' };

/**
 * One chain's ledger in memory, for tests of whoever commits. Keeps the rules that a committer can break: compare-and-swap on the parent,
 * the fence, one tip per key, a revision per visible change, gapless seqs. Creators are their wallets. Publishing is not its business.
 */
export class MemoryTipLedger extends TipLedger {
  readonly tips = new Map<string, Stored>();
  readonly events = new Map<string, CreatorEvent[]>();
  readonly quarantine: QuarantinedLog[] = [];
  /** How many calls changed something, by name. */
  readonly writes: Record<string, number> = {};
  /** Wallets whose creators hear of a tip before its block. */
  readonly early = new Set<Hex>();
  /** Tips that one call of `finalize` raises. */
  raisedAtOnce = Infinity;
  private canonical: (Link & { readonly timestampMs: number })[] = [];
  private readonly covered: (BlockRange & { readonly filter: string })[] = [];
  private begun = -1;
  private finalized = -1;
  private walk: { readonly filter: string; readonly from: number } | undefined;
  private fence = 0;
  private lease: { holder: string; untilMs: number } | undefined;

  constructor(private readonly now: () => number = Date.now) {
    super();
  }

  get height(): number {
    return this.canonical.at(-1)?.number ?? -1;
  }

  /** Tips on the canonical chain, as the key of each. */
  get standing(): readonly string[] {
    return [...this.tips].filter(([, { state }]) => STANDING.has(state)).map(([id]) => id);
  }

  override acquire(
    _chainId: number,
    holder: string,
    ttlMs: number,
    { force = false }: { force?: boolean } = {},
  ): Promise<Lease | undefined> {
    const held = this.lease;
    if (!force && held !== undefined && held.holder !== holder && held.untilMs > this.now()) return Promise.resolve(undefined);
    if (held?.holder !== holder) this.fence += 1;
    this.lease = { holder, untilMs: this.now() + ttlMs };
    return Promise.resolve({ fence: this.fence, expiresInMs: ttlMs });
  }

  override release(_chainId: number, holder: string): Promise<void> {
    if (this.lease?.holder === holder) this.lease = { holder: '', untilMs: 0 };
    return Promise.resolve();
  }

  override cursor(): Promise<ChainCursor | undefined> {
    const tip = this.canonical.at(-1);
    return Promise.resolve(tip && { number: tip.number, hash: tip.hash, fence: this.fence });
  }

  override begin(_chainId: number, block: BlockHeader): Promise<ChainCursor> {
    if (this.canonical.length === 0) {
      this.canonical.push(block);
      this.begun = block.number;
    }
    const tip = this.canonical.at(-1) ?? block;
    return Promise.resolve({ number: tip.number, hash: tip.hash, fence: this.fence });
  }

  override window(_chainId: number, limit: number): Promise<readonly Link[]> {
    return Promise.resolve(this.canonical.slice(-limit).reverse());
  }

  override commit(_chainId: number, fence: number, commit: BlockCommit): Promise<CommitOutcome> {
    const tip = this.canonical.at(-1);
    if (fence !== this.fence || tip?.hash !== commit.block.parentHash || tip.number + 1 !== commit.block.number)
      return Promise.resolve(MOVED);
    this.wrote('commit');
    return Promise.resolve({ kind: 'committed', creators: [...this.store(commit)] });
  }

  override reorganise(_chainId: number, fence: number, { from, ancestor, branch }: Reorg): Promise<CommitOutcome> {
    const at = this.canonical.findIndex((block) => block.hash === ancestor.hash);
    if (fence !== this.fence || this.canonical.at(-1)?.hash !== from.hash || at < 0) return Promise.resolve(MOVED);
    this.wrote('reorganise');
    this.canonical = this.canonical.slice(0, at + 1);
    const creators = new Set<string>();
    const kept = new Set(branch.flatMap(({ tips }) => tips.map((tip) => this.idOf(tip))));
    for (const [id, stored] of this.tips) {
      if (stored.block.number <= ancestor.number || kept.has(id) || !STANDING.has(stored.state)) continue;
      this.change(stored, 'orphaned');
      creators.add(stored.tip.creator);
    }
    for (const commit of branch) {
      if (this.canonical.at(-1)?.hash !== commit.block.parentHash) throw new Error('a branch whose blocks are not each other’s children');
      for (const creator of this.store(commit)) creators.add(creator);
    }
    return Promise.resolve({ kind: 'committed', creators: [...creators] });
  }

  /** Nobody waits here: see `early`. */
  override tellDue(...[, fence]: Parameters<TipLedger['tellDue']>): Promise<CommitOutcome> {
    return Promise.resolve(fence === this.fence ? { kind: 'committed', creators: [] } : MOVED);
  }

  override finalize(_chainId: number, fence: number, marks: { safe?: BlockRef; finalized?: BlockRef }): Promise<FinalizeOutcome> {
    if (fence !== this.fence) return Promise.resolve({ kind: 'moved' });
    this.wrote('finalize');
    const [safe, finalized] = [marks.safe?.number ?? -1, marks.finalized?.number ?? -1];
    const due = [...this.tips.values()].flatMap((stored) => {
      const { state, block } = stored;
      const next = block.number <= finalized ? 'finalized' : block.number <= safe ? 'safe' : state;
      return !STANDING.has(state) || state === next || (state === 'finalized' && next === 'safe') ? [] : [{ stored, next }];
    });
    const raised = due.slice(0, this.raisedAtOnce);
    for (const { stored, next } of raised) this.change(stored, next);
    const creators = [...new Set(raised.map(({ stored }) => stored.tip.creator))];
    if (raised.length < due.length) return Promise.resolve({ kind: 'committed', creators, more: true });
    this.finalized = Math.max(this.finalized, finalized);
    return Promise.resolve({ kind: 'committed', creators });
  }

  override looksFor(_chainId: number, fence: number, filter: string): Promise<void> {
    if (fence !== this.fence || this.walk?.filter === filter) return Promise.resolve();
    if (this.walk !== undefined)
      this.covered.push({ filter: this.walk.filter, from: this.walk.from + 1, to: Math.min(this.height, this.finalized) });
    this.walk = { filter, from: this.height };
    return Promise.resolve();
  }

  override backfill(_chainId: number, range: BackfillRange, blocks: readonly BackfillBlock[]): Promise<BackfillOutcome> {
    const { filter, from, to, final = -1 } = range;
    const last = Math.max(this.finalized, Math.min(this.begun, final));
    const taken = blocks.filter(({ block }) => block.number <= last || this.canonical.some(({ hash }) => hash === block.hash));
    const creators = new Set<string>();
    let stored = 0;
    this.wrote('backfill');
    for (const { block, tips, quarantined, tell } of taken) {
      this.quarantine.push(...quarantined);
      for (const tip of tips.filter((found) => !this.tips.has(this.idOf(found)))) {
        const fresh: Stored = { tip, state: block.number <= last ? 'finalized' : 'confirmed', rev: 1, block };
        this.tips.set(this.idOf(tip), fresh);
        stored += 1;
        if (tell) this.tell(fresh, 'tip');
        if (tell) creators.add(tip.creator);
      }
    }
    if (from <= Math.min(to, last)) this.covered.push({ filter, from, to: Math.min(to, last) });
    const all = taken.reduce((sum, { tips }) => sum + tips.length, 0);
    return Promise.resolve({ creators: [...creators], stored, known: all - stored, later: blocks.length - taken.length });
  }

  override settled(_chainId: number, final: number): Promise<number | undefined> {
    return Promise.resolve(this.canonical.length === 0 ? undefined : Math.max(this.finalized, Math.min(this.begun, final)));
  }

  override holes(_chainId: number, filter: string, range: BlockRange): Promise<readonly BlockRange[]> {
    const walked = this.walk?.filter === filter ? [{ from: this.walk.from + 1, to: this.height }] : [];
    return Promise.resolve(uncovered(range, [...this.covered.filter((part) => part.filter === filter), ...walked]));
  }

  override sight(_chainId: number, fence: number, { tips, number }: Preconfirmed): Promise<CommitOutcome> {
    if (fence !== this.fence) return Promise.resolve(MOVED);
    this.wrote('sight');
    const wanted = tips.filter((tip) => this.early.has(tip.creator) && !this.tips.has(this.idOf(tip)));
    for (const tip of wanted) {
      const stored: Stored = { tip, state: 'seen', rev: 1, block: { number, hash: '0x00' } };
      this.tips.set(this.idOf(tip), stored);
      this.tell(stored, 'tip');
    }
    return Promise.resolve({ kind: 'committed', creators: wanted.map(({ creator }) => creator) });
  }

  override drop(_chainId: number, fence: number, upTo: number): Promise<CommitOutcome> {
    if (fence !== this.fence) return Promise.resolve(MOVED);
    this.wrote('drop');
    const gone = [...this.tips.values()].filter(({ state, block }) => state === 'seen' && block.number <= upTo);
    for (const stored of gone) this.change(stored, 'dropped');
    return Promise.resolve({ kind: 'committed', creators: gone.map(({ tip }) => tip.creator) });
  }

  override finalizedHeight(): Promise<number | undefined> {
    return Promise.resolve(this.finalized >= 0 ? this.finalized : this.canonical[0]?.number);
  }

  override sightings(_chainId: number, from: number, to: number): Promise<readonly StoredSighting[]> {
    const isWithin = ({ number, hash }: BlockRef): boolean =>
      number >= from && number <= to && this.canonical.some((block) => block.hash === hash);
    const sighted = [...this.tips.values()]
      .filter(({ block, state }) => STANDING.has(state) && isWithin(block))
      .map(({ tip, block }): StoredSighting => ({ blockHash: block.hash, logIndex: tip.logIndex, tip }));
    const aside = this.quarantine
      .filter(({ log }) => isWithin({ number: log.blockNumber, hash: log.blockHash }))
      .map(({ log }): StoredSighting => ({ blockHash: log.blockHash, logIndex: log.logIndex }));
    return Promise.resolve([...sighted, ...aside]);
  }

  /** Nobody has rules here. */
  override screen(): Promise<boolean> {
    return Promise.resolve(false);
  }

  override unscreened(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  override eventsAfter(creatorId: string, seq: number, limit: number): Promise<readonly CreatorEvent[]> {
    return Promise.resolve((this.events.get(creatorId) ?? []).slice(seq, seq + limit));
  }

  override position(): Promise<FeedPosition | undefined> {
    return Promise.resolve(undefined);
  }

  override snapshot(): Promise<FeedSnapshot | undefined> {
    return Promise.resolve(undefined);
  }

  override markPublished(): Promise<void> {
    return Promise.resolve();
  }

  override unpublished(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  private store({ block, tips, quarantined }: BlockCommit): ReadonlySet<string> {
    this.canonical.push(block);
    this.quarantine.push(...quarantined);
    const creators = new Set<string>();
    for (const tip of tips) {
      const id = this.idOf(tip);
      const known = this.tips.get(id);
      const stored: Stored = { tip, state: 'confirmed', rev: (known?.rev ?? 0) + (known?.state === 'confirmed' ? 0 : 1), block };
      this.tips.set(id, stored);
      if (known?.state === 'confirmed') continue;
      this.tell(stored, known === undefined ? 'tip' : 'tip.updated');
      creators.add(tip.creator);
    }
    return creators;
  }

  private change(stored: Stored, state: TipState): void {
    stored.state = state;
    stored.rev += 1;
    this.tell(stored, state === 'orphaned' || state === 'dropped' ? 'tip.retracted' : 'tip.updated');
  }

  private tell({ tip, state, rev, block }: Stored, type: 'tip' | 'tip.updated' | 'tip.retracted'): void {
    if (tip.display === undefined) return;
    const events = this.events.get(tip.creator) ?? [];
    events.push({
      seq: events.length + 1,
      id: this.idOf(tip),
      type,
      state,
      rev,
      d: tip.display,
      ttlMs: TIP_TTL_MS,
      at: { seen: block.number },
    });
    this.events.set(tip.creator, events);
  }

  private idOf(tip: SightedTip): string {
    return tipId({ chainId: 1, txHash: tip.txHash, ordinal: tip.ordinal });
  }

  private wrote(what: string): void {
    this.writes[what] = (this.writes[what] ?? 0) + 1;
  }
}
