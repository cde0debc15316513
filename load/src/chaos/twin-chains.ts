import { AnvilNode, GENESIS_SECONDS, type AnvilPlan, type Header } from './anvil-node.js';

/** One block of a tree that two nodes can be moved through. */
export interface ChainBlock {
  readonly number: number;
  readonly hash: string;
  readonly timestamp: number;
  readonly parent: ChainBlock | undefined;
  readonly txs: readonly string[];
  readonly header: Header;
}

export type Twin = 'a' | 'b';
const other = (twin: Twin): Twin => (twin === 'a' ? 'b' : 'a');

/**
 * Two nodes of one chain. Told the same blocks they have the same hashes, so whoever is switched from one to the other sees what no single
 * node can do: the head jumps to another branch and back, two providers disagree, one is behind.
 */
export class TwinChains {
  private readonly heads: Record<Twin, ChainBlock>;
  private readonly children = new Map<string, number>();
  /** Which twin serves the chain that counts. */
  active: Twin = 'a';
  /** Highest block that was ever served. */
  highest = 0;

  private constructor(
    readonly nodes: Readonly<Record<Twin, AnvilNode>>,
    genesis: ChainBlock,
    private readonly epochSlots: number,
  ) {
    this.heads = { a: genesis, b: genesis };
  }

  static async start(plan: AnvilPlan): Promise<TwinChains> {
    const [a, b] = await Promise.all([AnvilNode.start(plan), AnvilNode.start(plan)]);
    const header = await a.header('0x0');
    const genesis = { number: 0, hash: header.hash, timestamp: GENESIS_SECONDS, parent: undefined, txs: [], header };
    return new TwinChains({ a, b }, genesis, plan.epochSlots);
  }

  get head(): ChainBlock {
    return this.heads[this.active];
  }

  get passive(): Twin {
    return other(this.active);
  }

  headOf(twin: Twin): ChainBlock {
    return this.heads[twin];
  }

  /** Nothing at or below may be undone any more: some node may have called it final. */
  get finalNumber(): number {
    return Math.max(0, this.highest - 2 * this.epochSlots);
  }

  /** How many blocks the chain that counts may lose. */
  get deepest(): number {
    return Math.max(0, this.head.number - this.finalNumber - 1);
  }

  /** May the twin that does not count be served, or made the one that counts? */
  get mayFlip(): boolean {
    return this.heads.a.hash !== this.heads.b.hash && ancestorOf(this.heads.a, this.heads.b).number > this.finalNumber;
  }

  async mine(twin: Twin, txs: readonly string[]): Promise<ChainBlock> {
    const parent = this.heads[twin];
    // No two children of one parent share a time stamp, so that no two blocks do.
    const delta = (this.children.get(parent.hash) ?? 0) + 1;
    this.children.set(parent.hash, delta);
    const timestamp = parent.timestamp + delta;
    const header = await this.nodes[twin].mine(txs, timestamp);
    const block = { number: parent.number + 1, hash: header.hash, timestamp, parent, txs, header };
    if (Number(header.number) !== block.number || header.parentHash !== parent.hash)
      throw new Error('anvil mined another block than it was told');
    this.heads[twin] = block;
    this.highest = Math.max(this.highest, block.number);
    return block;
  }

  /** Brings a node to a block that the tree knows. */
  async moveTo(twin: Twin, target: ChainBlock): Promise<void> {
    const from = this.heads[twin];
    const ancestor = ancestorOf(from, target);
    await this.nodes[twin].rollback(from.number - ancestor.number);
    for (const block of lineage(ancestor, target)) {
      const header = await this.nodes[twin].mine(block.txs, block.timestamp);
      if (header.hash !== block.hash) throw new Error(`the twins differ at block ${String(block.number)}`);
    }
    this.heads[twin] = target;
  }

  /** The block `depth` below. */
  below(block: ChainBlock, depth: number): ChainBlock {
    let at = block;
    for (let i = 0; i < depth && at.parent !== undefined; i += 1) at = at.parent;
    return at;
  }

  async stop(): Promise<void> {
    await Promise.all([this.nodes.a.stop(), this.nodes.b.stop()]);
  }
}

export function ancestorOf(one: ChainBlock, two: ChainBlock): ChainBlock {
  let [a, b] = [one, two];
  while (a.hash !== b.hash) {
    const [up] = [a.number >= b.number ? a : b];
    if (up.parent === undefined) throw new Error('two chains without a common block');
    if (up === a) a = up.parent;
    else b = up.parent;
  }
  return a;
}

/** From the ancestor's child to the head. */
export function lineage(ancestor: ChainBlock, head: ChainBlock): ChainBlock[] {
  const blocks: ChainBlock[] = [];
  for (let at: ChainBlock | undefined = head; at !== undefined && at.hash !== ancestor.hash; at = at.parent) blocks.push(at);
  return blocks.reverse();
}
