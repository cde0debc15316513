import type { BlockRef, Clock, FinalizeOutcome } from '@droppio/tips';
import * as z from 'zod';
import { hexToBytes } from './columns.js';
import type { Database, Sql } from './database.js';
import { Tellings, Told } from './tellings.js';
import { RAISE_STATES } from './tip-statements.js';

/** Blocks kept below the finalised one: a little history for looking back, and nodes whose finalised tag lags. */
const KEPT_BELOW_FINALIZED = 256;
/** Tips raised in one transaction: chains that call thousands of blocks final at once make very many due, and a block that comes meanwhile waits for its end. */
const BATCH = 100;

const height = z.coerce.number().nullable();
const Marked = z.object({ epoch: z.coerce.number(), safe_number: height, finalized_number: height });
const Known = z.object({ hash: z.instanceof(Buffer) });
const Raised = Told.extend({ due: z.number() });

export interface Marks {
  readonly safe?: BlockRef;
  readonly finalized?: BlockRef;
}

/** Raises the states of tips as the chain's own tags move on. */
export class Finality {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * A mark counts only when its very block is canonical with us: then so is all below it. One ahead of the cursor, or of another branch,
   * waits until the walk has come there.
   */
  async finalize(chainId: number, fence: number, marks: Marks): Promise<FinalizeOutcome> {
    const [at] = await this.database.rows(Marked, MARKS, [chainId]);
    if (at?.epoch !== fence) return { kind: 'moved' };
    if (!isNews(marks.safe, at.safe_number) && !isNews(marks.finalized, at.finalized_number)) return { kind: 'committed', creators: [] };
    const batch = await this.database.transaction((sql) => this.raise(sql, chainId, fence, marks));
    if (batch === undefined) return { kind: 'moved' };
    return { ...new Tellings(batch).outcome, ...(batch.due === BATCH && { more: true }) };
  }

  /** One batch under the lock of the cursor. `undefined`: fenced off. */
  private async raise(sql: Sql, chainId: number, fence: number, marks: Marks): Promise<z.output<typeof Raised> | undefined> {
    const [at] = await sql.rows(Marked, `${MARKS} FOR UPDATE`, [chainId]);
    if (at?.epoch !== fence) return undefined;
    const safe = await ours(sql, chainId, marks.safe);
    const finalized = await ours(sql, chainId, marks.finalized);
    if (safe === null && finalized === null) return { creators: [], unscreened: [], due: 0 };
    const [raised] = await sql.rows(Raised, RAISE_STATES, [chainId, safe, finalized, this.clock.now(), BATCH]);
    if (raised?.due === BATCH) return raised;
    await sql.run(
      `UPDATE chain_cursors SET safe_number = greatest(safe_number, $2::bigint, $3::bigint), finalized_number = greatest(finalized_number, $3::bigint)
       WHERE chain_id = $1`,
      [chainId, safe, finalized],
    );
    if (finalized !== null) {
      await sql.run('DELETE FROM chain_blocks WHERE chain_id = $1 AND number < $2', [chainId, finalized - KEPT_BELOW_FINALIZED]);
    }
    return raised;
  }
}

const MARKS = 'SELECT epoch, safe_number, finalized_number FROM chain_cursors WHERE chain_id = $1';

function isNews(mark: BlockRef | undefined, known: number | null): boolean {
  return mark !== undefined && mark.number > (known ?? -1);
}

/** The height of a mark whose block is canonical with us, else null. */
async function ours(sql: Sql, chainId: number, mark: BlockRef | undefined): Promise<number | null> {
  if (mark === undefined) return null;
  const [block] = await sql.rows(Known, 'SELECT hash FROM chain_blocks WHERE chain_id = $1 AND number = $2 AND canonical', [
    chainId,
    mark.number,
  ]);
  return block?.hash.equals(hexToBytes(mark.hash)) === true ? mark.number : null;
}
