import { AnvilNode, type AnvilPlan, type Header } from '../../chaos/anvil-node.js';
import type { ChainStory, LedgerOfTruth } from '../truth/ledger-of-truth.js';

export interface RawTx {
  readonly raw: string;
  readonly hash: string;
  readonly sender: string;
}

interface Mined {
  readonly txs: readonly RawTx[];
  readonly timestamp: number;
  readonly hash: string;
  /** Who had money from nowhere before it was mined: more than its own senders, where a fork had taken others away. */
  readonly funded: readonly string[];
}

const FUNDS = '0x3635c9adc5dea00000';

/** Mines the chain of a run, block by block, and knows what is in each, so that forks can leave out, move and bring back what they like. */
export class ChainDriver {
  truth: LedgerOfTruth | undefined;
  private readonly blocks: Mined[] = [];
  private pending: RawTx[] = [];
  /** Accounts that were given money since the block at the head: a rollback leaves them what the first of the gone blocks gave. */
  private funded: readonly string[] = [];
  private clock: NodeJS.Timeout | undefined;
  private work: Promise<unknown> = Promise.resolve();
  private failure: Error | undefined;

  private constructor(readonly node: AnvilNode) {}

  static async start(plan: AnvilPlan): Promise<ChainDriver> {
    return new ChainDriver(await AnvilNode.start(plan));
  }

  get url(): string {
    return this.node.line.url;
  }

  /** What the reader of the node has written down. */
  get story(): ChainStory {
    if (this.truth === undefined) throw new Error('nobody has read the chain');
    return this.truth.story;
  }

  get height(): number {
    return this.blocks.length;
  }

  /** How many blocks from the head down to the one with this transaction; 0: there is none. */
  depthOf(hash: string): number {
    const place = this.blocks.findIndex(({ txs }) => txs.some((tx) => tx.hash === hash));
    return place < 0 ? 0 : this.blocks.length - place;
  }

  /** Goes into the next block. */
  queue(tx: RawTx): void {
    this.pending.push(tx);
  }

  /** A block every so often, with what is queued. */
  begin(everyMs: number): void {
    this.clock = setInterval(() => {
      this.mine().catch((error: unknown) => (this.failure ??= error instanceof Error ? error : new Error(String(error))));
    }, everyMs);
  }

  pause(): void {
    clearInterval(this.clock);
  }

  /** Throws what went wrong with a block that nobody waited for. */
  async check(): Promise<void> {
    await this.work.catch(() => undefined);
    if (this.failure !== undefined) throw this.failure;
  }

  mine(): Promise<void> {
    return this.inTurn(async () => {
      await this.seal(this.pending.splice(0));
      await this.truth?.look();
    });
  }

  /** So many blocks, as fast as it goes. */
  mineMany(count: number): Promise<void> {
    return this.inTurn(async () => {
      for (let i = 0; i < count; i += 1) await this.seal(this.pending.splice(0));
      await this.truth?.look();
    });
  }

  /**
   * Takes the newest blocks away, as many as `depthNow` says when its turn comes, and mines another branch, one block longer. `plan` says which transactions it has, block by block; what it
   * leaves out is gone. Nobody sees the chain in between.
   */
  fork(
    depthNow: () => number,
    plan: (gone: readonly RawTx[][]) => readonly (readonly RawTx[])[],
  ): Promise<{ readonly depth: number; readonly dropped: readonly RawTx[] }> {
    return this.inTurn(async () => {
      const depth = depthNow();
      const gone = (await this.rollback(depth)).map(({ txs }) => [...txs]);
      const branch = plan(gone);
      for (const txs of branch) await this.seal(txs, 1);
      await this.truth?.look();
      const kept = new Set(branch.flat().map(({ hash }) => hash));
      return { depth, dropped: gone.flat().filter(({ hash }) => !kept.has(hash)) };
    });
  }

  /** A fork, and then the very blocks that were there before, with the same hashes. */
  forkAndReturn(depthNow: () => Promise<number>, during: () => Promise<void>): Promise<void> {
    return this.inTurn(async () => {
      const depth = await depthNow();
      const former = await this.rollback(depth);
      for (let i = 0; i <= depth; i += 1) await this.seal([], 2);
      await this.truth?.look();
      await during();
      await this.rollback(depth + 1);
      for (const { txs, timestamp, hash, funded } of former)
        if ((await this.sealAt(txs, timestamp, funded)).hash !== hash) throw new Error('a block came back as another one');
      await this.seal([], 1);
      await this.seal([], 1);
      await this.truth?.look();
    });
  }

  async stop(): Promise<void> {
    this.pause();
    await this.work.catch(() => undefined);
    await this.node.stop();
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.work.then(work, work);
    this.work = done.catch(() => undefined);
    return done;
  }

  private async rollback(depth: number): Promise<readonly Mined[]> {
    await this.node.rollback(depth);
    const gone = this.blocks.splice(this.blocks.length - depth);
    this.funded = gone[0]?.funded ?? this.funded;
    return gone;
  }

  private async seal(txs: readonly RawTx[], later = 0): Promise<void> {
    const parent = this.blocks.at(-1)?.timestamp ?? 0;
    const senders = txs.map(({ sender }) => sender);
    await this.sealAt(txs, Math.max(parent + 1 + later, Math.floor(Date.now() / 1000)), [...new Set([...this.funded, ...senders])]);
  }

  private async sealAt(txs: readonly RawTx[], timestamp: number, funded: readonly string[]): Promise<Header> {
    // Given anew after a fork: what was given before is gone with the blocks, but for the first one's, which anvil keeps with its parent.
    await Promise.all(funded.map((sender) => this.node.line.ask('anvil_setBalance', [sender, FUNDS])));
    const header = await this.node.mine(
      txs.map(({ raw }) => raw),
      timestamp,
    );
    this.funded = [];
    this.blocks.push({ txs, timestamp, hash: header.hash, funded });
    return header;
  }
}
