import type { ChainLog, Hex } from '@droppio/tips';
import { RpcFailed } from './rpc-failure.js';

/*
 * The logs of a busy token come by the hundred thousand and nearly none of them is a tip, so they are read by hand: the same rules as in
 * rpc-answer.ts (a test holds the two against each other), some ten times faster.
 */

/** Is a log with this address and these topics, as the node writes them, a reason to read its transaction? */
export type LogSieve = (address: string, topics: readonly unknown[]) => boolean;

/** A log with the time of its block, from nodes that tell it. */
export interface TimedLog {
  readonly log: ChainLog;
  readonly timestampMs: number | undefined;
}

const LOWER = /^0x[0-9a-f]*$/;
const ANY_CASE = /^0x[0-9a-fA-F]*$/;
const HASH_CHARS = 66;
const ADDRESS_CHARS = 42;
const MOST_QUANTITY_CHARS = 15;

/**
 * Reads a list of logs, with a sieve only those of transactions that it finds worth reading: nothing of the others is checked. Throws
 * `RpcFailed` (malformed) for whatever is not a list of logs.
 */
export function readWireLogs(answer: unknown, sieve?: LogSieve): readonly TimedLog[] {
  if (!Array.isArray(answer)) throw malformed('a list');
  const entries: readonly unknown[] = answer;
  return (sieve === undefined ? entries : sifted(entries, sieve)).map(readLog);
}

function sifted(entries: readonly unknown[], sieve: LogSieve): readonly unknown[] {
  const wanted = new Set<unknown>();
  for (const entry of entries) {
    if (!isRecord(entry)) throw malformed('an entry');
    const { address, topics, transactionHash } = entry;
    if (typeof address !== 'string' || !Array.isArray(topics)) throw malformed('an entry');
    if (sieve(address, topics)) wanted.add(transactionHash);
  }
  if (wanted.size === 0) return [];
  return entries.filter((entry) => isRecord(entry) && wanted.has(entry['transactionHash']));
}

function readLog(entry: unknown): TimedLog {
  if (!isRecord(entry)) throw malformed('an entry');
  const { removed, blockTimestamp } = entry;
  if (removed !== undefined && removed !== null && removed !== false) throw malformed('removed');
  const log: ChainLog = {
    blockHash: hex(entry['blockHash'], HASH_CHARS, 'blockHash'),
    blockNumber: quantity(entry['blockNumber'], 'blockNumber'),
    txHash: hex(entry['transactionHash'], HASH_CHARS, 'transactionHash'),
    logIndex: quantity(entry['logIndex'], 'logIndex'),
    address: hex(entry['address'], ADDRESS_CHARS, 'address'),
    topics: topicsOf(entry['topics']),
    data: hex(entry['data'], undefined, 'data'),
  };
  const isTimed = typeof blockTimestamp === 'string' && ANY_CASE.test(blockTimestamp) && blockTimestamp.length <= MOST_QUANTITY_CHARS;
  return { log, timestampMs: isTimed ? Number(blockTimestamp) * 1000 : undefined };
}

function topicsOf(value: unknown): readonly Hex[] {
  if (!Array.isArray(value) || value.length > 4) throw malformed('topics');
  const topics: readonly unknown[] = value;
  return topics.map((topic) => hex(topic, HASH_CHARS, 'topics'));
}

function hex(value: unknown, chars: number | undefined, what: string): Hex {
  if (typeof value !== 'string' || (chars === undefined ? value.length % 2 !== 0 : value.length !== chars)) throw malformed(what);
  if (isLower(value)) return value;
  const lowered = value.toLowerCase();
  // `0X…` is no hex, though it would be once lower-cased.
  if (!ANY_CASE.test(value) || !isLower(lowered)) throw malformed(what);
  return lowered;
}

function quantity(value: unknown, what: string): number {
  if (typeof value !== 'string' || value.length < 3 || value.length > MOST_QUANTITY_CHARS || !ANY_CASE.test(value)) throw malformed(what);
  return Number(value);
}

function isLower(text: string): text is Hex {
  return LOWER.test(text);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function malformed(what: string): RpcFailed {
  return new RpcFailed('malformed', `the answer is no logs: ${what}`);
}
