import { setTimeout as sleep } from 'node:timers/promises';
import type { TipKey, TipState, UnvaluedTip } from '@droppio/tips';
import { randomHex } from '@droppio/tips/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import * as z from 'zod';
import { hexToBytes } from './columns.js';
import { PostgresTipArchive } from './postgres-tip-archive.js';
import { PostgresTipValues } from './postgres-tip-values.js';
import { openTestStorage, type TestStorage } from './testing/index.js';
import { describeTipValues, type ValuesWorld } from './tip-values.contract.js';

const ZERO = (bytes: number): Buffer => Buffer.alloc(bytes);
const Usd = z.object({ usd: z.string().nullable() });

function storeIn({ database }: TestStorage, tip: UnvaluedTip, state: TipState): Promise<void> {
  return database.run(
    `INSERT INTO tips (chain_id, tx_hash, ordinal, wallet, sender, token, amount, message, ref, state, rev, block_number, block_hash, block_time_ms, log_index)
     VALUES ($1, $2, $3, $4, $4, $5, $6::numeric, '', $7, $8, 1, $9, $10, $11, 0)`,
    [
      tip.chainId,
      hexToBytes(tip.txHash),
      tip.ordinal,
      ZERO(20),
      hexToBytes(tip.token),
      tip.amount.toString(),
      ZERO(32),
      state,
      tip.blockNumber,
      hexToBytes(tip.blockHash),
      tip.blockTimestampMs,
    ],
  );
}

const keyOf = ({ chainId, txHash, ordinal }: TipKey) => [chainId, hexToBytes(txHash), ordinal] as const;
const IS_KEY = '(t.chain_id, t.tx_hash, t.ordinal) = ($1, $2, $3)';

async function aWorld(): Promise<ValuesWorld> {
  const storage = await openTestStorage(inject('postgresUrl'));
  const { database } = storage;
  return {
    values: new PostgresTipValues(database),
    store: (tip, state) => storeIn(storage, tip, state),
    move: (key, { blockHash, state }) =>
      database.run(`UPDATE tips t SET block_hash = $4, state = $5 WHERE ${IS_KEY}`, [...keyOf(key), hexToBytes(blockHash), state]),
    usdOf: async (key) => {
      const [row] = await database.rows(
        Usd,
        `SELECT v.usd FROM tips t JOIN tip_values v USING (chain_id, tx_hash, ordinal, block_hash) WHERE ${IS_KEY}`,
        keyOf(key),
      );
      return row?.usd ?? undefined;
    },
    close: () => storage.drop(),
  };
}

describeTipValues('an external Postgres', aWorld);

describe(PostgresTipValues.name, () => {
  let storage: TestStorage;
  let values: PostgresTipValues;
  beforeAll(async () => {
    storage = await openTestStorage(inject('postgresUrl'));
    values = new PostgresTipValues(storage.database);
  });
  afterAll(() => storage.drop());

  const aTip = async (): Promise<UnvaluedTip> => {
    const block = { blockNumber: 1, blockHash: randomHex(32), blockTimestampMs: 1 };
    const tip = { chainId: 1, txHash: randomHex(32), ordinal: 0, token: randomHex(20), amount: 1n, ...block, failures: 0 };
    await storeIn(storage, tip, 'confirmed');
    return tip;
  };
  const outcome = { usd: '1.00000000', price: '1', source: 'peg', pricedAtMs: 1 };

  it('waits for nobody who is changing the tip, and notes it the next time', async () => {
    const [held, free] = [await aTip(), await aTip()];
    const both = [held, free].map((tip) => ({ ...tip, outcome }));
    const noted = await storage.database.transaction(async (sql) => {
      await sql.run(`SELECT FROM tips t WHERE ${IS_KEY} FOR UPDATE`, keyOf(held));
      return Promise.race([values.note(both), sleep(4000, 'blocked')]);
    });
    expect(noted).toBe(1);
    expect(await values.unvalued({ chainId: 1, tokens: [held.token, free.token], limit: 10 })).toEqual([held]);
    expect(await values.note(both)).toBe(2);
  });

  it('shows in the history of a creator, as long as the tip is in that block', async () => {
    const wallet = randomHex(20);
    const { id: creatorId } = await storage.directory.createCreator({
      handle: `c-${randomHex(8).slice(2)}`,
      displayName: 'Ada',
      wallets: [wallet],
      accessTokenHash: Buffer.from(randomHex(32).slice(2), 'hex'),
    });
    const tip = await aTip();
    await storage.database.run(`UPDATE tips t SET wallet = $4 WHERE ${IS_KEY}`, [...keyOf(tip), hexToBytes(wallet)]);
    const archive = new PostgresTipArchive(storage.database);
    const worths = async () => {
      const listed = (await archive.list({ creatorId, limit: 10 })).tips.map(({ worth }) => worth);
      return [...listed, (await archive.proof(creatorId, tip))?.tip.worth];
    };
    expect(await worths()).toEqual([undefined, undefined]);
    await values.note([{ ...tip, outcome: { ...outcome, usd: '12.34', pricedAtMs: 1_700_000_000_123 } }]);
    const worth = { usd: '12.34000000', source: 'peg', atMs: 1_700_000_000_123 };
    expect(await worths()).toEqual([worth, worth]);
    await values.note([{ ...tip, outcome: { reason: 'stale', failures: 1 } }]);
    expect(await worths()).toEqual([undefined, undefined]);
    await values.note([{ ...tip, outcome }]);
    await storage.database.run(`UPDATE tips t SET block_hash = $4 WHERE ${IS_KEY}`, [...keyOf(tip), hexToBytes(randomHex(32))]);
    expect(await worths()).toEqual([undefined, undefined]);
  });

  it('goes with its tip when that is deleted', async () => {
    const tip = await aTip();
    await values.note([{ ...tip, outcome }]);
    await storage.database.run(`DELETE FROM tips t WHERE ${IS_KEY}`, keyOf(tip));
    const rows = await storage.database.rows(Usd, `SELECT usd FROM tip_values t WHERE ${IS_KEY}`, keyOf(tip));
    expect(rows).toEqual([]);
  });

  it.each([
    ['a value without a price', `usd = 1, price = NULL`],
    ['a value and a reason', `unavailable = 'stale'`],
    ['a negative value', 'usd = -1'],
    ['a price of zero', 'price = 0'],
    ['a look again at what is known', 'retry_at = now()'],
  ])('cannot hold %s', async (_, change) => {
    const tip = await aTip();
    await values.note([{ ...tip, outcome }]);
    await expect(storage.database.run(`UPDATE tip_values t SET ${change} WHERE ${IS_KEY}`, keyOf(tip))).rejects.toThrow();
  });
});
