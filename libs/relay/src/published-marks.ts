import { Logger } from '@nestjs/common';
import { errorFields } from '@droppio/platform';
import type { Clock, TipLedger } from '@droppio/tips';

/** Long enough that the events of a burst share a mark, short against the second after which the sweep looks. */
const GATHER_MS = 25;
const AT_ONCE = 4;

/**
 * Notes in the ledger what feeds have, gathered and off the path of the events. A note that is lost costs one drain by the sweep, which
 * finds nothing to do and notes it again.
 */
export class PublishedMarks {
  private readonly log = new Logger('relay');
  private pending = new Map<string, number>();
  private writing: Promise<void> | undefined;
  private readonly closing = new AbortController();

  constructor(
    private readonly ledger: TipLedger,
    private readonly clock: Clock,
  ) {}

  note(creatorId: string, seq: number): void {
    this.pending.set(creatorId, Math.max(seq, this.pending.get(creatorId) ?? 0));
    this.writing ??= this.write();
  }

  /** Writes what is noted now; resolves when it is written or has failed. */
  async close(): Promise<void> {
    this.closing.abort();
    await this.writing;
  }

  private async write(): Promise<void> {
    while (this.pending.size > 0) {
      await this.clock.sleep(GATHER_MS, this.closing.signal);
      const marks = [...this.pending];
      this.pending = new Map();
      await Promise.all(Array.from({ length: AT_ONCE }, () => this.writeFrom(marks)));
    }
    this.writing = undefined;
  }

  private async writeFrom(marks: [string, number][]): Promise<void> {
    for (let mark = marks.pop(); mark !== undefined; mark = marks.pop()) {
      const [creatorId, seq] = mark;
      try {
        await this.ledger.markPublished(creatorId, seq);
      } catch (error) {
        this.log.warn('mark.failed', { creatorId, seq, ...errorFields(error) });
      }
    }
  }
}
