import { ChainUnavailable, type BlockHeader, type ChainLog, type Hex } from '@droppio/tips';
import * as z from 'zod';

/*
 * Whatever a node says is parsed here before anybody looks at it. Nodes differ in case, leave fields out and answer null where they mean
 * "not yet"; a provider's front may answer with HTML.
 */
const lower = (text: string): Hex => `0x${text.slice(2).toLowerCase()}`;
const hex = (pattern: RegExp): z.ZodType<Hex, string> => z.string().regex(pattern).transform(lower);
const hash = hex(/^0x[0-9a-fA-F]{64}$/);
const quantity = z
  .string()
  .regex(/^0x[0-9a-fA-F]{1,13}$/)
  .transform(Number);
/** Beyond it there is no date, and no event could carry it. */
const timestamp = quantity.refine((seconds) => seconds <= 8_640_000_000_000);
const ZERO_HASH: Hex = `0x${'0'.repeat(64)}`;
const ZERO_BLOOM: Hex = `0x${'0'.repeat(512)}`;

const header = z
  .object({
    number: quantity,
    hash,
    parentHash: hash,
    timestamp,
    logsBloom: hex(/^0x[0-9a-fA-F]{512}$/).nullish(),
  })
  .transform((block): BlockHeader => ({
    number: block.number,
    hash: block.hash,
    parentHash: block.parentHash,
    timestampMs: block.timestamp * 1000,
    logsBloom: block.logsBloom ?? ZERO_BLOOM,
  }));

const log = z
  .object({
    address: hex(/^0x[0-9a-fA-F]{40}$/),
    topics: z.array(hash).max(4),
    data: hex(/^0x(?:[0-9a-fA-F]{2})*$/),
    blockNumber: quantity,
    blockHash: hash,
    transactionHash: hash,
    logIndex: quantity,
    removed: z.literal(false).nullish(),
  })
  .transform((entry): ChainLog => ({
    blockHash: entry.blockHash,
    blockNumber: entry.blockNumber,
    txHash: entry.transactionHash,
    logIndex: entry.logIndex,
    address: entry.address,
    topics: entry.topics,
    data: entry.data,
  }));

/** A log before its block: what only a sealed block can have may be null, zero or left out. */
const pendingLog = z
  .object({
    address: hex(/^0x[0-9a-fA-F]{40}$/),
    topics: z.array(hash).max(4),
    data: hex(/^0x(?:[0-9a-fA-F]{2})*$/),
    blockNumber: quantity.nullish(),
    transactionHash: hash,
    logIndex: quantity,
    removed: z.literal(false).nullish(),
  })
  .transform((entry): ChainLog => ({
    blockHash: ZERO_HASH,
    blockNumber: entry.blockNumber ?? 0,
    txHash: entry.transactionHash,
    logIndex: entry.logIndex,
    address: entry.address,
    topics: entry.topics,
    data: entry.data,
  }));

const receipts = z.array(z.object({ blockHash: hash, logs: z.array(log) }));

/** A head as a subscription pushes it; `undefined` when it is not one. */
export function parseHead(answer: unknown): BlockHeader | undefined {
  return header.safeParse(answer).data;
}

/** `null` (unknown block) becomes `undefined`. */
export function parseBlock(answer: unknown): BlockHeader | undefined {
  return answer === null ? undefined : parse('block', header, answer);
}

export function parseLogs(answer: unknown): readonly ChainLog[] {
  return parse('logs', z.array(log), answer);
}

/** One log or a list of them, as a node promises them; `undefined` when it is neither. */
export function parsePendingLogs(answer: unknown): readonly ChainLog[] | undefined {
  return z.array(pendingLog).safeParse(Array.isArray(answer) ? answer : [answer]).data;
}

/** All logs of a block's receipts. */
export function parseReceipts(answer: unknown): readonly ChainLog[] {
  return parse('receipts', receipts, answer).flatMap((receipt) => receipt.logs);
}

export function parseQuantity(answer: unknown): number {
  return parse('number', quantity, answer);
}

function parse<T>(what: string, schema: z.ZodType<T>, answer: unknown): T {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ChainUnavailable(`A node's answer is no ${what}: ${issue?.message ?? ''} at ${issue?.path.join('.') ?? ''}`, {
    context: { what },
  });
}
