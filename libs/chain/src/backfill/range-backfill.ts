import {
  blocksIn,
  ChainUnavailable,
  NotOurJob,
  type BackfillBlock,
  type BackfillJob,
  type BlockRange,
  type Clock,
  type TipLedger,
} from '@droppio/tips';
import type { ChainSettings } from '../chain-settings.js';
import type { BackfillMetrics } from './backfill-metrics.js';
import { filterVersion } from './filter-version.js';
import type { HistoryNodes, HistoryReader, SearchedRange } from './history-reader.js';

export interface RangeBackfillParts {
  readonly ledger: TipLedger;
  readonly nodes: HistoryNodes;
  readonly reader: HistoryReader;
  readonly clock: Clock;
  readonly metrics: BackfillMetrics;
  /** Resolves once everything that tips are held against is in memory. */
  readonly ready: () => Promise<void>;
}

export interface Found {
  readonly blocks: number;
  readonly stored: number;
  readonly known: number;
}

interface Tally {
  blocks: number;
  stored: number;
  known: number;
}

/** Tips in one transaction: so few that live blocks, which need the same disk, do not feel it. */
const TIPS_AT_ONCE = 500;
/** Long holes are read from this many places at once: while a node is at one answer, the other is read. */
const LANES = 2;
/** Blocks below which a hole is not divided: less is soon done. */
const LEAST_LANE = 256;
/** After this long a job leaves the rest to another one, so that progress shows and no process is bound for long. */
const BUDGET_MS = 15_000;

/** Works jobs of one chain: searches what is still uncovered of their blocks, stores it, and notes piece by piece that it was searched. */
export class RangeBackfill {
  readonly filter: string;

  constructor(
    private readonly chain: ChainSettings,
    private readonly parts: RangeBackfillParts,
  ) {
    this.filter = filterVersion(chain);
  }

  /** Height up to which the chain's nodes call it final. Throws `ChainUnavailable`. */
  async final(): Promise<number> {
    const { nodes } = this.parts;
    const tagged = await nodes.tagged('finalized');
    return tagged?.number ?? (await nodes.head()).number - this.chain.finalityDepth;
  }

  /** Ends early, without fault, when it is told to or has taken its time. What is stored by then stays. */
  async work(job: BackfillJob, over: AbortSignal): Promise<Found> {
    if (job.filter !== this.filter)
      throw new NotOurJob('The job looks for something else than the settings of this process.', { context: { chainId: job.chainId } });
    const { ledger, clock, nodes, ready } = this.parts;
    const { chainId } = this.chain;
    await nodes.verify();
    await ready();
    const final = await this.final();
    const settled = (await ledger.settled(chainId, final)) ?? -1;
    const found = { blocks: 0, stored: 0, known: 0 };
    const until = clock.now() + BUDGET_MS;
    const isOver = (): boolean => over.aborted || clock.now() >= until;
    for (const hole of await ledger.holes(chainId, this.filter, { from: job.from, to: Math.min(job.to, settled) })) {
      await this.fillInLanes(hole, final, found, isOver);
      if (isOver()) break;
    }
    this.parts.metrics.remaining(chainId, blocksIn(await ledger.holes(chainId, this.filter, job.asked)));
    return found;
  }

  /** What fails in one lane ends the others too, and is thrown once nothing is running any more. */
  private async fillInLanes(hole: BlockRange, final: number, found: Tally, isOver: () => boolean): Promise<void> {
    let hasFailed = false;
    const all = new SideBySide(LANES);
    for (const lane of lanesOf(hole)) {
      await all.add(() =>
        this.fill(lane, final, found, () => hasFailed || isOver()).catch((error: unknown) => {
          hasFailed = true;
          throw error;
        }),
      );
    }
    await all.done();
  }

  /** The next piece is read while one is being stored. */
  private async fill(hole: BlockRange, final: number, found: Tally, isOver: () => boolean): Promise<void> {
    const stores = new SideBySide(1);
    let from = hole.from;
    let reading: Promise<SearchedRange> | undefined = this.read(hole);
    try {
      while (reading !== undefined) {
        const piece: SearchedRange = await reading;
        const next = piece.to + 1;
        reading = next <= hole.to && !isOver() ? this.read({ from: next, to: hole.to }) : undefined;
        for (const batch of batches({ from, to: piece.to }, piece.blocks)) await stores.add(() => this.store(batch, final, found));
        from = next;
      }
    } finally {
      await stores.done();
    }
  }

  private read(range: BlockRange): Promise<SearchedRange> {
    const reading = this.parts.reader.search(range);
    // Whoever awaits it hears of the failure; until then it must not count as unhandled.
    reading.catch(() => undefined);
    return reading;
  }

  /** Covers its range when it is in, whatever becomes of the ranges before it. */
  private async store({ from, to, blocks }: Batch, final: number, found: Tally): Promise<void> {
    const { ledger, metrics } = this.parts;
    const { chainId } = this.chain;
    const { stored, known, later } = await ledger.backfill(chainId, { from, to, filter: this.filter, final }, blocks);
    // Only a ledger that was put back to an older state while we worked would say so.
    if (later > 0) throw new ChainUnavailable('The ledger no longer takes these blocks for final.', { context: { chainId, from, to } });
    metrics.searched(chainId, to - from + 1, { stored, known });
    found.blocks += to - from + 1;
    found.stored += stored;
    found.known += known;
  }
}

/** Runs so many at once. What fails is thrown by the next call, once nothing is running any more. */
class SideBySide {
  private readonly running = new Set<Promise<void>>();
  private readonly faults: unknown[] = [];

  constructor(private readonly most: number) {}

  async add(work: () => Promise<void>): Promise<void> {
    while (this.running.size >= this.most) await Promise.race(this.running);
    if (this.faults.length > 0) await this.done();
    const run: Promise<void> = work()
      .catch((error: unknown) => {
        this.faults.push(error);
      })
      .finally(() => this.running.delete(run));
    this.running.add(run);
  }

  async done(): Promise<void> {
    await Promise.all(this.running);
    if (this.faults.length > 0) throw this.faults[0];
  }
}

function lanesOf({ from, to }: BlockRange): readonly BlockRange[] {
  const blocks = Math.max(LEAST_LANE, Math.ceil((to - from + 1) / LANES));
  const lanes: BlockRange[] = [];
  for (let at = from; at <= to; at += blocks) lanes.push({ from: at, to: Math.min(to, at + blocks - 1) });
  return lanes;
}

interface Batch extends BlockRange {
  readonly blocks: readonly BackfillBlock[];
}

/** Whole blocks, together about as many tips as one transaction should have; their ranges make up the whole range, so one batch may be empty. */
function batches({ from, to }: BlockRange, blocks: readonly BackfillBlock[]): readonly Batch[] {
  const all: BackfillBlock[][] = [[]];
  let tips = 0;
  for (const block of blocks) {
    if (tips > 0 && tips + block.tips.length > TIPS_AT_ONCE) {
      all.push([]);
      tips = 0;
    }
    all.at(-1)?.push(block);
    tips += block.tips.length;
  }
  let next = from;
  return all.map((own, index) => {
    const last = index === all.length - 1 ? to : (own.at(-1)?.block.number ?? to);
    const batch = { from: next, to: last, blocks: own };
    next = last + 1;
    return batch;
  });
}
