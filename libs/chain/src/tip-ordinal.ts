import type { Hex } from '@droppio/tips';

/*
 * A tip is named by its transaction and its ordinal for ever, so an ordinal must come out the same on every branch and with every setting.
 * That rules out the log index (a reorg changes it) and a rank among all transfers we look at (listing another token changes it). The three
 * number spaces are apart: no transaction has gas for a million logs of the jar.
 */

/** The coins that the transaction itself moves: at most once a transaction. */
export const NATIVE_ORDINAL = 1_000_000;

const TRANSFERS_FROM = 2 ** 30;
/** More transfers of one token than any chain's limit of gas for one transaction admits. */
const RANKS = 2 ** 12;
const TOKEN_BITS = 2 ** 18 - 1;

/**
 * For the `rank`th `Transfer` of a token in its transaction, from 0. `undefined`: the number space ends before. Two listed tokens share a slot
 * once in 262 144 pairs; in one transaction and with one rank the second of them is then set aside and counted, not lost without a word.
 */
export function transferOrdinal(token: Hex, rank: number): number | undefined {
  if (rank >= RANKS) return undefined;
  return TRANSFERS_FROM + (Number.parseInt(token.slice(-5), 16) & TOKEN_BITS) * RANKS + rank;
}

/** Is it a payment straight to a wallet, not through the jar? */
export function isTransfer(ordinal: number): boolean {
  return ordinal >= NATIVE_ORDINAL;
}
