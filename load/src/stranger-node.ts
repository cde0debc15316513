import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { startChild } from '@droppio/e2e/houses';
import type { BlockHeader, Hex } from '@droppio/tips';
import * as z from 'zod';
import { foreignTransfers } from './foreign-logs.js';

/*
 * A node whose blocks hold nothing but transfers between strangers, answering from prepared text in a process of its own: a real node would be
 * slower than the reading that is measured.
 */

export const LOGS_A_BLOCK = 200;
/** Blocks of different content; beyond that they repeat under other numbers and hashes. */
const KINDS = 25;
const HEAD = 10_000_000;
const NUMBER = '<number>';
const HASH = '<hash>';
const BLOOM: Hex = `0x${'ff'.repeat(256)}`;
/** Every block of the node is final. */
export const STRANGER_HEAD: BlockHeader = {
  number: HEAD,
  hash: hashOf(HEAD),
  parentHash: hashOf(HEAD - 1),
  timestampMs: 0x65000000 * 1000,
  logsBloom: BLOOM,
};

const Question = z.object({ id: z.number(), method: z.string(), params: z.array(z.unknown()) });
const Range = z.object({ fromBlock: z.string().transform(Number), toBlock: z.string().transform(Number) });
const SERVE = 'serve-strangers';

export interface StrangerNode {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startStrangerNode(): Promise<StrangerNode> {
  const child = startChild(process.execPath, [fileURLToPath(import.meta.url), SERVE]);
  const [, port = ''] = await child.until(/listening on (\d+)/, 20_000);
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      await child.stop();
    },
  };
}

function serve(): void {
  const kinds = Array.from({ length: KINDS }, () => prepared());
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { id, method, params } = Question.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
      const body = `{"jsonrpc":"2.0","id":${String(id)},"result":${answer(method, params, kinds)}}`;
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body);
    });
  });
  server.listen(0, '127.0.0.1', () => {
    console.log(`listening on ${String((server.address() as AddressInfo).port)}`);
  });
}

/** The logs of a block without their brackets, the block's number and hash left open. */
function prepared(): string {
  const logs = foreignTransfers(0, HASH, LOGS_A_BLOCK).map((log) => ({ ...log, blockNumber: NUMBER, blockTimestamp: '0x65000000' }));
  return JSON.stringify(logs).slice(1, -1);
}

function answer(method: string, [first]: readonly unknown[], kinds: readonly string[]): string {
  if (method === 'eth_chainId') return '"0x7a69"';
  if (method === 'eth_blockNumber') return JSON.stringify(hexOf(HEAD));
  if (method === 'eth_getBlockByNumber')
    return JSON.stringify(header(typeof first === 'string' && first.startsWith('0x') ? Number(first) : HEAD));
  if (method !== 'eth_getLogs') return 'null';
  const { fromBlock, toBlock } = Range.parse(first);
  const blocks = Array.from({ length: toBlock - fromBlock + 1 }, (_, i) => {
    const text = kinds[(fromBlock + i) % kinds.length] ?? '';
    return text.replaceAll(NUMBER, hexOf(fromBlock + i)).replaceAll(HASH, hashOf(fromBlock + i));
  });
  return `[${blocks.join(',')}]`;
}

function header(number: number): Readonly<Record<string, string>> {
  return { number: hexOf(number), hash: hashOf(number), parentHash: hashOf(number - 1), timestamp: '0x65000000', logsBloom: BLOOM };
}

function hashOf(number: number): Hex {
  return `0x${number.toString(16).padStart(64, '0')}`;
}

function hexOf(number: number): string {
  return `0x${number.toString(16)}`;
}

if (process.argv[2] === SERVE) serve();
