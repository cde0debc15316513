import type { BlockCommit, BlockHeader, ChainReader } from '@droppio/tips';
import type { TipSpotter } from '../sight-tips.js';

const AHEAD = 16;

/** Turns headers into what is committed: fetches the logs and reads the tips. */
export class BlockReader {
  constructor(
    private readonly reader: ChainReader,
    private readonly spotter: TipSpotter,
  ) {}

  async read(block: BlockHeader, seenAtMs: number): Promise<BlockCommit> {
    const logs = await this.reader.logs(block, this.spotter.filter);
    return { block, seenAtMs, ...this.spotter.sight(logs) };
  }

  /** The commits of a branch in order; the logs of the next few blocks are fetched while the first is being stored. */
  async *readAll(branch: readonly BlockHeader[], seenAtMs: number): AsyncGenerator<BlockCommit> {
    const ahead: Promise<BlockCommit>[] = [];
    let next = 0;
    const fetchNext = (): void => {
      const block = branch[next];
      if (block === undefined) return;
      next += 1;
      const reading = this.read(block, seenAtMs);
      // Whoever awaits it hears of the failure; until then it must not count as unhandled.
      reading.catch(() => undefined);
      ahead.push(reading);
    };
    while (next < branch.length && ahead.length < AHEAD) fetchNext();
    for (let reading = ahead.shift(); reading !== undefined; reading = ahead.shift()) {
      fetchNext();
      yield await reading;
    }
  }
}
