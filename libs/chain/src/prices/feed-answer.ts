import type { Hex } from '@droppio/tips';
import { decodeFunctionResult, encodeFunctionData, parseAbi } from 'viem';
import { RpcFailed } from '../nodes/rpc-failure.js';

const FEED = parseAbi([
  'function decimals() view returns (uint8)',
  'function latestRoundData() view returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)',
]);
export const ASK_ROUND: Hex = encodeFunctionData({ abi: FEED, functionName: 'latestRoundData' });
export const ASK_DECIMALS: Hex = encodeFunctionData({ abi: FEED, functionName: 'decimals' });

export interface FeedRound {
  readonly roundId: bigint;
  readonly answer: bigint;
  /** Seconds. */
  readonly startedAt: bigint;
  readonly updatedAt: bigint;
}

/** `undefined`: that is no round; an address without a contract answers with nothing. */
export function readRound(data: Hex): FeedRound | undefined {
  const words = decoded(() => decodeFunctionResult({ abi: FEED, functionName: 'latestRoundData', data }));
  if (words === undefined) return undefined;
  const [roundId, answer, startedAt, updatedAt] = words;
  // The library takes a whole word for a number of any size.
  return roundId < 1n << 80n ? { roundId, answer, startedAt, updatedAt } : undefined;
}

export function readDecimals(data: Hex): number | undefined {
  return decoded(() => decodeFunctionResult({ abi: FEED, functionName: 'decimals', data }));
}

function decoded<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch {
    return undefined;
  }
}

/*
 * Nodes that keep the state of some last blocks only say so in words of their own: geth, geth by paths, Erigon, Nethermind, reth, Besu, and
 * providers that sell the rest.
 */
const PRUNED =
  /missing trie node|historical state .*not available|state .*(is|was|been) pruned|pruned history|no state available|(world|historical) state (is )?unavailable|state (is )?not available|state histories haven't been fully indexed|archive/i;
const REVERTED_CODE = 3;

/** Why a call came to nothing: the contract refused, no node has the state of that block any more, or nobody answered. */
export function failureOf(error: unknown): 'reverted' | 'pruned' | 'no-answer' {
  if (!(error instanceof RpcFailed) || error.kind !== 'rpc') return 'no-answer';
  if (PRUNED.test(error.text)) return 'pruned';
  return error.details.rpcCode === REVERTED_CODE || /revert/i.test(error.text) ? 'reverted' : 'no-answer';
}
