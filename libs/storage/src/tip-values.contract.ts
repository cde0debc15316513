import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Hex, PricedTip, TipKey, TipState, TipValuation, TipValues, UnvaluedTip } from '@droppio/tips';
import { randomHex, randomInt } from '@droppio/tips/testing';

/** Tips that the suite can move about as a chain does. */
export interface ValuesWorld {
  readonly values: TipValues;
  store(tip: UnvaluedTip, state: TipState): Promise<void>;
  move(key: TipKey, to: { readonly blockHash: Hex; readonly state: TipState }): Promise<void>;
  /** What is noted of a tip for the block it is in now. */
  usdOf(key: TipKey): Promise<string | undefined>;
  close(): Promise<void>;
}

const PRICED: PricedTip = {
  usd: '12.34500000',
  price: '2469.00000000000000001',
  source: '0x5f4ec3df9cbd43714fe2740f5e3616155c5b8419',
  roundId: (2n ** 80n - 1n).toString(),
  pricedAtMs: 1_700_000_000_123,
};

/** What every `TipValues` promises. */
export function describeTipValues(where: string, make: () => Promise<ValuesWorld>): void {
  describe(`TipValues on ${where}`, () => {
    let world: ValuesWorld;
    let chainId: number;
    const token = randomHex(20);

    beforeAll(async () => {
      world = await make();
    });
    afterAll(() => world.close());
    beforeEach(() => {
      chainId = 1 + randomInt(2 ** 31);
    });

    const aStored = async (fields: Partial<UnvaluedTip> = {}, state: TipState = 'confirmed'): Promise<UnvaluedTip> => {
      const block = { blockNumber: randomInt(1000), blockHash: randomHex(32), blockTimestampMs: 1_700_000_000_000 };
      const tip = { chainId, txHash: randomHex(32), ordinal: 0, token, amount: 5n, ...block, failures: 0, ...fields };
      await world.store(tip, state);
      return tip;
    };
    const valued = (
      { chainId: chain, txHash, ordinal, blockHash }: UnvaluedTip,
      outcome: TipValuation['outcome'] = PRICED,
    ): TipValuation => ({
      chainId: chain,
      txHash,
      ordinal,
      blockHash,
      outcome,
    });
    const failed = (tip: UnvaluedTip, failures: number, retryMs?: number): TipValuation =>
      valued(tip, { reason: 'no-answer', failures, ...(retryMs === undefined ? {} : { retryMs }) });
    const waiting = (tokens: readonly Hex[] = [token], limit = 100) => world.values.unvalued({ chainId, tokens, limit });

    it('lists what waits for a price, newest first, and no more than asked for', async () => {
      const [old, young] = [await aStored({ blockNumber: 7 }), await aStored({ blockNumber: 8, amount: 2n ** 256n - 1n })];
      expect(await waiting()).toEqual([young, old]);
      expect(await waiting([token], 1)).toEqual([young]);
    });

    it('keeps apart by chain, by token and by state', async () => {
      const other = await aStored({ token: randomHex(20), blockNumber: 3 });
      await aStored({ chainId: chainId + 1 });
      for (const state of ['seen', 'orphaned', 'lost', 'dropped'] as const) await aStored({}, state);
      const final = await aStored({ blockNumber: 2 }, 'finalized');
      expect(await waiting()).toEqual([final]);
      expect(await waiting([token, other.token])).toEqual([other, final]);
      expect(await waiting([])).toEqual([]);
    });

    it('lets go of what is noted, and tells what it is worth', async () => {
      const tip = await aStored();
      expect(await world.values.note([valued(tip)])).toBe(1);
      expect(await waiting()).toEqual([]);
      expect(await world.usdOf(tip)).toBe('12.34500000');
      expect(await world.values.note([])).toBe(0);
    });

    it('takes the same note twice', async () => {
      const tip = await aStored();
      await world.values.note([valued(tip)]);
      await world.values.note([valued(tip)]);
      expect(await world.usdOf(tip)).toBe('12.34500000');
    });

    it('asks anew for a tip that moved to another block, and forgets what it was worth in the old one', async () => {
      const tip = await aStored();
      await world.values.note([valued(tip)]);
      const blockHash = randomHex(32);
      await world.move(tip, { blockHash, state: 'confirmed' });
      expect(await world.usdOf(tip)).toBeUndefined();
      expect(await waiting()).toEqual([{ ...tip, blockHash }]);
      await world.values.note([valued({ ...tip, blockHash }, { ...PRICED, usd: '99.00000000' })]);
      expect(await world.usdOf(tip)).toBe('99.00000000');
    });

    it('keeps the worth of a tip whose block left the chain, and of one that comes back in the same block', async () => {
      const tip = await aStored();
      await world.values.note([valued(tip)]);
      for (const state of ['orphaned', 'confirmed'] as const) {
        await world.move(tip, { blockHash: tip.blockHash, state });
        expect(await waiting()).toEqual([]);
        expect(await world.usdOf(tip)).toBe('12.34500000');
      }
    });

    it('notes nothing of a block that the tip has left', async () => {
      const tip = await aStored();
      const blockHash = randomHex(32);
      await world.move(tip, { blockHash, state: 'confirmed' });
      expect(await world.values.note([valued(tip)])).toBe(0);
      expect(await waiting()).toEqual([{ ...tip, blockHash }]);
    });

    it('tells of a failure again when its next look is due, behind what is new, and with how often it failed', async () => {
      const [first, second, later] = [await aStored({ blockNumber: 900 }), await aStored({ blockNumber: 901 }), await aStored()];
      await world.values.note([failed(first, 3, 0), failed(later, 1, 3_600_000)]);
      expect(await waiting()).toEqual([second, { ...first, failures: 3 }]);
      // A token that nobody prices any more still ends its looks.
      expect(await waiting([])).toEqual([{ ...first, failures: 3 }]);
      expect(await world.usdOf(first)).toBeUndefined();
      await world.values.note([valued(first)]);
      expect(await waiting()).toEqual([second]);
      expect(await world.usdOf(first)).toBe('12.34500000');
    });

    it('never asks again for what is given up, until the tip moves', async () => {
      const tip = await aStored();
      await world.values.note([failed(tip, 14)]);
      expect(await waiting()).toEqual([]);
      const blockHash = randomHex(32);
      await world.move(tip, { blockHash, state: 'confirmed' });
      expect(await waiting()).toEqual([{ ...tip, blockHash }]);
    });

    it('tells of a tip once when it is due and has moved as well', async () => {
      const tip = await aStored();
      await world.values.note([failed(tip, 2, 0)]);
      const blockHash = randomHex(32);
      await world.move(tip, { blockHash, state: 'confirmed' });
      expect(await waiting()).toEqual([{ ...tip, blockHash }]);
    });
  });
}
