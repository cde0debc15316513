import type { RpcLine } from './rpc-line.js';
import type { Tally } from './tally.js';
import type { Question } from './faulty-endpoint.js';
import { otherAmount } from './promises.js';

type Answer = { readonly result?: unknown; readonly error?: unknown };
type Entry = Readonly<Record<string, unknown>>;

/** What becomes of a block at a provider that forges: a payment that never was, another amount, none at all, none and a bloom to match. */
export const FORGERIES = ['added', 'changed', 'dropped', 'hidden'] as const;
export type Forgery = (typeof FORGERIES)[number];

/** A bloom that admits none of the logs that are looked for, and is not the empty one either. */
const EXCLUDING = `0x${'1'.padStart(512, '0')}`;
const ADMITTING = `0x${'f'.repeat(512)}`;
const EMPTY = /^0x0*$/;
/** Where forged entries stand: behind all true ones. */
const PLACE = 0x900;
const AMOUNT = 0xde0b6b3a7640000;

/** Makes right-looking answers out of true ones. The same lie about the same block whenever and however it is asked for. */
export class Forger {
  isActive = false;
  /** Payments that it made up, and their block. */
  private readonly madeUp = new Map<string, string>();

  constructor(
    private readonly wallet: string,
    private readonly tally: Tally,
  ) {}

  /** What it does to a block; to one in five nothing. */
  static forgeryOf(blockHash: string): Forgery | undefined {
    return FORGERIES[Number.parseInt(blockHash.slice(2, 6), 16) % (FORGERIES.length + 1)];
  }

  async forged({ method, params }: Question, answer: Answer, line: RpcLine): Promise<Answer> {
    if (!this.isActive) return answer;
    if (method === 'eth_getLogs' && isEntry(params[0])) return { result: await this.logs(params[0], answer, line) };
    if (method === 'eth_getTransactionReceipt') return this.receipt(String(params[0]), answer);
    if (method.startsWith('eth_getBlockBy') && isEntry(answer.result)) return { result: this.block(answer.result, params[1] === true) };
    return answer;
  }

  /** A header as it pushes it. */
  header<T extends object>(header: T): T {
    if (!this.isActive || !('logsBloom' in header) || !('hash' in header)) return header;
    const forgery = Forger.forgeryOf(String(header.hash));
    const isEmpty = EMPTY.test(String(header.logsBloom));
    if (forgery === 'added') return { ...header, logsBloom: ADMITTING };
    if (forgery !== 'hidden' || isEmpty) return header;
    this.tally.add('forged:bloom');
    return { ...header, logsBloom: EXCLUDING };
  }

  private async logs(query: Entry, { result, error }: Answer, line: RpcLine): Promise<unknown> {
    if (error !== undefined || !Array.isArray(result) || query['fromBlock'] === 'pending') return result;
    const told = result.filter(isEntry);
    if (typeof query['blockHash'] !== 'string') return this.range(told);
    const forgery = Forger.forgeryOf(query['blockHash']);
    if (forgery !== 'added' || told.length > 0) return this.ofBlock(query['blockHash'], told);
    const block = await line.ask('eth_getBlockByHash', [query['blockHash'], false]);
    this.tally.add('forged:added');
    return [this.nowhere(query, isEntry(block) ? block : {})];
  }

  private range(logs: readonly Entry[]): readonly Entry[] {
    const blocks = new Map<string, Entry[]>();
    for (const log of logs) {
      const hash = String(log['blockHash']);
      blocks.set(hash, [...(blocks.get(hash) ?? []), log]);
    }
    const forged = [...blocks].flatMap(([hash, own]) => this.ofBlock(hash, own));
    if (blocks.size > 0 && JSON.stringify(forged) !== JSON.stringify(logs)) this.tally.add('forged:range');
    return forged;
  }

  /** Logs of one block; of those there are. */
  private ofBlock(hash: string, logs: readonly Entry[]): readonly Entry[] {
    const [one] = logs;
    const forgery = Forger.forgeryOf(hash);
    if (one === undefined || forgery === undefined) return logs;
    this.tally.add(`forged:${forgery}`);
    if (forgery === 'dropped' || forgery === 'hidden') return [];
    if (forgery === 'changed') return [{ ...one, data: otherAmount(String(one['data'])) }, ...logs.slice(1)];
    const logIndex = quantity(PLACE);
    // Half of them in the transaction of a true one, as its next tip.
    return [...logs, isEven(hash) ? { ...one, logIndex } : { ...one, logIndex, transactionHash: nobodysHash(hash) }];
  }

  /** A tip in a block without any, as the jar would tell it. */
  private nowhere(query: Entry, block: Entry): Entry {
    const hash = String(query['blockHash']);
    return {
      address: first(query['address']),
      topics: [first(first(query['topics'])), word(this.wallet), word(nobodysAddress(hash))],
      data: `0x${[0, AMOUNT, 128, 1, 0].map((value) => value.toString(16).padStart(64, '0')).join('')}`,
      blockHash: hash,
      blockNumber: block['number'],
      transactionHash: nobodysHash(hash),
      transactionIndex: quantity(PLACE),
      logIndex: quantity(PLACE),
      removed: false,
    };
  }

  private block(block: Entry, isWhole: boolean): Entry {
    const header = this.header(block);
    return isWhole && Array.isArray(block['transactions']) ? { ...header, transactions: this.payments(block) } : header;
  }

  private payments(block: Entry): unknown {
    const hash = String(block['hash']);
    const forgery = Forger.forgeryOf(hash);
    const told = Array.isArray(block['transactions']) ? block['transactions'].filter(isEntry) : [];
    if (forgery === undefined) return told;
    this.tally.add('forged:payments');
    if (forgery === 'dropped' || forgery === 'hidden') return [];
    if (forgery === 'changed') return told.map((tx) => ({ ...tx, value: quantity(Number(tx['value']) + AMOUNT) }));
    this.madeUp.set(nobodysHash(hash), hash);
    const place = { blockHash: hash, transactionIndex: quantity(PLACE) };
    return [...told, { ...place, hash: nobodysHash(hash), from: nobodysAddress(hash), to: this.wallet, value: quantity(AMOUNT) }];
  }

  private receipt(txHash: string, answer: Answer): Answer {
    const blockHash = this.madeUp.get(txHash);
    return blockHash === undefined ? answer : { result: { transactionHash: txHash, blockHash, status: '0x1' } };
  }
}

const isEntry = (value: unknown): value is Entry => typeof value === 'object' && value !== null && !Array.isArray(value);
/** A filter names one thing or a list of them. */
const first = (value: unknown): unknown => (Array.isArray(value) ? (value as readonly unknown[])[0] : value);
const quantity = (value: number): string => `0x${value.toString(16)}`;
const word = (address: string): string => `0x${address.slice(2).padStart(64, '0')}`;
const isEven = (hash: string): boolean => Number.parseInt(hash.slice(-1), 16) % 2 === 0;
const nobodysHash = (blockHash: string): string => `0xf0f0${blockHash.slice(6)}`;
const nobodysAddress = (blockHash: string): string => `0xf0f0${blockHash.slice(6, 42)}`;
