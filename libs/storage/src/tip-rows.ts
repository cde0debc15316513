import { TIP_STATES, type StoredTip } from '@droppio/tips';
import * as z from 'zod';
import { bytesToHex } from './columns.js';

export const Bytes = z.instanceof(Buffer).transform(bytesToHex);

export const TIP_COLUMNS = `chain_id, tx_hash, ordinal, wallet, sender, token, amount, message, ref, state, rev, block_number, block_hash,
    block_time_ms, log_index, display->'amount'->>'symbol' AS symbol, (display->'amount'->>'decimals')::int AS decimals`;

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
  }));
