import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import { backoffMs, type Clock, type Hex, type TipValuation, type TipValues, type UnpricedTip, type UnvaluedTip } from '@droppio/tips';
import { pricedTokens, type ChainSettings, type PricedToken } from '../chain-settings.js';
import type { PriceMetrics } from './price-metrics.js';
import { NoPrice, type PriceInBlock, type PriceReader } from './price-reader.js';
import { priceText, usdAmount } from './usd-amount.js';

export interface PriceParts {
  readonly values: TipValues;
  readonly prices: Pick<PriceReader, 'priceIn'>;
  readonly clock: Clock;
  readonly metrics: PriceMetrics;
  /** Only the leader of the chain looks for prices: two would read the same. */
  readonly isLeading: () => boolean;
}

const SWEEP_MS = 2000;
const PAGE = 200;
/** Few, since they share what may be asked of the nodes with the live blocks. */
const READINGS_AT_ONCE = 4;
const PAUSE = { baseMs: 1000, capMs: 60_000 };
/** With these two a tip is looked at for about two hours before it is given up. */
const RETRY = { baseMs: 2000, capMs: 3_600_000 };
export const MOST_FAILURES = 14;

/** Tips of one token in one block: they have one price. */
interface Batch {
  readonly token: PricedToken | undefined;
  readonly tips: readonly [UnvaluedTip, ...UnvaluedTip[]];
}

/**
 * Notes what tips were worth, after they were stored and told: nothing ever waits for a price. Whatever waits is found in the database, so a
 * crash, a reorganisation, a backfill or a source that was configured later need no word from anybody.
 */
export class PriceKeeper {
  private readonly logger = new Logger('chain');
  private readonly tokens: ReadonlyMap<Hex, PricedToken>;

  constructor(
    private readonly chain: Pick<ChainSettings, 'chainId' | 'native' | 'tokens'>,
    private readonly parts: PriceParts,
  ) {
    this.tokens = pricedTokens(chain);
  }

  /** Looks again and again until `over` aborts. Never rejects. */
  async keep(over: AbortSignal): Promise<void> {
    const { clock, isLeading } = this.parts;
    for (let failures = 0; !over.aborted;) {
      let pauseMs = SWEEP_MS;
      try {
        const outcome = isLeading() ? await this.look(over) : 'all';
        failures = outcome === 'nodes-away' ? failures + 1 : 0;
        if (outcome === 'more') pauseMs = 0;
      } catch (error) {
        failures += 1;
        this.logger.warn('price.look-failed', { chainId: this.chain.chainId, ...errorFields(error) });
      }
      if (failures > 0) pauseMs += backoffMs(failures, PAUSE);
      if (pauseMs > 0) await clock.sleep(pauseMs, over);
    }
  }

  /** One page of what waits. `nodes-away`: nobody answers, so the rest of the page need not be tried. Throws `StorageUnavailable`. */
  async look(over?: AbortSignal): Promise<'more' | 'all' | 'nodes-away'> {
    const { values, metrics } = this.parts;
    const { chainId } = this.chain;
    const waiting = await values.unvalued({ chainId, tokens: [...this.tokens.keys()], limit: PAGE });
    metrics.waiting(chainId, Math.min(PAGE, waiting.length));
    const batches = this.batches(waiting);
    let noted = 0;
    for (let at = 0; at < batches.length && over?.aborted !== true; at += READINGS_AT_ONCE) {
      const valued = await Promise.all(batches.slice(at, at + READINGS_AT_ONCE).map((batch) => this.value(batch)));
      noted += await values.note(valued.flat());
      if (valued.flat().some(({ outcome }) => 'reason' in outcome && outcome.reason === 'no-answer')) return 'nodes-away';
    }
    // Tips that others are changing cannot be noted: no reason to look again at once.
    return waiting.length >= PAGE && noted > 0 ? 'more' : 'all';
  }

  private batches(waiting: readonly UnvaluedTip[]): readonly Batch[] {
    const batches = new Map<string, [UnvaluedTip, ...UnvaluedTip[]]>();
    for (const tip of waiting) {
      const key = `${tip.blockHash} ${tip.token}`;
      const known = batches.get(key);
      if (known === undefined) batches.set(key, [tip]);
      else known.push(tip);
    }
    return [...batches.values()].map((tips) => ({ tips, token: this.tokens.get(tips[0].token) }));
  }

  private async value({ token, tips }: Batch): Promise<readonly TipValuation[]> {
    // It had a source when it first failed.
    if (token === undefined) return this.without('no-source', true, tips);
    try {
      const price = await this.parts.prices.priceIn(token.usd, tips[0]);
      return tips.map((tip) => this.priced(tip, token, price));
    } catch (error) {
      if (!(error instanceof NoPrice)) throw error;
      const { chainId } = this.chain;
      this.logger.debug('price.unavailable', { chainId, block: tips[0].blockNumber, reason: error.reason, ...errorFields(error.cause) });
      return this.without(error.reason, error.isForEver, tips);
    }
  }

  private priced(tip: UnvaluedTip, { decimals }: PricedToken, price: PriceInBlock): TipValuation {
    const { clock, metrics } = this.parts;
    const usd = usdAmount(tip.amount, decimals, price);
    if (usd === undefined) return this.unpriced(tip, 'out-of-range', true);
    metrics.priced(tip.chainId, Math.max(0, clock.now() - tip.blockTimestampMs) / 1000);
    const { source, roundId, pricedAtMs } = price;
    return { ...keyOf(tip), outcome: { usd, price: priceText(price), source, pricedAtMs, ...(roundId === undefined ? {} : { roundId }) } };
  }

  private without(reason: string, isForEver: boolean, tips: readonly UnvaluedTip[]): readonly TipValuation[] {
    return tips.map((tip) => this.unpriced(tip, reason, isForEver));
  }

  private unpriced(tip: UnvaluedTip, reason: string, isForEver: boolean): TipValuation {
    const failures = tip.failures + 1;
    const isOver = isForEver || failures >= MOST_FAILURES;
    this.parts.metrics.unpriced(tip.chainId, reason, 1, isOver);
    const outcome: UnpricedTip = { reason, failures, ...(isOver ? {} : { retryMs: backoffMs(failures, RETRY) }) };
    return { ...keyOf(tip), outcome };
  }
}

function keyOf({ chainId, txHash, ordinal, blockHash }: UnvaluedTip): Omit<TipValuation, 'outcome'> {
  return { chainId, txHash, ordinal, blockHash };
}
