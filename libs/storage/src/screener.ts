import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import {
  backoffMs,
  SCREENING_REASONS,
  SCREENINGS,
  SHOW_EVERYTHING,
  TIP_STATES,
  TipJudge,
  type Clock,
  type ModerationRules,
  type Screening,
  type Verdict,
} from '@droppio/tips';
import * as z from 'zod';
import type { Database } from './database.js';
import { isId } from './event-log.js';
import { APPLY_VERDICTS, RULES, UNSCREENED, WAITING_TIPS } from './screening-statements.js';
import { StoredDisplay } from './stored-event.js';
import { StoredRules } from './stored-rules.js';

/** Tips judged in one statement: its locks are soon gone, whatever waits. */
const BATCH = 100;
/** Statements in one go. A flood that takes longer is left to the next. */
const MOST_ROUNDS = 50;
/** Tries at tips that somebody else has in hand; then the sweep is soon enough. */
const PATIENCE = 4;
const JUDGES_MAX = 256;

const Rules = z.object({ screens: z.boolean(), version: z.number(), rules: StoredRules.nullable() });
const Seen = StoredDisplay.loose();
export const ScreenedRow = z.object({
  chain_id: z.coerce.number(),
  tx_hash: z.instanceof(Buffer),
  ordinal: z.number(),
  rev: z.number(),
  state: z.enum(TIP_STATES),
  told: z.boolean(),
  screening: z.enum(SCREENINGS).nullable(),
  screening_reason: z.enum(SCREENING_REASONS).nullable(),
  display: Seen,
  shown: Seen.nullable(),
  erased: z.boolean(),
  block_time_ms: z.coerce.number(),
  known: z.boolean(),
});
export type ScreenedRow = z.output<typeof ScreenedRow>;
const Applied = z.object({ creators: z.array(z.string()), judged: z.number() });
const CreatorId = z.object({ creator_id: z.string() });

/** A creator's rules as they are now, ready to judge. */
export interface Bench {
  readonly version: number;
  readonly rules: ModerationRules;
  readonly judge: TipJudge;
}

/** Judges tips between their commit and their telling. Nothing is locked while it thinks: verdicts name what they are based on. */
export class Screener {
  private readonly logger = new Logger('storage');
  private readonly judges = new Map<string, Bench & { readonly screens: boolean }>();

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  async screen(creatorId: string): Promise<boolean> {
    if (!isId(creatorId)) return false;
    let hasTold = false;
    let stuck = 0;
    for (let round = 0; round < MOST_ROUNDS && stuck < PATIENCE; round += 1) {
      const bench = await this.benchOf(creatorId);
      const waiting = bench && (await this.database.rows(ScreenedRow, WAITING_TIPS, [creatorId, BATCH]));
      if (bench === undefined || waiting === undefined || waiting.length === 0) return hasTold;
      const verdicts = waiting.map((tip) => ({ tip, verdict: this.verdictOn(tip, bench) }));
      const applied = await this.apply(creatorId, bench.version, 'waiting', verdicts);
      if (applied.isTold) hasTold = true;
      if (applied.judged === waiting.length && waiting.length < BATCH) return hasTold;
      stuck = applied.judged === 0 ? stuck + 1 : 0;
      if (stuck > 0) await this.clock.sleep(backoffMs(stuck, { baseMs: 2, capMs: 50 }));
    }
    return hasTold;
  }

  async unscreened(olderThanMs: number, limit: number): Promise<readonly string[]> {
    const rows = await this.database.rows(CreatorId, UNSCREENED, [olderThanMs, limit]);
    return rows.map(({ creator_id }) => creator_id);
  }

  /** `undefined`: no such creator. */
  async benchOf(creatorId: string): Promise<Bench | undefined> {
    const [row] = await this.database.rows(Rules, RULES, [creatorId]);
    if (row === undefined) return undefined;
    const known = this.judges.get(creatorId);
    if (known?.version === row.version && known.screens === row.screens) return known;
    const rules = row.rules ?? SHOW_EVERYTHING;
    const bench = { version: row.version, screens: row.screens, rules, judge: new TipJudge(row.screens ? rules : SHOW_EVERYTHING) };
    this.judges.delete(creatorId);
    this.judges.set(creatorId, bench);
    for (const oldest of this.judges.keys()) {
      if (this.judges.size <= JUDGES_MAX) break;
      this.judges.delete(oldest);
    }
    return bench;
  }

  /** A tip that cannot be judged is a person's, and its text stays away from the screen. */
  verdictOn({ display, known, chain_id, ordinal }: ScreenedRow, { judge }: Bench, isApproved = false): Verdict {
    try {
      return judge.judge({ display, isKnownSender: known, isApproved });
    } catch (error) {
      this.logger.error('screening.unjudged', { chainId: chain_id, ordinal, ...errorFields(error) });
      const blank = { ...display, message: '' };
      return isApproved ? { screening: 'shown', display: blank } : { screening: 'held', reason: 'unjudged', display: blank };
    }
  }

  async apply(
    creatorId: string,
    version: number,
    from: Extract<Screening, 'waiting' | 'held'>,
    verdicts: readonly { readonly tip: ScreenedRow; readonly verdict: Verdict }[],
  ): Promise<{ readonly judged: number; readonly isTold: boolean }> {
    const input = verdicts.map(({ tip, verdict }, pos) => ({
      pos,
      chain_id: tip.chain_id,
      tx_hash: tip.tx_hash.toString('hex'),
      ordinal: tip.ordinal,
      rev: tip.rev,
      erased: tip.erased,
      screening: verdict.screening,
      reason: verdict.reason,
      shown: verdict.display,
    }));
    const values = [creatorId, version, JSON.stringify(input), this.clock.now(), from];
    const [applied] = await this.database.rows(Applied, APPLY_VERDICTS, values);
    return { judged: applied?.judged ?? 0, isTold: (applied?.creators.length ?? 0) > 0 };
  }
}
