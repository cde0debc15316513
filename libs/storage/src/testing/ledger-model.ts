import { tipId, type BlockCommit, type Hex, type SightedTip, type TipState } from '@droppio/tips';

/** What a stream should hold, but for times and texts. */
export interface ToldEvent {
  readonly seq: number;
  readonly type: string;
  readonly id: string;
  readonly state: TipState;
  readonly rev: number;
}

interface ModelTip {
  readonly id: string;
  tip: SightedTip;
  block: number;
  state: TipState;
  rev: number;
  toldTo: string | undefined;
  /** Its creator has heard of it, or nobody will. */
  told: boolean;
  /** Height at which its creator may hear of it. */
  due?: number | undefined;
}

interface ModelBlock {
  readonly number: number;
  readonly hash: Hex;
}

const OPEN: readonly TipState[] = ['confirmed', 'safe'];

/** One chain and its creators in plain memory, one step at a time: what the ledger has to agree with. Shares no code with it. */
export class LedgerModel {
  readonly tips = new Map<string, ModelTip>();
  readonly streams = new Map<string, ToldEvent[]>();
  private safe = -1;
  private finalized = -1;

  constructor(
    private readonly chainId: number,
    readonly blocks: ModelBlock[],
    private readonly owners: ReadonlyMap<Hex, string>,
    private readonly alertAfter: ReadonlyMap<string, number>,
  ) {}

  get lowestRewind(): number {
    return Math.max(this.finalized, this.blocks[0]?.number ?? 0);
  }

  commit({ block, tips, onTop = 0 }: BlockCommit): void {
    this.blocks.push(block);
    for (const tip of tips) this.seal(tip, block.number, onTop);
    for (const tip of this.inOrder()) {
      if (tip.due === undefined || tip.due > block.number + onTop) continue;
      tip.due = undefined;
      this.tellFirst(tip);
    }
  }

  /** A promise for the block at this height. */
  sight(tip: SightedTip, number: number): void {
    const owner = tip.display && this.owners.get(tip.creator);
    if (owner === undefined || this.alertAfter.get(owner) !== 0 || this.tips.has(this.idOf(tip))) return;
    const seen: ModelTip = { id: this.idOf(tip), tip, block: number, state: 'seen', rev: 1, toldTo: owner, told: false };
    this.tips.set(seen.id, seen);
    this.tellFirst(seen);
  }

  drop(upTo: number): void {
    for (const tip of this.inOrder()) {
      if (tip.state !== 'seen' || tip.block > upTo) continue;
      this.change(tip, 'dropped');
      this.tell(tip.toldTo, 'tip.retracted', tip);
    }
  }

  reorganise(ancestor: number, branch: readonly BlockCommit[]): void {
    const kept = new Set(branch.flatMap(({ tips }) => tips.map((tip) => this.idOf(tip))));
    for (const tip of this.inOrder()) {
      if (tip.block <= ancestor || !OPEN.includes(tip.state) || kept.has(tip.id)) continue;
      this.change(tip, 'orphaned');
      tip.due = undefined;
      if (tip.told) this.tell(tip.toldTo, 'tip.retracted', tip);
    }
    this.blocks.splice(this.blocks.findIndex(({ number }) => number === ancestor) + 1);
    this.safe = Math.min(this.safe, ancestor);
    for (const commit of branch) this.commit(commit);
  }

  finalize(safe: number, finalized: number): void {
    if (safe <= this.safe && finalized <= this.finalized) return;
    for (const tip of this.inOrder()) {
      if (tip.state === 'orphaned' && tip.block <= finalized) tip.state = 'lost';
      else if (OPEN.includes(tip.state) && tip.block <= finalized) this.raise(tip, 'finalized');
      else if (tip.state === 'confirmed' && tip.block <= safe) this.raise(tip, 'safe');
    }
    this.safe = Math.max(this.safe, safe, finalized);
    this.finalized = Math.max(this.finalized, finalized);
  }

  private seal(tip: SightedTip, block: number, onTop: number): void {
    const owner = tip.display && this.owners.get(tip.creator);
    const old = this.tips.get(this.idOf(tip));
    if (old === undefined) {
      const fresh: ModelTip = { id: this.idOf(tip), tip, block, state: 'confirmed', rev: 1, toldTo: owner, told: false };
      this.tips.set(fresh.id, fresh);
      this.tellWhenRipe(fresh, onTop);
      return;
    }
    const changed = old.state !== 'confirmed' || old.tip.amount !== tip.amount || old.tip.creator !== tip.creator;
    const wasShown = old.told && !['orphaned', 'lost', 'dropped'].includes(old.state);
    const before = old.toldTo;
    const toldTo = old.tip.creator === tip.creator ? before : owner;
    Object.assign(old, { tip, block, toldTo, told: old.told && before === toldTo });
    if (changed) this.change(old, 'confirmed');
    if (before !== toldTo && wasShown) this.tell(before, 'tip.retracted', old);
    if (!old.told) this.tellWhenRipe(old, onTop);
    else if (changed) this.tell(toldTo, 'tip.updated', old);
  }

  private tellWhenRipe(tip: ModelTip, onTop: number): void {
    const missing = (this.alertAfter.get(tip.toldTo ?? '') ?? 1) - 1;
    if (missing <= onTop) this.tellFirst(tip);
    else tip.due = tip.block + missing;
  }

  private tellFirst(tip: ModelTip): void {
    tip.told = true;
    tip.due = undefined;
    this.tell(tip.toldTo, 'tip', tip);
  }

  private raise(tip: ModelTip, state: TipState): void {
    this.change(tip, state);
    if (tip.told) this.tell(tip.toldTo, 'tip.updated', tip);
    else if (state === 'finalized') this.tellFirst(tip);
  }

  private change(tip: ModelTip, state: TipState): void {
    tip.state = state;
    tip.rev += 1;
  }

  private tell(creator: string | undefined, type: string, { id, state, rev }: ModelTip): void {
    if (creator === undefined) return;
    const stream = this.streams.get(creator) ?? [];
    this.streams.set(creator, [...stream, { seq: stream.length + 1, type, id, state, rev }]);
  }

  private inOrder(): ModelTip[] {
    return [...this.tips.values()].sort((a, b) => a.block - b.block || a.tip.logIndex - b.tip.logIndex);
  }

  private idOf({ txHash, ordinal }: SightedTip): string {
    return tipId({ chainId: this.chainId, txHash, ordinal });
  }
}
