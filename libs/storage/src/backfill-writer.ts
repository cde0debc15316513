import type { BackfillBlock, BackfillOutcome, BackfillRange, SightedTip, TipState } from '@droppio/tips';
import * as z from 'zod';
import { BACKFILL, BACKFILL_AND_TELL, SET_ASIDE } from './backfill-statements.js';
import { bytesToHex, hexToBytes } from './columns.js';
import { cover } from './coverage.js';
import type { Database, Sql } from './database.js';
import type { StorageMetrics } from './metrics.js';
import { StorageRefused } from './storage-errors.js';
import { Tellings, Told } from './tellings.js';
import { asideOfTip, blockInput, tipRow, type Aside, type BlockInput } from './tip-input.js';

/** Tips in one statement: large enough to cost little each, small enough that a statement ends well before its deadline. */
const CHUNK = 1000;

const height = z.coerce.number().nullable();
const Cursor = z.object({ number: z.coerce.number(), safe_number: height, finalized_number: height, begun_number: height });
const Canonical = z.object({ hash: z.instanceof(Buffer) });
const Stored = Told.extend({ stored: z.number() });
const SetAside = z.object({ code: z.string(), count: z.number() });

type HistoryBlock = BlockInput<BackfillBlock['block']>;

interface TakenBlock extends HistoryBlock {
  readonly state: TipState;
  readonly tell: boolean;
}

interface TakenTip {
  readonly block: TakenBlock;
  readonly tip: SightedTip;
}

/** Stores tips of blocks beside the walk. Locks as every write: the cursor, tips, streams by creator id; the coverage last. */
export class BackfillWriter {
  constructor(
    private readonly database: Database,
    private readonly metrics: StorageMetrics,
  ) {}

  async backfill(chainId: number, range: BackfillRange, blocks: readonly BackfillBlock[]): Promise<BackfillOutcome> {
    const inputs = blocks.map((block) => ({ ...blockInput(block), tell: block.tell }));
    const { aside, ...outcome } = await this.database.transaction((sql) => this.store(sql, chainId, range, inputs));
    for (const { code, count } of aside) this.metrics.quarantined(chainId, code, count);
    return outcome;
  }

  async settled(chainId: number, final: number): Promise<number | undefined> {
    const cursor = await cursorOf(this.database, chainId);
    return cursor && finalHeight(cursor, final);
  }

  private async store(
    sql: Sql,
    chainId: number,
    range: BackfillRange,
    inputs: readonly (HistoryBlock & { readonly tell: boolean })[],
  ): Promise<BackfillOutcome & { readonly aside: readonly z.output<typeof SetAside>[] }> {
    const { final, reached, taken } = await this.take(sql, chainId, range, inputs);
    const writer = new TipChunks(sql, chainId, reached);
    const tips = taken.flatMap((block) => block.tips.map((tip) => ({ block, tip })));
    for (let at = 0; at < tips.length; at += CHUNK) await writer.write(tips.slice(at, at + CHUNK));
    const refused = [...taken.flatMap((block) => block.aside.map((aside) => ({ block, aside }))), ...writer.refused];
    const aside = refused.length === 0 ? [] : await sql.rows(SetAside, SET_ASIDE, [chainId, setAsideJson(refused)]);
    await cover(sql, chainId, range.filter, { from: range.from, to: Math.min(range.to, final) });
    const fitting = tips.length - writer.refused.length;
    const counts = { stored: writer.stored, known: fitting - writer.stored, later: inputs.length - taken.length };
    return { creators: writer.told.creators, ...writer.told.waiting, ...counts, aside };
  }

  /**
   * Below the final height nothing can change any more, so the live chain need not wait for us. Above it the cursor is held, so that what is
   * canonical stays so until the tips are in.
   */
  private async take(
    sql: Sql,
    chainId: number,
    range: BackfillRange,
    inputs: readonly (HistoryBlock & { readonly tell: boolean })[],
  ): Promise<{ readonly final: number; readonly reached: number; readonly taken: readonly TakenBlock[] }> {
    let cursor = await cursorOf(sql, chainId);
    const highest = Math.max(-1, ...inputs.map(({ block }) => block.number));
    const isAhead = highest > finalHeight(cursor, range.final);
    if (isAhead) cursor = await cursorOf(sql, chainId, 'FOR NO KEY UPDATE');
    const final = finalHeight(cursor, range.final);
    const canonical = isAhead ? await canonicalAmong(sql, chainId, inputs, final) : new Set<string>();
    const taken = inputs.flatMap((input): TakenBlock[] => {
      const { number, hash } = input.block;
      if (number <= final) return [{ ...input, state: 'finalized' }];
      return canonical.has(hash) ? [{ ...input, state: number <= (cursor?.safe_number ?? -1) ? 'safe' : 'confirmed' }] : [];
    });
    return { final, reached: cursor?.number ?? -1, taken };
  }
}

