import type { RpcFailed } from './rpc-failure.js';

/** What a provider's refusal says about the number of blocks it would serve. */
export interface RangeAdvice {
  /** Blocks to ask for next. */
  readonly span: number;
  /** True: the provider named its limit, so asking for more again is useless. */
  readonly isNamed: boolean;
}

interface RangeRule {
  readonly provider: string;
  readonly pattern: RegExp;
  /** From the match to a number of blocks; absent: nothing is said, so half. */
  readonly span?: (match: RegExpExecArray) => number;
}

const count = (text: string | undefined): number => {
  const digits = (text ?? '').replace(/[,.\s]/g, '');
  return digits.endsWith('k') ? Number(digits.slice(0, -1)) * 1000 : Number(digits);
};
const named = (match: RegExpExecArray): number => count(match[1]);
/** Limits that count the distance between the ends, which is one less than the blocks. */
const below = (match: RegExpExecArray): number => count(match[1]) - 1;
const suggested = (match: RegExpExecArray): number => Math.abs(Number(match[2]) - Number(match[1])) + 1;

/*
 * Every provider says it in its own words, few with a code of their own; the first rule that fits decides, so the telling ones come first.
 * Collected from the retry helpers of Ponder, rindexer and HyperIndex.
 */
const RULES: readonly RangeRule[] = [
  { provider: 'Alchemy', pattern: /this block range should work: \[(0x[0-9a-f]+),\s*(0x[0-9a-f]+)\]/i, span: suggested },
  { provider: 'Infura, zkSync, Tenderly', pattern: /try with this block range \[(0x[0-9a-f]+),\s*(0x[0-9a-f]+)\]/i, span: suggested },
  { provider: 'HyperIndex: Alchemy', pattern: /retry with the range (\d+)-(\d+)/i, span: suggested },
  { provider: 'Avalanche', pattern: /requested too many blocks from \d+ to \d+, maximum is set to (\d+)/i, span: below },
  { provider: 'Cloudflare', pattern: /max range: (\d+)/i, span: below },
  { provider: 'Coinbase', pattern: /please limit the query to at most (\d+) blocks/i, span: below },
  { provider: 'Tron', pattern: /exceed max block range: (\d+)/i, span: below },
  { provider: 'thirdweb', pattern: /maximum allowed number of requested blocks is (\d+)/i, span: named },
  { provider: 'Sei', pattern: /maximum allowed is (\d+) blocks/i, span: named },
  { provider: 'Moonriver', pattern: /block range is too wide \(maximum (\d+)\)/i, span: named },
  { provider: 'Ankr', pattern: /block range is too wide/i, span: () => 3000 },
  { provider: 'Blast paid', pattern: /exceeds the range allowed for your plan \(\d+ > (\d+)\)/i, span: named },
  { provider: 'BlockPI', pattern: /limited to ([\d,.]+) block/i, span: named },
  { provider: 'QuickNode, 1RPC, Blast', pattern: /limited to a ([\d,.]+)/i, span: named },
  { provider: 'Chainstack', pattern: /block range limit exceeded/i, span: () => 100 },
  { provider: 'PublicNode', pattern: /maximum block range: (\d+)/i, span: named },
  { provider: 'Hyperliquid', pattern: /query exceeds max block range (\d+)/i, span: named },
  { provider: 'Swell', pattern: /block range greater than (\d+) max/i, span: named },
  { provider: 'Somnia', pattern: /block range exceeds (\d+)/i, span: named },
  { provider: 'Merkle', pattern: /eth_getLogs range is too large, max is (\d+k?) blocks/i, span: named },
  { provider: 'Harmony', pattern: /query must be smaller than size (\d+)/i, span: named },
  { provider: 'Aurora', pattern: /up to a ([\d,]+) block range/i, span: named },
  { provider: 'Ankr TAC', pattern: /maximum \[from, to\] blocks distance: (\d+)/i, span: named },
  { provider: 'Altitude', pattern: /allowed block range threshold exceeded/i },
  { provider: 'eRPC', pattern: /exceeded max allowed|range threshold exceeded/i },
  { provider: 'Base, Monad', pattern: /no backend is currently healthy to serve traffic|block range too large/i },
  { provider: 'Optimism', pattern: /block range is too large|backend response too large/i },
  { provider: 'dRPC', pattern: /ranges over \d+ blocks are not supported on freetier/i },
  { provider: 'llamarpc, Ankr', pattern: /query exceeds max results/i },
  { provider: 'Arbitrum', pattern: /logs matched by query exceeds limit of \d+/i },
  { provider: 'Infura, zkEVM', pattern: /query returned more than \d+ results/i },
  { provider: '1RPC', pattern: /response size (should not|is) (be )?greater than \d+/i },
  { provider: 'several', pattern: /response (is )?too (big|large)|too many logs|more than [\d,]+ logs|[\d,]+ logs returned/i },
];
/** Those that speak of the number of logs: one block can be too much for them. */
const TOO_MUCH =
  /query exceeds max results|logs matched by query exceeds|query returned more than|response size (should not|is) (be )?greater|response (is )?too (big|large)|backend response too large|too many logs|more than [\d,]+ logs|[\d,]+ logs returned/i;

/** Did the provider refuse because of the number of logs, whatever the range? */
export function isTooMuch(failure: RpcFailed): boolean {
  return failure.kind === 'rpc' && TOO_MUCH.test(failure.text);
}

/** How many blocks to ask for after a refusal of `span` blocks; `undefined`: it was not about the range. Always smaller than `span`, never below 1. */
export function rangeAdvice(failure: RpcFailed, span: number): RangeAdvice | undefined {
  if (failure.kind !== 'rpc' && failure.kind !== 'http') return undefined;
  for (const rule of RULES) {
    const match = rule.pattern.exec(failure.text);
    if (match === null) continue;
    const told = rule.span?.(match);
    // What is told and not smaller cannot be what is meant.
    if (told !== undefined && told >= 1 && told < span) return { span: told, isNamed: true };
    return { span: Math.max(1, Math.floor(span / 2)), isNamed: false };
  }
  return undefined;
}
