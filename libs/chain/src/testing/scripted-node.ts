import type { BlockHeader, ChainLog, Hex } from '@droppio/tips';
import * as z from 'zod';
import type { Question, Reply } from './fake-node.js';
import type { ScriptedChain, ScriptedPayment } from './scripted-chain.js';

const quantity = (value: number): string => `0x${value.toString(16)}`;

/** Answers JSON-RPC questions from a scripted chain, as an honest node would. */
export async function honestly(chain: ScriptedChain, { method, params }: Question): Promise<Reply> {
  const [first, whole] = params;
  if (method === 'eth_chainId') return { result: quantity(chain.chainId) };
  if (method === 'eth_getBlockByHash') {
    const header = await chain.blockByHash(asHex(first));
    const payments = whole === true ? (chain.paymentsOf(asHex(first)) ?? []) : [];
    return {
      result: header === undefined ? null : { ...blockOf(header), transactions: payments.map((sent) => transactionOf(sent, header)) },
    };
  }
  if (method === 'eth_getTransactionReceipt') return { result: receiptOf(chain, asHex(first)) };
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

const wanted = { address: z.array(z.string()), topics: z.array(z.array(z.string())).optional() };
const byHash = z.object({ blockHash: z.string(), ...wanted });
const byRange = z.object({ fromBlock: z.string(), toBlock: z.string(), ...wanted });

function logs(chain: ScriptedChain, filter: unknown): Reply {
  const asked = byRange.or(byHash).parse(filter);
  const found =
    'blockHash' in asked ? chain.logsOf(asHex(asked.blockHash)) : between(chain, Number(asked.fromBlock), Number(asked.toBlock));
  if (found === undefined) return { error: { code: -32000, message: 'unknown block' } };
  const isWanted = ({ address, topics: [topic] }: ChainLog): boolean =>
    asked.address.includes(address) && asked.topics?.[0]?.includes(topic ?? '') !== false;
  return { result: found.filter(isWanted).map(logOf) };
}

function between(chain: ScriptedChain, from: number, to: number): readonly ChainLog[] {
  const found: ChainLog[] = [];
  for (let at = from; at <= Math.min(to, chain.tip.number); at += 1) found.push(...(chain.logsOf(chain.at(at).hash) ?? []));
  return found;
}

export function blockOf(header: BlockHeader | undefined): Record<string, unknown> | null {
  if (header === undefined) return null;
  const { number, hash, parentHash, timestampMs, logsBloom } = header;
  return { number: quantity(number), hash, parentHash, timestamp: quantity(timestampMs / 1000), logsBloom, transactions: [] };
}

export function logOf({ txHash, blockNumber, logIndex, ...log }: ChainLog): Record<string, unknown> {
  return { ...log, transactionHash: txHash, blockNumber: quantity(blockNumber), logIndex: quantity(logIndex), removed: false };
}

export function transactionOf({ txHash, txIndex, from, to, amount }: ScriptedPayment, { hash }: BlockHeader): Record<string, unknown> {
  return { hash: txHash, blockHash: hash, transactionIndex: quantity(txIndex), from, to, value: `0x${amount.toString(16)}` };
}

/** Of the block on the canonical chain that holds it; null when there is none. */
function receiptOf(chain: ScriptedChain, txHash: Hex): Record<string, unknown> | null {
  for (let number = chain.tip.number; number >= 0; number -= 1) {
    const { hash } = chain.at(number);
    const payment = chain.paymentsOf(hash)?.find((sent) => sent.txHash === txHash);
    if (payment !== undefined) return { transactionHash: txHash, blockHash: hash, status: payment.fails ? '0x0' : '0x1' };
  }
  return null;
}

function asHex(value: unknown): Hex {
  return typeof value === 'string' && value.startsWith('0x') ? `0x${value.slice(2)}` : '0x';
}
