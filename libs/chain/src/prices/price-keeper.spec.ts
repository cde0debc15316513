import { setImmediate as turn } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { NATIVE_TOKEN, StorageUnavailable, type Hex, type UnvaluedTip } from '@droppio/tips';
import { ManualClock, MemoryTipValues, randomHex } from '@droppio/tips/testing';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { testChain } from '../testing/follow-kit.js';
import { MOST_FAILURES, PriceKeeper } from './price-keeper.js';
import { PriceMetrics } from './price-metrics.js';
import { NoPrice, type BlockMoment, type NoPriceReason, type PriceInBlock } from './price-reader.js';

Logger.overrideLogger(false);

const FEED: Hex = '0x00000000000000000000000000000000000000fe';
const USDC = randomHex(20);
const chain = testChain({
  native: { symbol: 'ETH', decimals: 18, usd: { feed: FEED, decimals: 8, maxAgeSec: 60 } },
  tokens: [
    { address: USDC, symbol: 'USDC', decimals: 6, usd: { peg: '1' } },
    { address: randomHex(20), symbol: 'NOPE', decimals: 18 },
  ],
});

/** Says what the test wants of each block. */
class ScriptedPrices {
  readonly asked: Hex[] = [];
  isAway = false;
  readonly failing = new Map<Hex, NoPriceReason>();

  priceIn(_source: unknown, { blockHash }: BlockMoment): Promise<PriceInBlock> {
    this.asked.push(blockHash);
    const reason = this.isAway ? 'no-answer' : this.failing.get(blockHash);
    if (reason !== undefined) return Promise.reject(new NoPrice(reason));
    return Promise.resolve({ answer: 3000_00000000n, decimals: 8, source: FEED, roundId: '7', pricedAtMs: 1 });
  }
}

let clock: ManualClock;
let values: MemoryTipValues;
let prices: ScriptedPrices;
let isLeading: boolean;
let keeper: PriceKeeper;

beforeEach(() => {
  clock = new ManualClock();
  values = new MemoryTipValues(() => clock.now());
  prices = new ScriptedPrices();
  isLeading = true;
  keeper = new PriceKeeper(chain, { values, prices, clock, metrics: PriceMetrics.unregistered(), isLeading: () => isLeading });
});

let height = 0;
function aTip(fields: Partial<UnvaluedTip> = {}): UnvaluedTip {
  height += 1;
  const block = { blockNumber: height, blockHash: randomHex(32), blockTimestampMs: clock.now() };
  const tip = { chainId: 1, txHash: randomHex(32), ordinal: 0, token: NATIVE_TOKEN, amount: 10n ** 16n, failures: 0, ...block, ...fields };
  values.store(tip);
  return tip;
}
const reasonOf = (tip: UnvaluedTip): string | undefined => {
  const outcome = values.outcomeOf(tip);
  return outcome !== undefined && 'reason' in outcome ? outcome.reason : undefined;
};