/** Writes tips in statements of bounded size. One that Postgres refuses is found by halving and put aside. */
class TipChunks {
  readonly told = new Tellings();
  readonly refused: { readonly block: TakenBlock; readonly aside: Aside }[] = [];
  stored = 0;

  constructor(
    private readonly sql: Sql,
    private readonly chainId: number,
    /** Height that the chain has reached with us. */
    private readonly reached: number,
  ) {}

  async write(tips: readonly TakenTip[]): Promise<void> {
    await this.sql.run('SAVEPOINT tips');
    try {
      const done = await this.insert(tips);
      this.stored += done.stored;
      this.told.add(done);
      await this.sql.run('RELEASE SAVEPOINT tips');
    } catch (error) {
      if (!(error instanceof StorageRefused)) throw error;
      await this.sql.run('ROLLBACK TO SAVEPOINT tips; RELEASE SAVEPOINT tips');
      const [first, ...others] = tips;
      if (first === undefined) throw error;
      if (others.length === 0) {
        const aside = asideOfTip(first.tip, 'storage-refused', first.block.aside.length + this.refused.length);
        this.refused.push({ block: first.block, aside });
        return;
      }
      await this.write(tips.slice(0, tips.length >> 1));
      await this.write(tips.slice(tips.length >> 1));
    }
  }

  private async insert(tips: readonly TakenTip[]): Promise<z.output<typeof Stored>> {
    const blocks = [...new Set(tips.map(({ block }) => block))];
    const nths = new Map(blocks.map((block, nth) => [block, nth]));
    const rows = tips.map(({ block, tip }) => ({ block: nths.get(block), ...tipRow(tip) }));
    const values = [this.chainId, blocksJson(blocks), JSON.stringify(rows)];
    const isTold = blocks.some(({ tell }) => tell);
    const [done] = await (isTold
      ? this.sql.rows(Stored, BACKFILL_AND_TELL, [...values, this.reached])
      : this.sql.rows(Stored, BACKFILL, values));
    if (done === undefined) throw new TypeError('a statement without FROM gives one row');
    return done;
  }
}

function cursorOf(sql: Sql, chainId: number, lock = ''): Promise<z.output<typeof Cursor> | undefined> {
  return sql
    .rows(Cursor, `SELECT number, safe_number, finalized_number, begun_number FROM chain_cursors WHERE chain_id = $1 ${lock}`, [chainId])
    .then(([cursor]) => cursor);
}

/** Up to here blocks are taken as they are told. */
function finalHeight(cursor: z.output<typeof Cursor> | undefined, told = -1): number {
  return Math.max(cursor?.finalized_number ?? -1, Math.min(cursor?.begun_number ?? -1, told));
}

/** Hashes of those blocks above the final height that lie on our canonical chain. */
async function canonicalAmong(sql: Sql, chainId: number, inputs: readonly HistoryBlock[], final: number): Promise<ReadonlySet<string>> {
  const hashes = inputs.filter(({ block }) => block.number > final).map(({ block }) => hexToBytes(block.hash));
  const rows = await sql.rows(Canonical, 'SELECT hash FROM chain_blocks WHERE chain_id = $1 AND hash = ANY ($2::bytea[]) AND canonical', [
    chainId,
    hashes,
  ]);
  return new Set(rows.map(({ hash }) => bytesToHex(hash)));
}

function blocksJson(blocks: readonly TakenBlock[]): string {
  return JSON.stringify(
    blocks.map(({ block, seenAtMs, state, tell }, nth) => ({
      nth,
      number: block.number,
      hash: block.hash.slice(2),
      time_ms: block.timestampMs,
      seen_at_ms: seenAtMs,
      state,
      tell,
    })),
  );
}

function setAsideJson(rows: readonly { readonly block: TakenBlock; readonly aside: Aside }[]): string {
  return JSON.stringify(
    rows.map(({ block: { block }, aside: { logIndex, code, raw } }) => ({
      block_hash: block.hash.slice(2),
      block_number: block.number,
      log_index: logIndex,
      code,
      raw,
    })),
  );
}
