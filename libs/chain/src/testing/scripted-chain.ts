import {
  ChainReader,
  ChainUnavailable,
  type BlockHeader,
  type BlockRef,
  type ChainLog,
  type ChainPayment,
  type HeadListener,
  type Hex,
  type LogFilter,
  type PendingListener,
} from '@droppio/tips';
import { random, randomHex, randomInt } from '@droppio/tips/testing';
import type { RawTip } from '../decode-tip.js';
import { bloomOf } from '../nodes/bloom.js';
import { aTipLog } from './tip-log.js';

/** A transaction of one or more tips, or of logs as they are. Keeps its hash wherever it is mined. */
export interface ScriptedTx {
  readonly hash: Hex;
  readonly tips: readonly RawTip[];
  readonly logs?: readonly ChainLog[];
  /** Coins that the transaction sends; `fails`: it was mined and undone. */
  readonly payment?: Omit<ChainPayment, 'txHash' | 'txIndex'> & { readonly fails?: boolean };
}

export type ScriptedPayment = ChainPayment & { readonly fails: boolean };

interface ScriptedBlock {
  readonly header: BlockHeader;
  readonly logs: readonly ChainLog[];
  readonly payments: readonly ScriptedPayment[];
}

export const aTx = (...tips: readonly RawTip[]): ScriptedTx => ({ hash: randomHex(32), tips });

/**
 * A chain in memory whose story the test tells: it mines, forks, falls silent and fails when told to. Everything it once served stays
 * readable by hash only while it is canonical, as on a node that forgets side branches.
 */
export class ScriptedChain extends ChainReader {
  private blocks: ScriptedBlock[];
  private readonly ever = new Map<Hex, ScriptedBlock>();
  private readonly listeners = new Set<HeadListener>();
  private readonly pending = new Set<PendingListener>();
  private readonly failing = new Map<string, number>();
  private tags: { safe?: number; finalized?: number } = {};
  /** Calls by method name, for tests that count questions. */
  readonly calls: Record<string, number> = {};
  /** Heads that led nowhere. */
  readonly doubted: Hex[] = [];
  /** True: blocks that left the chain can still be read by hash, as on a node that keeps side branches. */
  remembers = false;
  /** False: heads are not pushed; `push` tells them by hand. */
  pushes = true;

  constructor(
    override readonly chainId: number,
    private readonly jar: Hex,
  ) {
    super();
    this.blocks = [{ header: { ...this.childOf(undefined), number: 0 }, logs: [], payments: [] }];
  }

  get tip(): BlockHeader {
    return this.at(this.blocks.length - 1);
  }

  at(number: number): BlockHeader {
    const block = this.blocks[number];
    if (block === undefined) throw new RangeError(`no block ${String(number)}`);
    return block.header;
  }

  /** All tips that the canonical chain holds, in order. */
  get tips(): readonly { readonly txHash: Hex; readonly log: ChainLog }[] {
    return this.blocks.flatMap(({ logs }) => logs.filter((log) => log.address === this.jar).map((log) => ({ txHash: log.txHash, log })));
  }

  /** All logs of a block that can be read. */
  logsOf(hash: Hex): readonly ChainLog[] | undefined {
    return this.find(hash)?.logs;
  }

  /** All payments of a block that can be read, failed ones too. */
  paymentsOf(hash: Hex): readonly ScriptedPayment[] | undefined {
    return this.find(hash)?.payments;
  }

  mine(...txs: readonly ScriptedTx[]): BlockHeader {
    const parent = this.tip;
    const bare = this.childOf(parent);
    const logs = logsOf(txs, bare, this.jar);
    const header = { ...bare, logsBloom: bloomOf(logs.flatMap((log) => [log.address, ...log.topics])) };
    const block = { header, logs, payments: paymentsOf(txs) };
    this.blocks.push(block);
    this.ever.set(header.hash, block);
    if (this.pushes) this.push(header);
    return header;
  }

  /** Begins with the blocks of another chain up to a height: a branch that leaves it there. */
  adopt({ blocks }: ScriptedChain, height: number): void {
    this.blocks = blocks.slice(0, height + 1);
  }

  /** Takes blocks off without telling anybody, as `anvil_rollback` does. */
  rollback(depth: number): void {
    this.blocks = this.blocks.slice(0, Math.max(1, this.blocks.length - depth));
  }

  /** Replaces the newest `depth` blocks by one block per given list of transactions. */
  reorg(depth: number, branch: readonly (readonly ScriptedTx[])[]): void {
    this.rollback(depth);
    for (const txs of branch) this.mine(...txs);
  }

  settle(tags: { safe?: number; finalized?: number }): void {
    this.tags = tags;
  }

  /** The next `times` calls of a method fail. */
  failNext(method: 'head' | 'blockByHash' | 'blockByNumber' | 'logs' | 'agreedLogs' | 'payments' | 'tagged', times: number): void {
    this.failing.set(method, times);
  }

