import { InvalidCursor, toHex, type AlertPage, type AlertQuery, type ModeratedTip } from '@droppio/tips';
import * as z from 'zod';
import { hexToBytes } from './columns.js';
import type { Database, SqlValue } from './database.js';
import { isId } from './event-log.js';
import { moderatedTip } from './moderated-tip.js';
import { ALERTS } from './moderation-statements.js';
import { ScreenedRow } from './screener.js';

const PAGE_MAX = 200;
/** Above every time there is. */
const START: readonly SqlValue[] = ['9223372036854775807', 0, Buffer.alloc(0), 0];

/** Newest first by (block time, chain, transaction, ordinal): a total order, so pages neither repeat nor skip. */
export async function readAlerts(database: Database, { creatorId, screening, limit, cursor }: AlertQuery): Promise<AlertPage> {
  const size = Math.max(1, Math.min(Math.trunc(limit), PAGE_MAX));
  const from = cursor === undefined ? START : decodeCursor(cursor);
  if (!isId(creatorId)) return { tips: [] };
  const rows = await database.rows(ScreenedRow, ALERTS, [creatorId, screening, ...from, size + 1]);
  const tips = rows.slice(0, size).map(moderatedTip);
  const last = tips.at(-1);
  return rows.length > size && last !== undefined ? { tips, next: encodeCursor(last) } : { tips };
}

const Cursor = z.tuple([
  z.number().int().nonnegative(),
  z.number().int().positive(),
  z
    .string()
    .regex(/^0x[0-9a-f]{64}$/)
    .transform((text) => toHex(text)),
  z.number().int().min(0).max(2_147_483_647),
]);

function encodeCursor({ blockTimestampMs, chainId, txHash, ordinal }: ModeratedTip): string {
  return Buffer.from(JSON.stringify([blockTimestampMs, chainId, txHash, ordinal])).toString('base64url');
}

function decodeCursor(text: string): readonly SqlValue[] {
  const parsed = Cursor.safeParse(parseJson(Buffer.from(text, 'base64url').toString('utf8')));
  if (!parsed.success) throw new InvalidCursor('The cursor is not one that a page before gave out.');
  const [timeMs, chainId, txHash, ordinal] = parsed.data;
  return [String(timeMs), chainId, hexToBytes(txHash), ordinal];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
