import type { Clock, CommitOutcome, Reorg, SightedTip } from '@droppio/tips';
import { ReorgTooDeep } from '@droppio/tips';
import * as z from 'zod';
import { hexToBytes } from './columns.js';
import type { Database, Sql, SqlValue } from './database.js';
import type { StorageMetrics } from './metrics.js';
import { StorageRefused } from './storage-errors.js';
import { Tellings, Told } from './tellings.js';
import { asideJson, setAside, tipsJson, type BlockInput } from './tip-input.js';
import { COMMIT_BLOCK, COMMIT_EMPTY_BLOCK, ORPHAN_TIPS, RELEASE_DUE } from './tip-statements.js';

const Committed = Told.extend({ due: z.boolean() });
const Orphaned = Told.pick({ creators: true });
const Released = Told.extend({ due: z.number() });
const LockedCursor = z.object({ hash: z.instanceof(Buffer), epoch: z.coerce.number(), finalized_number: z.coerce.number().nullable() });
const Known = z.object({ known: z.boolean() });

const MOVED = { kind: 'moved' } as const;
/** Waiting tips that are told in one statement. */
const BATCH = 500;

/** Stores blocks of one chain at a time. A value that Postgres refuses is found and set aside, and the chain goes on without it. */
export class BlockWriter {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly metrics: StorageMetrics,
  ) {}

  async commit(chainId: number, fence: number, input: BlockInput): Promise<CommitOutcome> {
    try {
      return await this.finish(this.database, chainId, fence, input, await commitBlock(this.database, chainId, fence, input));
    } catch (error) {
      if (!(error instanceof StorageRefused) || input.tips.length === 0) throw error;
      return this.database.transaction(async (sql) =>
        this.finish(sql, chainId, fence, input, await this.commitCarefully(sql, chainId, fence, input)),
      );
    }
  }

  reorganise(
    chainId: number,
    fence: number,
    reorg: Reorg & { readonly inputs: readonly BlockInput[]; readonly seenAtMs: number },
  ): Promise<CommitOutcome> {
    return this.database.transaction(async (sql) => {
      const { from, ancestor, inputs, seenAtMs } = reorg;
      if (!(await this.rewind(sql, chainId, fence, { from, ancestor }))) return MOVED;
      const keys = inputs.flatMap(({ tips }) => tips.map(({ txHash, ordinal }) => ({ tx_hash: txHash.slice(2), ordinal })));
      await lockStreams(sql, chainId, ancestor.number, inputs);

      const told = new Tellings();
      const orphan = async (kept: string): Promise<void> => {
        for (const creators of await sql.rows(Orphaned, ORPHAN_TIPS, [chainId, ancestor.number, kept, seenAtMs])) told.add(creators);
      };
      await orphan(JSON.stringify(keys));
      for (const input of inputs) {
        const committed = await this.finish(sql, chainId, fence, input, await this.commitCarefully(sql, chainId, fence, input));
        if (committed.kind === 'moved') throw new StorageRefused('A branch whose blocks are not each other’s children.');
        told.add(committed);
      }
      await orphan('[]');
      return told.outcome;
    });
  }

  tellDue(chainId: number, fence: number, height: number): Promise<CommitOutcome> {
    return this.release(this.database, chainId, fence, height);
  }

  /**
   * Tells of the tips that waited for this block. A statement of its own after a plain commit: if it is lost, the next block finds them
   * still due, or whoever takes up the chain does.
   */
  private async finish(sql: Sql, chainId: number, fence: number, input: BlockInput, row: CommittedRow | undefined): Promise<CommitOutcome> {
    if (row === undefined) return MOVED;
    const due = row.due ? await this.release(sql, chainId, fence, input.block.number + input.onTop) : MOVED;
    const told = new Tellings(row);
    return due.kind === 'committed' ? told.add(due).outcome : told.outcome;
  }

  private async release(sql: Sql, chainId: number, fence: number, height: number): Promise<CommitOutcome> {
    const told = new Tellings();
    for (;;) {
      const [released] = await sql.rows(Released, RELEASE_DUE, [chainId, fence, height, this.clock.now(), BATCH]);
      if (released === undefined) return MOVED;
      told.add(released);
      if (released.due < BATCH) return told.outcome;
    }
  }

  /** Back to the ancestor, under the lock of the cursor. False: the cursor is elsewhere, or the ancestor is not on our chain. */
  private async rewind(sql: Sql, chainId: number, fence: number, { from, ancestor }: Pick<Reorg, 'from' | 'ancestor'>): Promise<boolean> {
    const [cursor] = await sql.rows(
      LockedCursor,
      'SELECT hash, epoch, finalized_number FROM chain_cursors WHERE chain_id = $1 FOR UPDATE',
      [chainId],
    );
    if (cursor?.epoch !== fence || !cursor.hash.equals(hexToBytes(from.hash))) return false;
    if (cursor.finalized_number !== null && ancestor.number < cursor.finalized_number) {
      throw new ReorgTooDeep('The fork starts below the finalised block.', { context: { chainId, ancestor: ancestor.number } });
    }
    const [block] = await sql.rows(
      Known,
      'SELECT true AS known FROM chain_blocks WHERE chain_id = $1 AND hash = $2 AND number = $3 AND canonical',
      [chainId, hexToBytes(ancestor.hash), ancestor.number],
    );
    if (block === undefined) return false;
    await sql.run('UPDATE chain_blocks SET canonical = false WHERE chain_id = $1 AND number > $2 AND canonical', [
      chainId,
      ancestor.number,
    ]);
    await sql.run(
      'UPDATE chain_cursors SET number = $2::bigint, hash = $3, safe_number = least(safe_number, $2::bigint), updated_at = now() WHERE chain_id = $1',
      [chainId, ancestor.number, hexToBytes(ancestor.hash)],
    );
    return true;
  }

  /** Inside a transaction: on a refusal, halves the block until the tips at fault are alone, and sets those aside. */
  private async commitCarefully(sql: Sql, chainId: number, fence: number, input: BlockInput): Promise<CommittedRow | undefined> {
    if (input.tips.length === 0) return commitBlock(sql, chainId, fence, input);
    await sql.run('SAVEPOINT block');
    try {
      const row = await commitBlock(sql, chainId, fence, input);
      await sql.run('RELEASE SAVEPOINT block');
      return row;
    } catch (error) {
      if (!(error instanceof StorageRefused)) throw error;
      await sql.run('ROLLBACK TO SAVEPOINT block');
      const faulty = await this.findRefused(sql, chainId, fence, input);
      const rest = faulty.reduce((left, tip) => setAside(left, tip, 'storage-refused'), input);
      this.metrics.quarantined(chainId, 'storage-refused', faulty.length);
      return commitBlock(sql, chainId, fence, rest);
    }
  }

  private async findRefused(sql: Sql, chainId: number, fence: number, input: BlockInput): Promise<readonly SightedTip[]> {
    const { tips } = input;
    if (await this.fits(sql, chainId, fence, input)) return [];
    if (tips.length <= 1) return tips;
    const middle = tips.length >> 1;
    return [
      ...(await this.findRefused(sql, chainId, fence, { ...input, tips: tips.slice(0, middle) })),
      ...(await this.findRefused(sql, chainId, fence, { ...input, tips: tips.slice(middle) })),
    ];
  }

  private async fits(sql: Sql, chainId: number, fence: number, input: BlockInput): Promise<boolean> {
    await sql.run('SAVEPOINT trial');
    try {
      await commitBlock(sql, chainId, fence, input);
      return true;
    } catch (error) {
      if (error instanceof StorageRefused) return false;
      throw error;
    } finally {
      await sql.run('ROLLBACK TO SAVEPOINT trial');
    }
  }
}