  push(header: BlockHeader): void {
    for (const listener of this.listeners) listener(header, Date.now());
  }

  override async verify(): Promise<void> {
    await this.answer('verify');
  }

  override async head(): Promise<BlockHeader> {
    await this.answer('head');
    return this.tip;
  }

  override async blockByHash(hash: Hex): Promise<BlockHeader | undefined> {
    await this.answer('blockByHash');
    return this.find(hash)?.header;
  }

  override async blockByNumber(number: number): Promise<BlockHeader | undefined> {
    await this.answer('blockByNumber');
    return this.blocks[number]?.header;
  }

  override async tagged(tag: 'safe' | 'finalized'): Promise<BlockRef | undefined> {
    await this.answer('tagged');
    const number = this.tags[tag];
    return number === undefined ? undefined : { number, hash: this.at(number).hash };
  }

  override async logs(block: BlockHeader, filter: LogFilter): Promise<readonly ChainLog[]> {
    await this.answer('logs');
    const found = this.logsOf(block.hash);
    if (found === undefined) throw new ChainUnavailable('unknown block');
    const isAsked = ({ address, topics: [topic] }: ChainLog): boolean =>
      filter.addresses.includes(address) && (filter.topics.length === 0 || (topic !== undefined && filter.topics.includes(topic)));
    return found.filter(isAsked);
  }

  override async payments(block: BlockHeader, isWatched: (address: Hex) => boolean): Promise<readonly ChainPayment[]> {
    await this.answer('payments');
    const found = this.paymentsOf(block.hash);
    if (found === undefined) throw new ChainUnavailable('unknown block');
    return found
      .filter(({ to, amount, fails }) => !fails && amount > 0n && isWatched(to))
      .map(({ txHash, txIndex, from, to, amount }) => ({ txHash, txIndex, from, to, amount }));
  }

  override async agreedLogs(from: number, to: number, filter: LogFilter): Promise<readonly ChainLog[]> {
    await this.answer('agreedLogs');
    const logs = await Promise.all(this.blocks.slice(from, to + 1).map(({ header }) => this.logs(header, filter)));
    return logs.flat();
  }

  override doubt({ hash }: BlockRef): void {
    this.doubted.push(hash);
  }

  override hasLeft({ number, hash }: BlockRef): Promise<boolean> {
    return Promise.resolve(this.blocks[number]?.header.hash !== hash);
  }

  override watchHeads(listener: HeadListener, signal: AbortSignal): void {
    this.listeners.add(listener);
    signal.addEventListener('abort', () => this.listeners.delete(listener), { once: true });
    listener(this.tip, Date.now());
  }

  override watchPending(_filter: LogFilter, listener: PendingListener, signal: AbortSignal): void {
    this.pending.add(listener);
    signal.addEventListener('abort', () => this.pending.delete(listener), { once: true });
  }

  /** Promises these transactions for the next block. */
  promise(...txs: readonly ScriptedTx[]): void {
    for (const listener of this.pending) listener(logsOf(txs, { number: this.tip.number + 1, hash: '0x00' }, this.jar), Date.now());
  }

  private find(hash: Hex): ScriptedBlock | undefined {
    return this.blocks.find(({ header }) => header.hash === hash) ?? (this.remembers ? this.ever.get(hash) : undefined);
  }

  private async answer(method: string): Promise<void> {
    this.calls[method] = (this.calls[method] ?? 0) + 1;
    // Answers overtake each other, as over a network.
    for (let turns = Math.floor(random() * 3); turns > 0; turns -= 1) await Promise.resolve();
    const left = this.failing.get(method) ?? 0;
    if (left === 0) return;
    this.failing.set(method, left - 1);
    throw new ChainUnavailable('scripted failure');
  }

  private childOf(parent: BlockHeader | undefined): BlockHeader {
    return {
      number: (parent?.number ?? -1) + 1,
      hash: randomHex(32),
      parentHash: parent?.hash ?? `0x${'00'.repeat(32)}`,
      timestampMs: (parent?.timestampMs ?? 1_700_000_000_000) + 2000,
      logsBloom: bloomOf([]),
    };
  }
}

function logsOf(txs: readonly ScriptedTx[], block: BlockRef, jar: Hex): readonly ChainLog[] {
  // The place of a log in its block says nothing about its place in its transaction.
  const offset = randomInt(3);
  return txs
    .flatMap((tx) => [
      ...tx.tips.map((tip) => aTipLog(tip, { address: jar, txHash: tx.hash })),
      ...(tx.logs ?? []).map((log) => ({ ...log, txHash: tx.hash })),
    ])
    .map((log, index) => ({ ...log, blockHash: block.hash, blockNumber: block.number, logIndex: offset + index }));
}

function paymentsOf(txs: readonly ScriptedTx[]): readonly ScriptedPayment[] {
  return txs.flatMap(({ hash, payment }, txIndex) => (payment === undefined ? [] : [{ fails: false, ...payment, txHash: hash, txIndex }]));
}
