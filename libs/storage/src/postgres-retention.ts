import { Injectable } from '@nestjs/common';
import { Retention, tipId, type DoneBatch, type GoneAccount, type WalkedBatch } from '@droppio/tips';
import * as z from 'zod';
import { bytesToHex } from './columns.js';
import { Database } from './database.js';
import { CLAIM, ERASE_AGAIN, ERASE_OF_GONE, ERASE_OLD, ERASE_OLD_EVENTS, PRUNE_AUDIT, PRUNE_EVENTS } from './erasure-statements.js';
import { isId } from './event-log.js';
import { eraseEventsOf } from './message-eraser.js';
import { RollUp } from './roll-up.js';
import { FOLD_WIDGETS } from './widget-statements.js';

const BATCH_MAX = 1000;
const CREATORS_AT_ONCE = 100;
const EVENTS_AT_ONCE = 200;
/** More than the newest that pruning leaves, so that all old ones of a creator fit. */
const OLD_EVENTS_AT_ONCE = 1024;
const FIRST = '00000000-0000-0000-0000-000000000000';

const Count = z.object({ count: z.number() });
const Walked = z.object({ last: z.string().nullable(), walked: z.number(), count: z.number(), creators: z.array(z.string()) });
const Name = z.object({ name: z.string() });
const OfGone = z.object({ count: z.number(), wallets: z.number() });
const Again = z.object({
  chain_id: z.coerce.number(),
  tx_hash: z.instanceof(Buffer).transform(bytesToHex),
  ordinal: z.number(),
  told_to: z.string().nullable(),
  is_back: z.boolean(),
});
const Gone = z
  .object({ creator_id: z.string(), epoch: z.string(), head: z.coerce.number() })
  .transform(({ creator_id, epoch, head }): GoneAccount => ({ creatorId: creator_id, position: { epoch, seq: head } }));

@Injectable()
export class PostgresRetention extends Retention {
  private readonly widgets: RollUp;

  constructor(private readonly database: Database) {
    super();
    this.widgets = new RollUp(database, [FOLD_WIDGETS]);
  }

  override async claim(chore: string, forMs: number): Promise<boolean> {
    return (await this.database.rows(Name, CLAIM, [chore, forMs])).length === 1;
  }

  override pruneAudit(olderThanMs: number, limit: number): Promise<number> {
    return this.count(PRUNE_AUDIT, [olderThanMs, Math.min(limit, BATCH_MAX)]);
  }

  override async pruneEvents(olderThanMs: number, keep: number, after = FIRST): Promise<WalkedBatch> {
    if (!isId(after)) return { count: 0, creators: [] };
    const batch = await this.walk(PRUNE_EVENTS, [after, CREATORS_AT_ONCE, olderThanMs, EVENTS_AT_ONCE, keep]);
    // There may be more of these creators.
    return batch.count > 0 ? { ...batch, next: after } : batch;
  }

  override eraseMessages(olderThanMs: number, limit: number): Promise<number> {
    return this.count(ERASE_OLD, [olderThanMs, Math.min(limit, BATCH_MAX)]);
  }

  override async eraseEventMessages(olderThanMs: number, after = FIRST): Promise<WalkedBatch> {
    if (!isId(after)) return { count: 0, creators: [] };
    return this.walk(ERASE_OLD_EVENTS, [after, CREATORS_AT_ONCE, olderThanMs, OLD_EVENTS_AT_ONCE]);
  }

  override async eraseAgain(limit: number): Promise<DoneBatch> {
    const due = await this.database.rows(Again, ERASE_AGAIN, [Math.min(limit, BATCH_MAX)]);
    const back = due.filter((tip) => tip.is_back);
    const creators = new Set<string>();
    for (const { chain_id, tx_hash, ordinal, told_to } of back) {
      if (told_to === null) continue;
      creators.add(told_to);
      await eraseEventsOf(this.database, told_to, tipId({ chainId: chain_id, txHash: tx_hash, ordinal }), 0);
    }
    return { count: back.length, creators: [...creators] };
  }

  override async eraseOfGone(limit: number): Promise<number> {
    const [{ count, wallets } = { count: 0, wallets: 0 }] = await this.database.rows(OfGone, ERASE_OF_GONE, [Math.min(limit, BATCH_MAX)]);
    // What tips to him leave as notes goes nowhere once he is gone, but is there until somebody folds it.
    if (count > 0) await this.widgets.catchUp();
    // A wallet without any tips is done with, and there may be another one.
    return Math.max(count, wallets);
  }

  override gone(limit: number): Promise<readonly GoneAccount[]> {
    const statement = 'SELECT creator_id, epoch, head FROM erased_accounts ORDER BY creator_id LIMIT $1';
    return this.database.rows(Gone, statement, [Math.min(limit, BATCH_MAX)]);
  }

  override async forgotten(creatorId: string): Promise<void> {
    if (isId(creatorId)) await this.database.run('DELETE FROM erased_accounts WHERE creator_id = $1', [creatorId]);
  }

  private async count(statement: string, values: readonly number[]): Promise<number> {
    const [row] = await this.database.rows(Count, statement, values);
    return row?.count ?? 0;
  }

  private async walk(statement: string, values: readonly (string | number)[]): Promise<WalkedBatch> {
    const [row] = await this.database.rows(Walked, statement, values);
    if (row === undefined || row.last === null) return { count: 0, creators: [] };
    return { count: row.count, creators: row.creators, ...(row.walked < CREATORS_AT_ONCE ? {} : { next: row.last }) };
  }
}