type CommittedRow = z.output<typeof Committed>;

/** One statement. The creators that got events, or `undefined` when the cursor was elsewhere. */
async function commitBlock(sql: Sql, chainId: number, fence: number, input: BlockInput): Promise<CommittedRow | undefined> {
  const { block, seenAtMs, onTop, tips, aside } = input;
  const header: SqlValue[] = [
    chainId,
    block.number,
    hexToBytes(block.hash),
    hexToBytes(block.parentHash),
    fence,
    block.timestampMs,
    seenAtMs,
    onTop,
  ];
  const [row] =
    tips.length + aside.length === 0
      ? await sql.rows(Committed, COMMIT_EMPTY_BLOCK, header)
      : await sql.rows(Committed, COMMIT_BLOCK, [...header, tipsJson(tips), asideJson(aside)]);
  return row;
}

export const LOCK_STREAMS = `
SELECT creator_id FROM creator_streams WHERE creator_id IN (
  SELECT told_to FROM tips WHERE chain_id = $1 AND block_number > $2 AND state IN ('confirmed', 'safe')
  UNION SELECT told_to FROM tips JOIN unnest($3::bytea[]) AS k(tx_hash) USING (tx_hash) WHERE chain_id = $1
  UNION SELECT told_to FROM tips WHERE chain_id = $1 AND due_number IS NOT NULL
  UNION SELECT creator_id FROM creator_wallets WHERE address = ANY ($4::bytea[])
) ORDER BY creator_id FOR NO KEY UPDATE`;

/**
 * A reorg takes several statements, each of which locks streams in order; together they would not. So all streams that any of them may
 * touch are locked first, in the one order.
 */
async function lockStreams(sql: Sql, chainId: number, ancestor: number, inputs: readonly BlockInput[]): Promise<void> {
  const tips = inputs.flatMap((input) => input.tips);
  await sql.run(LOCK_STREAMS, [
    chainId,
    ancestor,
    tips.map(({ txHash }) => hexToBytes(txHash)),
    tips.map(({ creator }) => hexToBytes(creator)),
  ]);
}
