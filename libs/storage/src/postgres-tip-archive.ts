import { Injectable } from '@nestjs/common';
import {
  TIP_STATES,
  TipArchive,
  tipId,
  type HistoryPage,
  type HistoryQuery,
  type TipKey,
  type TipProof,
  type TipSighting,
  type TipTelling,
} from '@droppio/tips';
import * as z from 'zod';
import { edgeStatement, isScanning, ONE_TIP, pageStatement, SIGHTINGS_OF, TELLINGS_OF } from './archive-statements.js';
import { hexToBytes } from './columns.js';
import { Database } from './database.js';
import { isId } from './event-log.js';
import { decodeCursor, encodeCursor, placeOf, walkName, type TipPlace } from './tip-cursor.js';
import { Bytes, StoredTipRow } from './tip-rows.js';

const MOST = 1000;
/**
 * Tips of each wallet that a filter is held against for one page. 5000 take some ten milliseconds where hardly one fits; an index for each filter
 * would be paid for by every tip.
 */
const SCANNED = 5000;

const EdgeRow = z
  .object({
    block_time_ms: z.coerce.number(),
    chain_id: z.coerce.number(),
    block_number: z.coerce.number(),
    log_index: z.number(),
    tx_hash: Bytes,
  })
  .transform((row): TipPlace => ({
    timeMs: row.block_time_ms,
    chainId: row.chain_id,
    block: row.block_number,
    logIndex: row.log_index,
    txHash: row.tx_hash,
    ordinal: 0,
  }));

const SightingRow = z
  .object({
    block_number: z.coerce.number(),
    block_hash: Bytes,
    log_index: z.number(),
    wallet: Bytes,
    amount: z.string().transform(BigInt),
    seen_at_ms: z.coerce.number(),
    is_canonical: z.boolean(),
  })
  .transform(({ block_number, block_hash, log_index, seen_at_ms, is_canonical, ...rest }): TipSighting => ({
    ...rest,
    blockNumber: block_number,
    blockHash: block_hash,
    logIndex: log_index,
    seenAtMs: seen_at_ms,
    isCanonical: is_canonical,
  }));

const TellingRow = z
  .object({
    seq: z.coerce.number(),
    type: z.enum(['tip', 'tip.updated', 'tip.retracted']),
    state: z.enum(TIP_STATES),
    rev: z.number(),
    created_at: z.date(),
  })
  .transform(({ created_at, ...rest }): TipTelling => ({ ...rest, atMs: created_at.getTime() }));

/** Looks back through the index of each wallet's tips. */
@Injectable()
export class PostgresTipArchive extends TipArchive {
  protected readonly scanned: number = SCANNED;

  constructor(private readonly database: Database) {
    super();
  }

  override async list({ creatorId, limit, filter = {}, cursor }: HistoryQuery): Promise<HistoryPage> {
    const size = Math.max(1, Math.min(Math.trunc(limit), MOST));
    const walk = walkName({ creatorId, filter });
    const after = cursor === undefined ? undefined : decodeCursor(walk, cursor);
    if (!isId(creatorId)) return { tips: [] };
    const span = { creatorId, filter, after, scanned: this.scanned };
    const to = isScanning(filter) ? await this.edge(span) : undefined;
    const { text, values } = pageStatement({ ...span, to, limit: size + 1 });
    const rows = await this.database.rows(StoredTipRow, text, values);
    const tips = rows.slice(0, size);
    const last = tips.at(-1);
    const next = rows.length > size && last !== undefined ? placeOf(last) : to;
    return next === undefined ? { tips } : { tips, next: encodeCursor(walk, next) };
  }

  override async proof(creatorId: string, key: TipKey): Promise<TipProof | undefined> {
    if (!isId(creatorId)) return undefined;
    const { chainId, ordinal } = key;
    const txHash = hexToBytes(key.txHash);
    const [tip] = await this.database.rows(StoredTipRow, ONE_TIP, [creatorId, chainId, txHash, ordinal]);
    if (tip === undefined) return undefined;
    const sightings = await this.database.rows(SightingRow, SIGHTINGS_OF, [chainId, txHash, ordinal]);
    const tellings = await this.database.rows(TellingRow, TELLINGS_OF, [creatorId, tipId(key)]);
    return { tip, sightings, tellings };
  }

  private async edge(span: Parameters<typeof edgeStatement>[0]): Promise<TipPlace | undefined> {
    const { text, values } = edgeStatement(span);
    const [edge] = await this.database.rows(EdgeRow, text, values);
    return edge;
  }
}
