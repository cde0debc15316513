import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import * as z from 'zod';
import type { Sql } from './database.js';
import { FOLD_WIDGETS } from './widget-statements.js';

/** Notes folded in one statement, and statements in one go: a flood of old tips is folded over many goes. */
const BATCH = 2000;
const BATCHES = 5;

const Folded = z.object({ folded: z.number() });

const ADDED = (table: string, ...columns: string[]): string =>
  columns.map((column) => `${column} = ${table}.${column} + excluded.${column}`).join(', ');

/*
 * $1 limit. Takes notes and adds them to the sums, or does neither: a note is counted exactly once. Two that fold at once take different
 * notes, and take the rows of each table in one order.
 */
export const FOLD = `
WITH taken AS MATERIALIZED (
  DELETE FROM tip_deltas WHERE id IN (SELECT id FROM tip_deltas ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING *
), totals AS (
  INSERT INTO tip_totals (wallet, chain_id, token, symbol, decimals, tips, amount, priced, usd)
  SELECT wallet, chain_id, token, (array_agg(symbol ORDER BY id DESC))[1], (array_agg(decimals ORDER BY id DESC))[1],
    sum(tips), sum(amount), sum(priced), sum(usd)
  FROM taken GROUP BY wallet, chain_id, token ORDER BY wallet, chain_id, token
  ON CONFLICT (wallet, chain_id, token) DO UPDATE SET symbol = excluded.symbol, decimals = excluded.decimals,
    ${ADDED('tip_totals', 'tips', 'amount', 'priced', 'usd')}
), buckets AS (
  INSERT INTO tip_buckets (wallet, bucket, chain_id, token, tips, amount, priced, usd)
  SELECT wallet, bucket, chain_id, token, sum(tips), sum(amount), sum(priced), sum(usd)
  FROM taken GROUP BY wallet, bucket, chain_id, token ORDER BY wallet, bucket, chain_id, token
  ON CONFLICT (wallet, bucket, chain_id, token) DO UPDATE SET ${ADDED('tip_buckets', 'tips', 'amount', 'priced', 'usd')}
), tippers AS (
  INSERT INTO tip_tippers (wallet, chain_id, token, sender, tips, amount, priced, usd)
  SELECT wallet, chain_id, token, sender, sum(tips), sum(amount), sum(priced), sum(usd)
  FROM taken GROUP BY wallet, chain_id, token, sender ORDER BY wallet, chain_id, token, sender
  ON CONFLICT (wallet, chain_id, token, sender) DO UPDATE SET ${ADDED('tip_tippers', 'tips', 'amount', 'priced', 'usd')}
), patrons AS (
  INSERT INTO tip_patrons (wallet, sender, tips, priced, usd)
  SELECT wallet, sender, sum(tips), sum(priced), sum(usd) FROM taken GROUP BY wallet, sender ORDER BY wallet, sender
  ON CONFLICT (wallet, sender) DO UPDATE SET ${ADDED('tip_patrons', 'tips', 'priced', 'usd')}
)
SELECT count(*)::int AS folded FROM taken`;

/** Sums of final tips, and of told ones for the widgets. */
export const FOLDS: readonly string[] = [FOLD, FOLD_WIDGETS];

/** Keeps sums up with the notes of what they add up, beside whoever leaves those. */
export class RollUp {
  private readonly logger = new Logger('storage');
  private going: Promise<void> | undefined;
  private isAskedAgain = false;
  private isClosed = false;

  constructor(
    private readonly database: Sql,
    private readonly folds: readonly string[] = [FOLD],
  ) {}

  /**
   * Begins to fold what is noted, for whoever has just committed a note and does not wait for sums. One go at a time: who asks while one is on its
   * way is heard after it.
   */
  soon(): void {
    if (this.isClosed) return;
    this.isAskedAgain = true;
    this.going ??= this.goOn().finally(() => {
      this.going = undefined;
    });
  }

  /** Resolves when nothing is being folded. */
  async idle(): Promise<void> {
    await this.going;
  }

  /** Ends with the statement that is on its way; what is not folded then is folded by another process, or after the next start. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.going;
  }

  /** Folds a bounded part of what is noted. Never throws: what is not folded now is folded the next time. */
  async catchUp(): Promise<void> {
    for (const statement of this.folds) {
      try {
        for (let batch = 0; batch < BATCHES && !this.isClosed && (await this.fold(statement)) === BATCH;) batch += 1;
      } catch (error) {
        this.logger.warn('roll_up.failed', errorFields(error));
      }
    }
  }

  private async goOn(): Promise<void> {
    while (this.isAskedAgain && !this.isClosed) {
      this.isAskedAgain = false;
      await this.catchUp();
    }
  }

  private async fold(statement: string): Promise<number> {
    const [row] = await this.database.rows(Folded, statement, [BATCH]);
    return row?.folded ?? 0;
  }
}
