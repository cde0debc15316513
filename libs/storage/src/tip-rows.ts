import { TIP_STATES, type StoredTip } from '@droppio/tips';
import * as z from 'zod';
import { bytesToHex } from './columns.js';

export const Bytes = z.instanceof(Buffer).transform(bytesToHex);

/** What the tip was worth in the block that it is in; looked up by key, for the rows that are told alone. */
const WORTH = `(SELECT jsonb_build_object('usd', v.usd::text, 'source', v.source, 'at', v.priced_at) FROM tip_values v
    WHERE (v.chain_id, v.tx_hash, v.ordinal) = (tips.chain_id, tips.tx_hash, tips.ordinal) AND v.block_hash = tips.block_hash AND v.usd IS NOT NULL)`;

/** Of `tips`. */
export const TIP_COLUMNS = `chain_id, tx_hash, ordinal, wallet, sender, token, amount, message, ref, state, rev, block_number, block_hash,
    block_time_ms, log_index, display->'amount'->>'symbol' AS symbol, (display->'amount'->>'decimals')::int AS decimals, ${WORTH} AS worth`;

/** A row of `TIP_COLUMNS`. */
export const StoredTipRow = z
  .object({
    chain_id: z.coerce.number(),
    tx_hash: Bytes,
    ordinal: z.number(),
    wallet: Bytes,
    sender: Bytes,
    token: Bytes,
    amount: z.string().transform(BigInt),
    message: z.string(),
    ref: Bytes,
    state: z.enum(TIP_STATES),
    rev: z.number(),
    block_number: z.coerce.number(),
    block_hash: Bytes,
    block_time_ms: z.coerce.number(),
    log_index: z.number(),
    symbol: z.string().nullable(),
    decimals: z.number().nullable(),
    worth: z.object({ usd: z.string(), source: z.string(), at: z.string() }).nullable(),
  })
  .transform((row): StoredTip => ({
    chainId: row.chain_id,
    txHash: row.tx_hash,
    ordinal: row.ordinal,
    creator: row.wallet,
    from: row.sender,
    token: row.token,
    amount: row.amount,
    message: row.message,
    ref: row.ref,
    state: row.state,
    rev: row.rev,
    blockNumber: row.block_number,
    blockHash: row.block_hash,
    blockTimestampMs: row.block_time_ms,
    logIndex: row.log_index,
    ...(row.symbol === null ? {} : { symbol: row.symbol }),
    ...(row.decimals === null ? {} : { decimals: row.decimals }),
    ...(row.worth === null ? {} : { worth: { usd: row.worth.usd, source: row.worth.source, atMs: Date.parse(row.worth.at) } }),
  }));
