import type { BlockHeader, BlockRef, ChainLog, ChainPayment } from '../block.js';
import type { Hex } from '../hex.js';

/** Which logs are ours. Empty `topics` means any. */
export interface LogFilter {
  readonly addresses: readonly Hex[];
  /** Any of these as topic 0. */
  readonly topics: readonly Hex[];
  /** Which of these addresses with which of these topics, where not every combination is of interest: blooms exclude more by it. */
  readonly pairs?: readonly (readonly [address: Hex, topic: Hex])[];
}

/** Told about a new head; a hint only, may repeat, skip, lie or arrive out of order. `receivedAtMs` is Unix milliseconds. */
export type HeadListener = (head: BlockHeader, receivedAtMs: number) => void;

/** Told about logs of a block that is not sealed yet: the promise of one node, which may come twice, late, changed or for nothing. */
export type PendingListener = (logs: readonly ChainLog[], receivedAtMs: number) => void;

/**
 * One chain as seen through its nodes. Reads may be repeated at will; a result is a claim of one node at one moment.
 * Throws `ChainUnavailable` (retryable) when no endpoint gave a usable answer in time. Implementations: `ViemChainReader`, `ScriptedChain`.
 */
export abstract class ChainReader {
  abstract readonly chainId: number;
  /** Asks every endpoint for its chain id; throws `WrongChain` on a mismatch. */
  abstract verify(): Promise<void>;
  /** The newest block an endpoint will tell. */
  abstract head(): Promise<BlockHeader>;
  /** `undefined` when the node does not know the hash. */
  abstract blockByHash(hash: Hex): Promise<BlockHeader | undefined>;
  /** Only for finding a start or for finalised heights; never inside a fork. */
  abstract blockByNumber(number: number): Promise<BlockHeader | undefined>;
  /** `undefined` when the chain has no such tag (yet). */
  abstract tagged(tag: 'safe' | 'finalized'): Promise<BlockRef | undefined>;
  /** Logs of exactly this block, in log order. An unknown hash is an error, never an empty answer. */
  abstract logs(block: BlockHeader, filter: LogFilter): Promise<readonly ChainLog[]>;
  /**
   * Logs of the settled heights `from` to `to`, both included, as two independent providers tell them alike; in no order. For audits: one
   * provider is never enough, so it fails with `ChainUnavailable` where there is only one, or where no two agree.
   */
  abstract agreedLogs(from: number, to: number, filter: LogFilter): Promise<readonly ChainLog[]>;
  /**
   * Transactions of exactly this block that succeeded and sent coins to an address for which `isWatched`, in order. Asks for the whole
   * block: dear. An unknown hash is an error, never an empty answer.
   */
  abstract payments(block: BlockHeader, isWatched: (address: Hex) => boolean): Promise<readonly ChainPayment[]>;
  /** This head led nowhere: whoever told it is asked last, and its heads are not listened to while others tell theirs, for a few seconds. */
  abstract doubt(head: BlockRef): void;
  /**
   * Has the chain left this block of ours, so that a fork too deep to be undone is more than one provider's word? Where there are several, two of
   * them must tell another block at its height and none may still tell ours; with one provider its word is all there is. Never rejects.
   */
  abstract hasLeft(ours: BlockRef): Promise<boolean>;
  /** Pushes heads until `signal` aborts; reconnects for ever on its own. Polling and pushing are the implementation's business. */
  abstract watchHeads(listener: HeadListener, signal: AbortSignal): void;
  /** Tells of logs before their block until `signal` aborts. Silent where the chain has no preconfirmations, or none are asked for. */
  abstract watchPending(filter: LogFilter, listener: PendingListener, signal: AbortSignal): void;
}
