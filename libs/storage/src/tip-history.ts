import { InvalidCursor, TIP_STATES, toHex, type HistoryPage, type HistoryQuery, type StoredTip } from '@droppio/tips';
import * as z from 'zod';
import { bytesToHex, hexToBytes } from './columns.js';
import type { Database } from './database.js';
import { isId } from './event-log.js';

export const HISTORY_MAX = 200;
/** Above every time there is: where the first page starts. */
const START: HistoryPlace = { timeMs: '9223372036854775807', chainId: 0, block: 0, logIndex: 0, txHash: Buffer.alloc(0) };

/** Orphaned tips keep their last place, so two may share all but the transaction. */
interface HistoryPlace {
  readonly timeMs: string;
  readonly chainId: number;
  readonly block: number;
  readonly logIndex: number;
  readonly txHash: Buffer;
}

/*
 * The newest of each wallet by the index, then the newest of those: a creator has few wallets, and a wallet registered today brings its
 * old tips along, since nothing is copied from the wallet into the tip.
 */
export const HISTORY = `
SELECT t.* FROM creator_wallets w CROSS JOIN LATERAL (
  SELECT chain_id, tx_hash, ordinal, wallet, sender, token, amount, message, ref, state, rev, block_number, block_hash, block_time_ms, log_index,
    display->'amount'->>'symbol' AS symbol, (display->'amount'->>'decimals')::int AS decimals
  FROM tips
  WHERE tips.wallet = w.address AND (block_time_ms, chain_id, block_number, log_index, tx_hash) < ($2::bigint, $3::bigint, $4::bigint, $5::int, $6::bytea)
  ORDER BY block_time_ms DESC, chain_id DESC, block_number DESC, log_index DESC, tx_hash DESC LIMIT $7
) t
WHERE w.creator_id = $1
ORDER BY t.block_time_ms DESC, t.chain_id DESC, t.block_number DESC, t.log_index DESC, t.tx_hash DESC LIMIT $7`;

const Bytes = z.instanceof(Buffer).transform(bytesToHex);
const HistoryRow = z
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

/** Newest first by (block time, chain, height, place in the block, transaction): a total order, so pages neither repeat nor skip. */
export async function readHistory(database: Database, { creatorId, limit, cursor }: HistoryQuery): Promise<HistoryPage> {
  const size = Math.max(1, Math.min(Math.trunc(limit), HISTORY_MAX));
  const from = cursor === undefined ? START : decodeCursor(cursor);
  if (!isId(creatorId)) return { tips: [] };
  const values = [creatorId, from.timeMs, from.chainId, from.block, from.logIndex, from.txHash, size + 1];
  const rows = await database.rows(HistoryRow, HISTORY, values);
  const tips = rows.slice(0, size);
  const last = tips.at(-1);
  return rows.length > size && last !== undefined ? { tips, next: encodeCursor(last) } : { tips };
}

const Cursor = z.tuple([
  z.number().int().nonnegative(),
  z.number().int().positive(),
  z.number().int().nonnegative(),
  z.number().int().min(0).max(2_147_483_647),
  z
    .string()
    .regex(/^0x[0-9a-f]{64}$/)
    .transform((text) => toHex(text)),
]);

export function encodeCursor(tip: StoredTip): string {
  const place = [tip.blockTimestampMs, tip.chainId, tip.blockNumber, tip.logIndex, tip.txHash];
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/** Throws `InvalidCursor` for whatever `encodeCursor` did not make. */
export function decodeCursor(text: string): HistoryPlace {
  const parsed = Cursor.safeParse(parseJson(Buffer.from(text, 'base64url').toString('utf8')));
  if (!parsed.success) throw new InvalidCursor('The cursor is not one that a page before gave out.');
  const [timeMs, chainId, block, logIndex, txHash] = parsed.data;
  return { timeMs: String(timeMs), chainId, block, logIndex, txHash: hexToBytes(txHash) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
