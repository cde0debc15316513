import { createHash } from 'node:crypto';
import { InvalidCursor, toHex, type Hex, type HistoryQuery, type StoredTip } from '@droppio/tips';
import * as z from 'zod';

/**
 * Where a tip stands in the list: newest first by these, in this order. Orphaned tips keep their last place, so two may share all but the
 * transaction, and after a transaction ran differently on another branch all but the ordinal.
 */
export interface TipPlace {
  readonly timeMs: number;
  readonly chainId: number;
  readonly block: number;
  readonly logIndex: number;
  readonly txHash: Hex;
  readonly ordinal: number;
}

export function placeOf(tip: StoredTip): TipPlace {
  const { blockTimestampMs, chainId, blockNumber, logIndex, txHash, ordinal } = tip;
  return { timeMs: blockTimestampMs, chainId, block: blockNumber, logIndex, txHash, ordinal };
}

/** Names a walk through one creator's tips with one filter. A cursor is of use to the walk that it was made in, and to no other. */
export function walkName({ creatorId, filter = {} }: Pick<HistoryQuery, 'creatorId' | 'filter'>): string {
  const { fromMs, beforeMs, chainId, token, sender, wallet, states, minimum } = filter;
  const facts = [creatorId, fromMs, beforeMs, chainId, token?.chainId, token?.address, sender, wallet, minimum?.toString()];
  const words = JSON.stringify([...facts.map((fact) => fact ?? null), states === undefined ? null : [...new Set(states)].sort()]);
  return createHash('sha256').update(words).digest('base64url').slice(0, 12);
}

const count = z.number().int().nonnegative();
const int4 = count.max(2_147_483_647);
const hash = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .transform((text) => toHex(`0x${text}`));
const Cursor = z.tuple([z.string(), count, count.positive(), count, int4, hash, int4]);

export function encodeCursor(walk: string, { timeMs, chainId, block, logIndex, txHash, ordinal }: TipPlace): string {
  return Buffer.from(JSON.stringify([walk, timeMs, chainId, block, logIndex, txHash.slice(2), ordinal])).toString('base64url');
}

/** Throws `InvalidCursor` for whatever `encodeCursor` did not make for this very walk. */
export function decodeCursor(walk: string, text: string): TipPlace {
  const parsed = Cursor.safeParse(parseJson(Buffer.from(text, 'base64url').toString('utf8')));
  if (!parsed.success) throw new InvalidCursor('The cursor is not one that a page before gave out.');
  const [made, timeMs, chainId, block, logIndex, txHash, ordinal] = parsed.data;
  const place = { timeMs, chainId, block, logIndex, txHash, ordinal };
  // Base64 and JSON have many spellings of one thing; ours is one of them.
  if (encodeCursor(made, place) !== text) throw new InvalidCursor('The cursor is not one that a page before gave out.');
  if (made !== walk) throw new InvalidCursor('The cursor belongs to a list with other filters.');
  return place;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