describe(PriceKeeper.name, () => {
  it('notes what a tip is worth, with where that is from', async () => {
    const tip = aTip();
    expect(await keeper.look()).toBe('all');
    expect(values.outcomeOf(tip)).toEqual({ usd: '30.00000000', price: '3000', source: FEED, roundId: '7', pricedAtMs: 1 });
  });

  it('asks once for all tips of a token in one block', async () => {
    const first = aTip();
    const second = aTip({ blockHash: first.blockHash, amount: 1n });
    await keeper.look();
    expect(prices.asked).toEqual([first.blockHash]);
    expect(values.pricedOf(second)?.usd).toBe('0.00000000');
  });

  it('prices the newest of very many first, and says that there are more', async () => {
    const tips = Array.from({ length: 450 }, () => aTip());
    expect(await keeper.look()).toBe('more');
    expect(tips.map((tip) => values.pricedOf(tip) !== undefined)).toEqual(tips.map((_, n) => n >= 250));
    expect(await keeper.look()).toBe('more');
    expect(await keeper.look()).toBe('all');
    expect(tips.every((tip) => values.pricedOf(tip) !== undefined)).toBe(true);
  });

  it.each<NoPriceReason>(['stale', 'not-positive', 'sequencer'])('does not look again where the chain has no price: %s', async (reason) => {
    const tip = aTip();
    prices.failing.set(tip.blockHash, reason);
    await keeper.look();
    expect(values.outcomeOf(tip)).toEqual({ reason, failures: 1 });
  });

  it('gives up an amount that is no money', async () => {
    const tip = aTip({ amount: 2n ** 256n - 1n });
    await keeper.look();
    expect(values.outcomeOf(tip)).toEqual({ reason: 'out-of-range', failures: 1 });
  });

  it.each<NoPriceReason>(['pruned', 'reverted', 'unreadable', 'decimals'])(
    'looks again later, and less and less often: %s',
    async (reason) => {
      const tip = aTip();
      prices.failing.set(tip.blockHash, reason);
      await keeper.look();
      expect(reasonOf(tip)).toBe(reason);
      // Others do not wait behind it.
      const other = aTip();
      await keeper.look();
      expect(values.pricedOf(other)?.usd).toBe('30.00000000');
      prices.failing.clear();
      clock.advance(4000);
      await keeper.look();
      expect(values.pricedOf(tip)?.usd).toBe('30.00000000');
    },
  );

  it('gives up after a bound, with the reason', async () => {
    const tip = aTip();
    prices.failing.set(tip.blockHash, 'pruned');
    for (let looks = 0; looks < MOST_FAILURES + 5; looks += 1) {
      await keeper.look();
      clock.advance(3_600_000);
    }
    expect(prices.asked).toHaveLength(MOST_FAILURES);
    expect(values.outcomeOf(tip)).toEqual({ reason: 'pruned', failures: MOST_FAILURES });
  });

  it('asks for little more while no node answers, and prices everything when they are back', async () => {
    prices.isAway = true;
    const tips = Array.from({ length: 50 }, () => aTip());
    expect(await keeper.look()).toBe('nodes-away');
    expect(prices.asked.length).toBeLessThanOrEqual(4);
    prices.isAway = false;
    clock.advance(4000);
    await keeper.look();
    expect(tips.every((tip) => values.pricedOf(tip) !== undefined)).toBe(true);
  });

  it('reads anew in the block that a tip moved to', async () => {
    const tip = aTip();
    await keeper.look();
    const blockHash = randomHex(32);
    values.move(tip, { blockHash, state: 'confirmed' });
    expect(values.pricedOf(tip)).toBeUndefined();
    await keeper.look();
    expect(prices.asked).toEqual([tip.blockHash, blockHash]);
    expect(values.pricedOf(tip)?.usd).toBe('30.00000000');
  });

  it('ends the looks for a token that has lost its source', async () => {
    const tip = aTip({ token: USDC });
    prices.failing.set(tip.blockHash, 'unreadable');
    await keeper.look();
    const without = new PriceKeeper(
      { ...chain, tokens: [] },
      { values, prices, clock, metrics: PriceMetrics.unregistered(), isLeading: () => true },
    );
    clock.advance(4000);
    await without.look();
    expect(reasonOf(tip)).toBe('no-source');
  });

  describe('on its own', () => {
    const ran = async (work: (over: AbortController) => Promise<void>): Promise<void> => {
      const over = new AbortController();
      const running = keeper.keep(over.signal);
      await work(over);
      over.abort();
      await running;
    };

    it('looks every two seconds, as a leader only', async () => {
      isLeading = false;
      const tip = aTip();
      await ran(async () => {
        await turn();
        expect(prices.asked).toEqual([]);
        isLeading = true;
        clock.advance(2000);
        await turn();
        expect(values.pricedOf(tip)?.usd).toBe('30.00000000');
      });
    });

    it('survives a database that is away', async () => {
      const tip = aTip();
      vi.spyOn(values, 'unvalued').mockRejectedValueOnce(new StorageUnavailable('away'));
      await ran(async () => {
        await turn();
        expect(values.pricedOf(tip)).toBeUndefined();
        clock.advance(70_000);
        await turn();
        expect(values.pricedOf(tip)?.usd).toBe('30.00000000');
      });
    });
  });
});
