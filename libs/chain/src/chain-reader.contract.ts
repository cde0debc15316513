import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { BlockHeader, ChainReader, Hex, LogFilter } from '@droppio/tips';
import { randomHex } from '@droppio/tips/testing';
import { decodeTip } from './decode-tip.js';

/** A chain that the suite can move. */
export interface ChainWorld {
  readonly reader: ChainReader;
  readonly filter: LogFilter;
  /** Mines a block with one tip; returns its message. */
  tip(): Promise<string>;
  mine(): Promise<void>;
  /** Mines a block with one transaction that sends coins; `fails`: it is mined and undone. */
  pay(options?: { readonly fails: boolean }): Promise<{ readonly to: Hex; readonly amount: bigint }>;
  /** Replaces the newest blocks by as many and one more, all empty. */
  reorg(depth: number): Promise<void>;
  close(): Promise<void>;
}

/** What every `ChainReader` promises, on a real node and on a scripted chain alike. */
export function describeChainReader(where: string, make: () => Promise<ChainWorld>): void {
  describe(`ChainReader on ${where}`, () => {
    let world: ChainWorld;
    let reader: ChainReader;
    let watching: AbortController;

    beforeAll(async () => {
      world = await make();
      ({ reader } = world);
      watching = new AbortController();
    });
    afterEach(() => {
      watching.abort();
      watching = new AbortController();
    });
    afterAll(() => world.close());

    const messages = async (block: BlockHeader): Promise<unknown[]> =>
      (await reader.logs(block, world.filter)).map((log) => decodeTip(log, log.address)?.message);

    function watch(): BlockHeader[] {
      const heads: BlockHeader[] = [];
      reader.watchHeads((head) => heads.push(head), watching.signal);
      return heads;
    }

    it('serves the chain that it is configured for', async () => {
      await expect(reader.verify()).resolves.toBeUndefined();
    });

    it('links every block to its parent', async () => {
      await world.mine();
      await world.mine();
      const head = await reader.head();
      const parent = await reader.blockByHash(head.parentHash);
      expect(parent?.number).toBe(head.number - 1);
      expect(await reader.blockByNumber(head.number)).toEqual(head);
      expect(head.hash).toMatch(/^0x[0-9a-f]{64}$/);
      expect(head.logsBloom).toHaveLength(514);
    });

    it('knows nothing of a hash or height that does not exist', async () => {
      expect(await reader.blockByHash(randomHex(32))).toBeUndefined();
      expect(await reader.blockByNumber(1_000_000)).toBeUndefined();
    });

    it('tells the logs of exactly one block', async () => {
      const [one, two] = [await world.tip(), await world.tip()];
      const second = await reader.head();
      const first = await reader.blockByHash(second.parentHash);
      expect(await messages(second)).toEqual([two]);
      expect(first && (await messages(first))).toEqual([one]);
      await world.mine();
      expect(await messages(await reader.head())).toEqual([]);
    });

    it('tells only the logs that were asked for', async () => {
      await world.tip();
      const head = await reader.head();
      const other: Hex = randomHex(20);
      expect(await reader.logs(head, { addresses: [other], topics: world.filter.topics })).toEqual([]);
      expect(await reader.logs(head, { addresses: world.filter.addresses, topics: [randomHex(32)] })).toEqual([]);
      expect(await reader.logs(head, { addresses: world.filter.addresses, topics: [] })).toHaveLength(1);
    });

    it('tells the logs of a range of blocks as two providers tell them', async () => {
      const { number: before } = await reader.head();
      const told = [await world.tip(), await world.tip()];
      await world.mine();
      told.push(await world.tip());
      const { number: last } = await reader.head();
      const logs = await reader.agreedLogs(before + 1, last, world.filter);
      const inOrder = [...logs].sort((a, b) => a.blockNumber - b.blockNumber);
      expect(inOrder.map((log) => decodeTip(log, log.address)?.message)).toEqual(told);
      expect(await reader.agreedLogs(last, last, { ...world.filter, addresses: [randomHex(20)] })).toEqual([]);
    });

    it('never gives an empty answer for the logs of a block that left the chain', async () => {
      await world.tip();
      const orphan = await reader.head();
      await world.reorg(1);
      expect(await reader.blockByHash(orphan.hash)).toBeUndefined();
      await expect(reader.logs(orphan, world.filter)).rejects.toMatchObject({ code: 'chain-unavailable', retryable: true });
    });

    it('says whether the chain has left a block', async () => {
      await world.mine();
      const ours = await reader.head();
      expect(await reader.hasLeft(ours)).toBe(false);
      await world.reorg(1);
      expect(await reader.hasLeft(ours)).toBe(true);
    });

    it('tells the coins that a transaction of exactly one block sent to a watched address', async () => {
      const first = await world.pay();
      const second = await world.pay();
      const head = await reader.head();
      const [payment, ...others] = await reader.payments(head, (address) => address === second.to);
      expect(others).toEqual([]);
      expect(payment).toMatchObject({ to: second.to, amount: second.amount, txIndex: 0 });
      expect(payment?.from).toMatch(/^0x[0-9a-f]{40}$/);
      expect(payment?.txHash).toMatch(/^0x[0-9a-f]{64}$/);
      expect(await reader.payments(head, (address) => address === first.to)).toEqual([]);
    });

    it('tells no coins that were sent in vain', async () => {
      const { to } = await world.pay({ fails: true });
      expect(await reader.payments(await reader.head(), (address) => address === to)).toEqual([]);
    });

    it('tells no payment where no coins were sent', async () => {
      await world.mine();
      expect(await reader.payments(await reader.head(), () => true)).toEqual([]);
    });

    it('never gives an empty answer for the payments of a block that left the chain', async () => {
      await world.pay();
      const orphan = await reader.head();
      await world.reorg(1);
      await expect(reader.payments(orphan, () => false)).rejects.toMatchObject({ code: 'chain-unavailable', retryable: true });
    });

    it('pushes new heads, also those of another branch, until told to stop', async () => {
      const heads = watch();
      await world.mine();
      const before = await reader.head();
      await expect.poll(() => heads.map(({ hash }) => hash)).toContain(before.hash);
      await world.reorg(2);
      const after = await reader.head();
      await expect.poll(() => heads.map(({ hash }) => hash)).toContain(after.hash);
      watching.abort();
      const heard = heads.length;
      await world.mine();
      await reader.head();
      expect(heads).toHaveLength(heard);
    });

    it('tells settled blocks by their tags', async () => {
      for (let n = 0; n < 4; n += 1) await world.mine();
      const [head, safe, finalized] = [await reader.head(), await reader.tagged('safe'), await reader.tagged('finalized')];
      expect(safe && (await reader.blockByHash(safe.hash))?.number).toBe(safe?.number);
      expect(safe?.number).toBeLessThanOrEqual(head.number);
      expect(finalized?.number).toBeLessThanOrEqual(safe?.number ?? -1);
    });
  });
}
