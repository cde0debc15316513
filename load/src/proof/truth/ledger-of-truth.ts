import * as z from 'zod';
import { monotonicMs } from '../journals/monotonic.js';
import { readTipLog, type ReadTip } from './decode-tip-log.js';
import { askNode } from './node-question.js';

const Block = z.object({ number: z.string(), hash: z.string(), parentHash: z.string() });
const Logs = z.array(
  z.object({ address: z.string(), topics: z.array(z.string()), data: z.string(), transactionHash: z.string(), logIndex: z.string() }),
);

/** A tip in a block, wherever that block ended. */
export interface SeenTip extends ReadTip {
  /** `<chain>-<transaction>-<rank among the jar's logs of it>`. */
  readonly id: string;
  readonly blockNumber: number;
  readonly blockHash: string;
  readonly logIndex: number;
}

export interface SeenBlock {
  readonly number: number;
  readonly hash: string;
  readonly parentHash: string;
  /** When the node had it. */
  readonly at: number;
  readonly tips: readonly SeenTip[];
}

/** When the chain's head was which block. */
export interface SeenHead {
  readonly at: number;
  readonly hash: string;
}

export interface ChainStory {
  readonly blocks: ReadonlyMap<string, SeenBlock>;
  readonly heads: readonly SeenHead[];
}

/** Walks the node itself and keeps every block that it ever saw. Shares nothing with the product but the node. */
export class LedgerOfTruth {
  private readonly blocks = new Map<string, SeenBlock>();
  private readonly heads: SeenHead[] = [];

  constructor(
    private readonly url: string,
    private readonly chainId: number,
    private readonly jar: string,
  ) {}

  get story(): ChainStory {
    return { blocks: this.blocks, heads: this.heads };
  }

  /** Looks at the head and walks down to what it knows. Called after everything that moves the chain, so no branch is missed. */
  async look(): Promise<void> {
    const head = await this.header('latest');
    const news: z.output<typeof Block>[] = [];
    for (let at = head; !this.blocks.has(at.hash); at = await this.header(at.parentHash)) {
      news.push(at);
      if (Number(at.number) === 0) break;
    }
    for (const block of news.reverse()) this.blocks.set(block.hash, await this.read(block));
    if (this.heads.at(-1)?.hash !== head.hash) this.heads.push({ at: monotonicMs(), hash: head.hash });
  }

  private async header(which: string): Promise<z.output<typeof Block>> {
    const method = which.startsWith('0x') ? 'eth_getBlockByHash' : 'eth_getBlockByNumber';
    return Block.parse(await askNode(this.url, method, [which, false]));
  }

  private async read({ number, hash, parentHash }: z.output<typeof Block>): Promise<SeenBlock> {
    const logs = Logs.parse(await askNode(this.url, 'eth_getLogs', [{ blockHash: hash, address: this.jar }]));
    const ranks = new Map<string, number>();
    const tips = logs.map((log) => {
      const rank = ranks.get(log.transactionHash) ?? 0;
      ranks.set(log.transactionHash, rank + 1);
      const id = `${String(this.chainId)}-${log.transactionHash}-${String(rank)}`;
      return { ...readTipLog(log), id, blockNumber: Number(number), blockHash: hash, logIndex: Number(log.logIndex) };
    });
    return { number: Number(number), hash, parentHash, at: monotonicMs(), tips };
  }
}
