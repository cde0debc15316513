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
  /** What became of it at its creator's rules. */
  screening?: 'waiting' | 'held' | 'rejected' | 'shown' | undefined;
  /** It was told with other facts than these, and these were not judged yet. */
  blank?: boolean;
  erased?: boolean;
}

/** What a creator lets through: everything, what is not too small, or only what a person approves of that. */
export type ModelRules = 'none' | 'minimum' | 'hold';
export const MODEL_MINIMUM = 500_000_000n;

interface ModelBlock {
  readonly number: number;
  readonly hash: Hex;
}

const OPEN: readonly TipState[] = ['confirmed', 'safe'];
const GONE: readonly TipState[] = ['orphaned', 'lost', 'dropped'];

/** One chain and its creators in plain memory, one step at a time: what the ledger has to agree with. Shares no code with it. */
export class LedgerModel {
  readonly tips = new Map<string, ModelTip>();
  readonly streams = new Map<string, ToldEvent[]>();
  readonly rules = new Map<string, ModelRules>();
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
      if (tip.due !== undefined && tip.due <= block.number + onTop) this.ripen(tip);
    }
  }

  /** A promise for the block at this height. */
  sight(tip: SightedTip, number: number): void {
    const owner = tip.display && this.owners.get(tip.creator);
    if (owner === undefined || this.alertAfter.get(owner) !== 0 || this.tips.has(this.idOf(tip))) return;
    const seen: ModelTip = { id: this.idOf(tip), tip, block: number, state: 'seen', rev: 1, toldTo: owner, told: false };
    this.tips.set(seen.id, seen);
    this.ripen(seen);
  }

  drop(upTo: number): void {
    for (const tip of this.inOrder()) {
      if (tip.state !== 'seen' || tip.block > upTo) continue;
      this.change(tip, 'dropped');
      this.takeBack(tip);
    }
  }

  /** As any process may, at any time. */
  screen(creator: string): void {
    const age = ({ state, block }: ModelTip): number => (state === 'seen' ? -1 : block);
    const waiting = this.inOrder().filter(({ screening, toldTo }) => screening === 'waiting' && toldTo === creator);
    for (const tip of waiting.sort((a, b) => age(a) - age(b))) {
      const verdict = this.verdictOn(tip);
      tip.screening = tip.told ? 'shown' : verdict;
      tip.blank = false;
      if (verdict !== 'shown') continue;
      // Told before with other facts: what went blank is corrected.
      if (!tip.told) this.tellFirst(tip);
      else {
        tip.rev += 1;
        this.tell(creator, 'tip.updated', tip);
      }
    }
  }

  /** Tips that a person may decide on, by id. */
  held(): ModelTip[] {
    return this.inOrder().filter(({ screening, state }) => screening === 'held' && !GONE.includes(state));
  }

  decide(tip: ModelTip, verdict: 'shown' | 'rejected'): void {
    tip.screening = verdict;
    if (verdict === 'rejected') tip.due = undefined;
    else if (tip.due === undefined) this.tellFirst(tip);
  }

  /** Told once, where the tip stands on the screen; nothing that comes later knows of it. */
  erase(tip: ModelTip): void {
    if (tip.erased === true) return;
    tip.erased = true;
    if (!tip.told || tip.toldTo === undefined || GONE.includes(tip.state)) return;
    tip.rev += 1;
    this.tell(tip.toldTo, 'tip.updated', tip);
  }

  reorganise(ancestor: number, branch: readonly BlockCommit[]): void {
    const kept = new Set(branch.flatMap(({ tips }) => tips.map((tip) => this.idOf(tip))));
    for (const tip of this.inOrder()) {
      if (tip.block <= ancestor || !OPEN.includes(tip.state) || kept.has(tip.id)) continue;
      this.change(tip, 'orphaned');
      tip.due = undefined;
      this.takeBack(tip);
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
    const isAltered = old.tip.amount !== tip.amount || old.tip.creator !== tip.creator;
    const changed = old.state !== 'confirmed' || isAltered;
    const wasShown = old.told && !GONE.includes(old.state);
    const before = old.toldTo;
    const toldTo = old.tip.creator === tip.creator ? before : owner;
    Object.assign(old, { tip, block, toldTo, told: old.told && before === toldTo, due: undefined });
    this.judgeAnew(old, isAltered);
    if (changed) this.change(old, 'confirmed');
    if (before !== toldTo && wasShown) this.tell(before, 'tip.retracted', old);
    if (!old.told) this.tellWhenRipe(old, onTop);
    else if (changed) this.tell(toldTo, 'tip.updated', old);
  }

  /** A verdict lasts as long as the facts; who was told of others before waits for a new one. */
  private judgeAnew(tip: ModelTip, isAltered: boolean): void {
    const isUnjudged = isAltered || (tip.blank === true && tip.screening === undefined);
    if (tip.told && !isUnjudged) return;
    if (isUnjudged || tip.screening === 'waiting') tip.screening = undefined;
    tip.blank = isUnjudged && tip.told && this.screens(tip.toldTo);
    if (tip.blank) tip.screening = 'waiting';
  }

  private tellWhenRipe(tip: ModelTip, onTop: number): void {
    const missing = (this.alertAfter.get(tip.toldTo ?? '') ?? 1) - 1;
    if (missing <= onTop) this.ripen(tip);
    else tip.due = tip.block + missing;
  }

  /** Nothing is waited for any more but a verdict. */
  private ripen(tip: ModelTip): void {
    tip.due = undefined;
    if (tip.screening === undefined && this.screens(tip.toldTo)) tip.screening = 'waiting';
    if (tip.screening === undefined || tip.screening === 'shown') this.tellFirst(tip);
  }

  private screens(creator: string | undefined): boolean {
    return (this.rules.get(creator ?? '') ?? 'none') !== 'none';
  }

  private verdictOn({ toldTo, tip }: ModelTip): 'held' | 'rejected' | 'shown' {
    const rules = this.rules.get(toldTo ?? '') ?? 'none';
    if (rules === 'none') return 'shown';
    if (tip.amount < MODEL_MINIMUM) return 'rejected';
    return rules === 'hold' ? 'held' : 'shown';
  }

  /** Retracted where it was told; what was never judged is forgotten. */
  private takeBack(tip: ModelTip): void {
    if (tip.screening === 'waiting') tip.screening = undefined;
    if (tip.told) this.tell(tip.toldTo, 'tip.retracted', tip);
  }

  private tellFirst(tip: ModelTip): void {
    tip.told = true;
    tip.due = undefined;
    this.tell(tip.toldTo, 'tip', tip);
  }

  private raise(tip: ModelTip, state: TipState): void {
    this.change(tip, state);
    if (tip.told) this.tell(tip.toldTo, 'tip.updated', tip);
    else if (state === 'finalized') this.ripen(tip);
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
