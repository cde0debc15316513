import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import {
  HIDDEN_SENDER,
  tipId,
  toHex,
  WidgetBoard,
  type BoardReading,
  type CountedIn,
  type GoalReading,
  type TickerReading,
  type TickerTip,
  type TopOptions,
} from '@droppio/tips';
import * as z from 'zod';
import { hexToBytes } from './columns.js';
import { Database } from './database.js';
import { isId } from './event-log.js';
import { FOLDS, RollUp } from './roll-up.js';
import { GOAL, TICKER, TOP } from './widget-statements.js';

const MOST = 100;
const DAY_MS = 86_400_000;
/** From so many notes on a reader folds them: a chain without finality has nobody else who does. */
const MANY_NOTES = 500;

const Hexadecimal = z.string().transform((text) => toHex(`0x${text.slice(2)}`));
const place = { epoch: z.string(), head: z.coerce.number(), now_ms: z.coerce.number(), notes: z.number() };
const GoalRow = z.object({ ...place, tips: z.coerce.number(), amount: z.string() });
const Told = z.object({
  chainId: z.number(),
  txHash: Hexadecimal,
  ordinal: z.number(),
  atMs: z.number(),
  message: z.string(),
  seen: z.object({
    name: z.string(),
    amount: z.object({ raw: z.string(), decimals: z.number(), symbol: z.string(), chainId: z.number(), token: Hexadecimal }),
  }),
});
const TickerRow = z.object({ ...place, hides: z.boolean(), tips: z.array(Told) });
const Tipper = z.object({ sender: Hexadecimal, tips: z.number(), amount: z.string() });
const TopRow = z.object({ ...place, hides: z.boolean(), start: z.number(), until: z.number().nullable(), tippers: z.array(Tipper) });

/** Reads sums, the notes that are not in them yet and the place of the stream in one statement, and so in one snapshot. */
@Injectable()
export class PostgresWidgetBoard extends WidgetBoard implements OnModuleDestroy {
  private readonly sums: RollUp;

  constructor(private readonly database: Database) {
    super();
    this.sums = new RollUp(database, FOLDS);
  }

  async onModuleDestroy(): Promise<void> {
    await this.sums.close();
  }

  override async goal(creatorId: string, counted: CountedIn, sinceMs: number): Promise<GoalReading | undefined> {
    const row = await this.read(GoalRow, GOAL, [creatorId, sinceMs, ...keyOf(counted)]);
    return row && { ...readingOf(row), tips: row.tips, amount: row.amount };
  }

  override async ticker(creatorId: string, limit: number): Promise<TickerReading | undefined> {
    const size = sizeOf(limit);
    const row = await this.read(TickerRow, TICKER, [creatorId, size]);
    return row && { ...readingOf(row), tips: row.tips.map((tip) => tickerTip(tip, row.hides)), isWhole: row.tips.length < size };
  }

  override async top(
    creatorId: string,
    counted: CountedIn,
    period: TopOptions['period'],
    limit: number,
  ): Promise<BoardReading | undefined> {
    const size = sizeOf(limit);
    const row = await this.read(TopRow, TOP, [creatorId, period, size, ...keyOf(counted)]);
    if (row === undefined) return undefined;
    const { until, start, hides, tippers } = row;
    return {
      ...readingOf(row),
      tippers: hides ? [] : tippers.map(({ sender, tips, amount }) => ({ from: sender, tips, amount })),
      isWhole: hides || tippers.length < size,
      ...(until === null ? {} : { sinceMs: start * DAY_MS, untilMs: until * DAY_MS }),
    };
  }

  private async read<S extends z.ZodType<{ readonly notes: number }>>(
    shape: S,
    statement: string,
    values: readonly [creatorId: string, ...(string | number | Buffer)[]],
  ): Promise<z.output<S> | undefined> {
    if (!isId(values[0])) return undefined;
    const [row] = await this.database.rows(shape, statement, values);
    if (row !== undefined && row.notes >= MANY_NOTES) this.sums.soon();
    return row;
  }
}

function readingOf(row: { readonly epoch: string; readonly head: number; readonly now_ms: number }) {
  return { position: { epoch: row.epoch, seq: row.head }, atMs: row.now_ms };
}

/** Dollars stand as chain 0. */
function keyOf(counted: CountedIn): [number, Buffer] {
  return counted === 'usd' ? [0, Buffer.alloc(0)] : [counted.chainId, hexToBytes(counted.token)];
}

function sizeOf(limit: number): number {
  return Math.max(1, Math.min(Math.trunc(limit), MOST));
}

function tickerTip({ seen, atMs, message, ...key }: z.output<typeof Told>, hides: boolean): TickerTip {
  return { tipId: tipId(key), atMs, name: hides ? HIDDEN_SENDER.name : seen.name, amount: seen.amount, message };
}
