import type { BlockHeader, ChainLog, Hex } from '@droppio/tips';
import * as z from 'zod';
import type { Question, Reply } from './fake-node.js';
import type { ScriptedChain } from './scripted-chain.js';

const quantity = (value: number): string => `0x${value.toString(16)}`;

/** Answers JSON-RPC questions from a scripted chain, as an honest node would. */
export async function honestly(chain: ScriptedChain, { method, params }: Question): Promise<Reply> {
  const [first] = params;
  if (method === 'eth_chainId') return { result: quantity(chain.chainId) };
  if (method === 'eth_getBlockByHash') return { result: blockOf(await chain.blockByHash(asHex(first))) };
  if (method === 'eth_getBlockByNumber') return { result: blockOf(await byNumber(chain, String(first))) };
  if (method === 'eth_getLogs') return logs(chain, first);
  if (method === 'eth_getBlockReceipts') {
    const found = chain.logsOf(asHex(first));
    return { result: [{ blockHash: first, logs: (found ?? []).map(logOf) }] };
  }
  return { error: { code: -32601, message: 'the method does not exist' } };
}

async function byNumber(chain: ScriptedChain, name: string): Promise<BlockHeader | undefined> {
  if (name === 'latest') return chain.head();
  if (name !== 'safe' && name !== 'finalized') return chain.blockByNumber(Number(name));
  const tagged = await chain.tagged(name);
  return tagged && chain.at(tagged.number);
}

const byHash = z.object({ blockHash: z.string() });
const byRange = z.object({
  fromBlock: z.string(),
  toBlock: z.string(),
  address: z.array(z.string()),
  topics: z.array(z.array(z.string())).optional(),
});

function logs(chain: ScriptedChain, filter: unknown): Reply {
  const range = byRange.safeParse(filter).data;
  if (range !== undefined) {
    const found: ChainLog[] = [];
    for (let at = Number(range.fromBlock); at <= Math.min(Number(range.toBlock), chain.tip.number); at += 1)
      found.push(...(chain.logsOf(chain.at(at).hash) ?? []));
    return {
      result: found
        .filter((log) => range.address.includes(log.address) && range.topics?.[0]?.includes(log.topics[0] ?? '') !== false)
        .map(logOf),
    };
  }
  const found = chain.logsOf(asHex(byHash.parse(filter).blockHash));
  return found === undefined ? { error: { code: -32000, message: 'unknown block' } } : { result: found.map(logOf) };
}

export function blockOf(header: BlockHeader | undefined): Record<string, unknown> | null {
  if (header === undefined) return null;
  const { number, hash, parentHash, timestampMs, logsBloom } = header;
  return { number: quantity(number), hash, parentHash, timestamp: quantity(timestampMs / 1000), logsBloom, transactions: [] };
}

export function logOf({ txHash, blockNumber, logIndex, ...log }: ChainLog): Record<string, unknown> {
  return { ...log, transactionHash: txHash, blockNumber: quantity(blockNumber), logIndex: quantity(logIndex), removed: false };
}

function asHex(value: unknown): Hex {
  return typeof value === 'string' && value.startsWith('0x') ? `0x${value.slice(2)}` : '0x';
}
