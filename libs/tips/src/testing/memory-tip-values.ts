import type { Hex } from '../hex.js';
import { TipValues, type PricedTip, type TipValuation, type UnvaluedTip } from '../ports/tip-values.js';
import { tipId, type TipKey, type TipState } from '../tip.js';

interface Row {
  tip: UnvaluedTip;
  state: TipState;
  valuation?: TipValuation;
  retryAtMs?: number;
}

/** The worth of tips in memory; a test moves the tips about. */
export class MemoryTipValues extends TipValues {
  private readonly rows = new Map<string, Row>();

  constructor(private readonly now: () => number = Date.now) {
    super();
  }

  store(tip: UnvaluedTip, state: TipState = 'confirmed'): void {
    this.rows.set(tipId(tip), { tip, state });
  }

  move(key: TipKey, { blockHash, state }: { readonly blockHash: Hex; readonly state: TipState }): void {
    const row = this.rows.get(tipId(key));
    if (row !== undefined) Object.assign(row, { state, tip: { ...row.tip, blockHash } });
  }

  /** What is noted for the block that the tip is in. */
  outcomeOf(key: TipKey): TipValuation['outcome'] | undefined {
    const row = this.rows.get(tipId(key));
    return row?.valuation?.blockHash === row?.tip.blockHash ? row?.valuation?.outcome : undefined;
  }

  pricedOf(key: TipKey): PricedTip | undefined {
    const outcome = this.outcomeOf(key);
    return outcome !== undefined && 'usd' in outcome ? outcome : undefined;
  }

  override unvalued(query: {
    readonly chainId: number;
    readonly tokens: readonly Hex[];
    readonly limit: number;
  }): Promise<readonly UnvaluedTip[]> {
    const rows = [...this.rows.values()].filter(({ tip }) => tip.chainId === query.chainId);
    const fresh = rows
      .filter((row) => isFresh(row) && query.tokens.includes(row.tip.token))
      .sort((a, b) => b.tip.blockNumber - a.tip.blockNumber);
    const due = rows.filter((row) => !isFresh(row) && (row.retryAtMs ?? Infinity) <= this.now());
    return Promise.resolve([
      ...fresh.slice(0, query.limit).map(({ tip }) => tip),
      ...due.slice(0, query.limit).map(({ tip, valuation }) => ({ ...tip, failures: failuresOf(valuation) })),
    ]);
  }

  override note(valuations: readonly TipValuation[]): Promise<number> {
    let noted = 0;
    for (const valuation of valuations) {
      const row = this.rows.get(tipId(valuation));
      if (row?.tip.blockHash !== valuation.blockHash) continue;
      const { outcome } = valuation;
      const retryMs = 'reason' in outcome ? outcome.retryMs : undefined;
      row.valuation = valuation;
      if (retryMs === undefined) delete row.retryAtMs;
      else row.retryAtMs = this.now() + retryMs;
      noted += 1;
    }
    return Promise.resolve(noted);
  }
}

function isFresh({ tip, state, valuation }: Row): boolean {
  return ['confirmed', 'safe', 'finalized'].includes(state) && valuation?.blockHash !== tip.blockHash;
}

function failuresOf(valuation: TipValuation | undefined): number {
  return valuation !== undefined && 'reason' in valuation.outcome ? valuation.outcome.failures : 0;
}
