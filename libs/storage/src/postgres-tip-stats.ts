import { Injectable } from '@nestjs/common';
import {
  TipStats,
  UnknownTimeZone,
  type DaySum,
  type SeriesQuery,
  type TipSummary,
  type TokenSum,
  type TopQuery,
  type TopTipper,
} from '@droppio/tips';
import * as z from 'zod';
import { hexToBytes } from './columns.js';
import { Database } from './database.js';
import { isId } from './event-log.js';
import { SERIES, TIPPERS, TOP_BY_TOKEN, TOP_BY_USD, TOTALS } from './stats-statements.js';
import { isUnusable } from './storage-errors.js';
import { Bytes } from './tip-rows.js';

const MOST = 100;
/** Tippers of each wallet that are looked at, and how many more when that was too few. */
const FIRST_LOOK = 500;
const NEXT_LOOK = 20;
const EVERYBODY = 1_000_000_000;

const sums = { tips: z.coerce.number(), priced: z.coerce.number(), usd: z.string() };
const token = {
  chain_id: z.coerce.number(),
  token: Bytes,
  symbol: z.string(),
  decimals: z.number(),
  amount: z.string().transform(BigInt),
};
const TokenRow = z.object({ ...sums, ...token }).transform(({ chain_id, ...rest }): TokenSum => ({ ...rest, chainId: chain_id }));
const DayRow = z
  .object({ day: z.string(), ...sums, ...token })
  .transform(({ chain_id, ...rest }): DaySum => ({ ...rest, chainId: chain_id }));
const TopRow = z.object({ sender: Bytes, amount: z.string().transform(BigInt).nullable(), is_certain: z.boolean(), ...sums });
const TippersRow = z.object({ tippers: z.number() });

/** Reads the sums that `RollUp` keeps. */
@Injectable()
export class PostgresTipStats extends TipStats {
  constructor(private readonly database: Database) {
    super();
  }

  override async summary(creatorId: string): Promise<TipSummary> {
    if (!isId(creatorId)) return { tokens: [], tippers: 0 };
    const tokens = await this.database.rows(TokenRow, TOTALS, [creatorId]);
    const [counted] = await this.database.rows(TippersRow, TIPPERS, [creatorId]);
    return { tokens, tippers: counted?.tippers ?? 0 };
  }

  override async series({ creatorId, from, to, timeZone, token }: SeriesQuery): Promise<readonly DaySum[]> {
    if (!isId(creatorId)) return [];
    const one = token === undefined ? [null, null] : [token.chainId, hexToBytes(token.token)];
    try {
      return await this.database.rows(DayRow, SERIES, [creatorId, from, to, timeZone, ...one]);
    } catch (error) {
      // Its list of zones is the database's own, and may be older or shorter than ours.
      if (!isUnusable(error)) throw error;
      throw new UnknownTimeZone(`Postgres does not know the time zone ${timeZone}.`, { cause: error });
    }
  }

  override async top({ creatorId, token, limit }: TopQuery): Promise<readonly TopTipper[]> {
    if (!isId(creatorId)) return [];
    const size = Math.max(1, Math.min(Math.trunc(limit), MOST));
    const statement = token === undefined ? TOP_BY_USD : TOP_BY_TOKEN;
    const which = token === undefined ? [] : [token.chainId, hexToBytes(token.token)];
    for (const look of [FIRST_LOOK, FIRST_LOOK * NEXT_LOOK]) {
      const rows = await this.database.rows(TopRow, statement, [creatorId, size, look, ...which]);
      if (rows.every((row) => row.is_certain)) return rows.map(tipperOf);
    }
    return (await this.database.rows(TopRow, statement, [creatorId, size, EVERYBODY, ...which])).map(tipperOf);
  }
}

function tipperOf({ sender, amount, tips, priced, usd }: z.output<typeof TopRow>): TopTipper {
  return { sender, tips, priced, usd, ...(amount === null ? {} : { amount }) };
}
