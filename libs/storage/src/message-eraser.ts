import { tipId, type TipKey } from '@droppio/tips';
import * as z from 'zod';
import { hexToBytes } from './columns.js';
import type { Database } from './database.js';
import { ERASE_EVENTS, ERASE_ONE } from './erasure-statements.js';

/** Events of one creator that are looked through in one statement. */
const PAGE = 1000;
const BEYOND_ALL = Number.MAX_SAFE_INTEGER;
/** Clocks do not matter, both times are the database's: this covers a transaction that began long before it committed. */
const SLACK_MS = 120_000;

const Erased = z.object({ told_to: z.string().nullable(), since_ms: z.coerce.number() });
const Page = z.object({ seq: z.coerce.number().nullable(), at_ms: z.coerce.number().nullable() });

/** False: the creator has no such tip. The tip goes first, so that nothing new tells of the message while the events are looked through. */
export async function eraseMessage(database: Database, creatorId: string, tip: TipKey, now: number): Promise<boolean> {
  const [erased] = await database.rows(Erased, ERASE_ONE, [creatorId, tip.chainId, hexToBytes(tip.txHash), tip.ordinal, now]);
  if (erased === undefined) return false;
  if (erased.told_to !== null) await eraseEventsOf(database, erased.told_to, tipId(tip), erased.since_ms);
  return true;
}

/** From the stream's head back to the time at which the tip was first stored; nothing can tell of it before. */
export async function eraseEventsOf(database: Database, creatorId: string, id: string, sinceMs: number): Promise<void> {
  for (let below = BEYOND_ALL; ;) {
    const [page] = await database.rows(Page, ERASE_EVENTS, [creatorId, id, below, PAGE]);
    if (page === undefined || page.seq === null || page.at_ms === null || page.at_ms < sinceMs - SLACK_MS) return;
    below = page.seq;
  }
}
