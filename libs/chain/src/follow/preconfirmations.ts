import { Logger } from '@nestjs/common';
import { tipId, type BlockCommit, type ChainLog, type Clock, type Hex, type Preconfirmed, type SightedTip } from '@droppio/tips';
import type { ChainSettings } from '../chain-settings.js';
import type { ChainMetrics } from '../metrics.js';
import { TipSpotter } from '../sight-tips.js';
import { PromiseRecord } from './promise-record.js';

interface Promised {
  readonly tip: SightedTip;
  /** Height of the block it was promised for. */
  readonly number: number;
}

/** Transactions whose logs are being gathered, and promises that wait for their block: far more than any block holds. */
const MOST_KEPT = 5000;

/**
 * Tips that nodes promise before their block is sealed. Gathers them, holds each sealed block against what was promised, by payload, and
 * stops by itself when promises are broken: an alert for money that never arrives is worse than one that is two seconds later. Only what
 * goes through the jar counts: a transfer cannot be told from a part of a tip before its transaction is whole.
 */
export class Preconfirmations {
  private readonly logger = new Logger('chain');
  private readonly spotter: TipSpotter;
  private readonly record: PromiseRecord;
  private readonly logs = new Map<Hex, Map<number, ChainLog>>();
  private readonly fresh = new Map<string, SightedTip>();
  private readonly waiting = new Map<string, Promised>();
  /** Tips whose block came, or did not come in time: a late echo of the promise says nothing new. */
  private readonly settled = new Map<string, true>();
  private heardAtMs = 0;
  private isOff = false;
  /** Height at which the ledger was last asked for promises to take back. */
  private lookedAt: number | undefined;

  constructor(
    private readonly chain: ChainSettings,
    private readonly dropAfter: number,
    clock: Clock,
    private readonly metrics: ChainMetrics,
  ) {
    this.spotter = new TipSpotter({ ...chain, transfers: { tokens: false, native: false } });
    this.record = new PromiseRecord(clock);
  }

  get filter(): TipSpotter['filter'] {
    return this.spotter.filter;
  }

  /** A log may come alone and again; the rank of a tip is its place among all that came of its transaction. */
  hear(logs: readonly ChainLog[], receivedAtMs: number): boolean {
    if (this.judge()) return false;
    for (const log of logs) {
      const known = this.logs.get(log.txHash) ?? new Map<number, ChainLog>();
      if (known.has(log.logIndex)) continue;
      this.logs.set(log.txHash, known.set(log.logIndex, log));
      const { tips } = this.spotter.sight([...known.values()].sort((a, b) => a.logIndex - b.logIndex));
      for (const tip of tips) this.promise(this.idOf(tip), tip);
    }
    forgetOldest(this.logs);
    this.heardAtMs = receivedAtMs;
    return this.fresh.size > 0;
  }

  private promise(id: string, tip: SightedTip): void {
    if (!this.waiting.has(id) && !this.settled.has(id)) this.fresh.set(id, tip);
  }

  get hasNews(): boolean {
    return this.fresh.size > 0;
  }

  /** What is to be told now; `undefined`: nothing new. `head` is the height of the newest sealed block that was told of. */
  take(head: number): Preconfirmed | undefined {
    if (this.fresh.size === 0) return undefined;
    const tips = [...this.fresh.values()];
    const number = head + 1;
    for (const [id, tip] of this.fresh) this.waiting.set(id, { tip, number });
    forgetOldest(this.waiting);
    this.fresh.clear();
    this.metrics.blocks.promised(this.chain.chainId, 'seen', tips.length);
    return { tips, number, seenAtMs: this.heardAtMs };
  }

  /** Holds a block that was committed against what was promised. */
  sealed({ block, tips }: BlockCommit): void {
    for (const tip of tips) {
      const id = this.idOf(tip);
      // Sealed before it was told: nothing to tell any more.
      this.fresh.delete(id);
      this.settle(id, tip);
      const promised = this.waiting.get(id);
      if (promised === undefined) continue;
      this.waiting.delete(id);
      this.note(isSame(promised.tip, tip) ? 'kept' : 'mismatch');
    }
    for (const [id, { number, tip }] of this.waiting) {
      if (number > block.number - this.dropAfter) continue;
      this.waiting.delete(id);
      this.settle(id, tip);
      this.note('dropped');
    }
  }

  /**
   * Height up to which promises have not been kept in time and must be taken back; `undefined`: looked for already. Asked of the ledger once
   * for every height: what an earlier term told of, or a statement whose answer was lost and that lands late, is remembered by nobody here.
   */
  due(height: number): number | undefined {
    return height === this.lookedAt ? undefined : height - this.dropAfter;
  }

  dropped(height: number): void {
    this.lookedAt = height;
  }

  /** A new start: what was promised before may have been settled by somebody else. */
  begin(): void {
    for (const kept of [this.logs, this.fresh, this.waiting]) kept.clear();
    this.lookedAt = undefined;
  }

  private settle(id: string, { txHash }: SightedTip): void {
    this.settled.set(id, true);
    forgetOldest(this.settled);
    this.logs.delete(txHash);
  }

  private note(outcome: 'kept' | 'mismatch' | 'dropped'): void {
    this.record.note(outcome === 'kept');
    this.metrics.blocks.promised(this.chain.chainId, outcome);
    this.judge();
  }

  /** Are promises worth nothing at the moment? Says so when that changes. */
  private judge(): boolean {
    const isOff = this.record.isBad;
    if (isOff !== this.isOff) {
      this.isOff = isOff;
      if (isOff) this.fresh.clear();
      const what = { chainId: this.chain.chainId, ...this.record.counts };
      if (isOff) this.logger.error('preconfirmations.off', what);
      else this.logger.log('preconfirmations.on', what);
    }
    this.metrics.follower.set(this.chain.chainId, 'preconfirmations', isOff ? 0 : 1);
    return isOff;
  }

  private idOf({ txHash, ordinal }: SightedTip): string {
    return tipId({ chainId: this.chain.chainId, txHash, ordinal });
  }
}

function isSame(promised: SightedTip, sealed: SightedTip): boolean {
  const facts = ({ creator, from, token, amount, message, ref }: SightedTip): string =>
    JSON.stringify([creator, from, token, amount.toString(), message, ref]);
  return facts(promised) === facts(sealed);
}

function forgetOldest(kept: Map<unknown, unknown>): void {
  for (const oldest of kept.keys()) {
    if (kept.size <= MOST_KEPT) return;
    kept.delete(oldest);
  }
}
