import type { StoredSighting } from '@droppio/tips';
import * as z from 'zod';
import { bytesToHex } from './columns.js';
import type { Sql } from './database.js';

const Bytes = z.instanceof(Buffer).transform(bytesToHex);
const Height = z.object({ height: z.coerce.number().nullable() });
const Sighted = z
  .object({
    block_hash: Bytes,
    log_index: z.number(),
    tx_hash: Bytes,
    ordinal: z.number(),
    wallet: Bytes,
    sender: Bytes,
    token: Bytes,
    amount: z.string().transform(BigInt),
  })
  .transform(({ block_hash, log_index, tx_hash, wallet, sender, ...tip }): StoredSighting => ({
    blockHash: block_hash,
    logIndex: log_index,
    tip: { txHash: tx_hash, creator: wallet, from: sender, ...tip },
  }));
const Aside = z
  .object({ block_hash: Bytes, log_index: z.number() })
  .transform(({ block_hash, log_index }): StoredSighting => ({ blockHash: block_hash, logIndex: log_index }));

const FINALIZED = 'SELECT coalesce(finalized_number, begun_number) AS height FROM chain_cursors WHERE chain_id = $1';

/** From the blocks to what is in them: sightings of other branches are kept for ever and have no index by height. */
const of = (table: string, columns: string): string => `
SELECT block_hash, log_index, ${columns} FROM chain_blocks b JOIN ${table} s ON s.chain_id = b.chain_id AND s.block_hash = b.hash
WHERE b.chain_id = $1 AND b.canonical AND b.number BETWEEN $2 AND $3`;
const SIGHTED = of('tip_sightings', 'tx_hash, ordinal, wallet, sender, token, amount::text AS amount');
const ASIDE = of('quarantined_logs', 'code');

export async function readFinalizedHeight(sql: Sql, chainId: number): Promise<number | undefined> {
  const [row] = await sql.rows(Height, FINALIZED, [chainId]);
  return row?.height ?? undefined;
}

/** What an audit holds against what the nodes say. */
export async function readSightings(sql: Sql, chainId: number, from: number, to: number): Promise<readonly StoredSighting[]> {
  const [sighted, aside] = await Promise.all([
    sql.rows(Sighted, SIGHTED, [chainId, from, to]),
    sql.rows(Aside, ASIDE, [chainId, from, to]),
  ]);
  return [...sighted, ...aside];
}
