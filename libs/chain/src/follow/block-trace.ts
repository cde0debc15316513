import type { OpenSpan, Traces } from '@droppio/platform';
import { tipId, type BlockCommit } from '@droppio/tips';

/** The beginning of the traces of a block's tips: the block from its arrival on, and its commit. */
export class BlockTrace {
  private constructor(private readonly spans: readonly OpenSpan[]) {}

  /** `undefined`: nothing in it is traced. */
  static begin(traces: Traces, chainId: number, commits: readonly BlockCommit[]): BlockTrace | undefined {
    const spans: OpenSpan[] = [];
    for (const { block, seenAtMs, tips } of commits) {
      for (const { display, txHash, ordinal } of tips) {
        if (display === undefined) continue;
        const id = tipId({ chainId, txHash, ordinal });
        const attributes = { 'droppio.chain_id': chainId, 'droppio.block_number': block.number, 'droppio.tx_hash': txHash };
        const arrival = traces.begin(id, { name: 'tip.block', startMs: seenAtMs, attributes });
        const commit = traces.follow(id, { name: 'tip.commit', attributes: { 'droppio.chain_id': chainId } });
        if (arrival !== undefined && commit !== undefined) spans.push(commit, arrival);
      }
    }
    return spans.length === 0 ? undefined : new BlockTrace(spans);
  }

  /** Only what was committed is recorded: what failed is tried again, and begins anew. */
  committed(): void {
    for (const span of this.spans) span.end();
  }
}
