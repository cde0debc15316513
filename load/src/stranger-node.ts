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
/** Heights of one width, so that they can be written over each other. */
export const STRANGER_FIRST = 0x100000;
const HEAD = 0xf00000;
const NUMBER = `0x${'n'.repeat(6)}`;
const HASH = `0x${'h'.repeat(64)}`;
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
  const kinds = Array.from({ length: KINDS }, () => new PreparedBlock());
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { id, method, params } = Question.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
      const body = Buffer.concat([
        Buffer.from(`{"jsonrpc":"2.0","id":${String(id)},"result":`),
        ...(method === 'eth_getLogs' ? logs(params, kinds) : [Buffer.from(JSON.stringify(answer(method, params)))]),
        Buffer.from('}'),
      ]);
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
    });
  });
  server.listen(0, '127.0.0.1', () => {
    console.log(`listening on ${String((server.address() as AddressInfo).port)}`);
  });
}

/** The logs of a block as text, without their brackets; number and hash of the block are written in when it is asked for. */
class PreparedBlock {
  private readonly text: Buffer;
  private readonly numbers: readonly number[];
  private readonly hashes: readonly number[];

  constructor() {
    const entries = foreignTransfers(0, HASH, LOGS_A_BLOCK).map((log) => ({ ...log, blockNumber: NUMBER, blockTimestamp: '0x65000000' }));
    this.text = Buffer.from(JSON.stringify(entries).slice(1, -1), 'latin1');
    this.numbers = placesOf(NUMBER, this.text);
    this.hashes = placesOf(HASH, this.text);
  }

  /** A copy for one answer. */
  as(number: number): Buffer {
    const [height, hash] = [hexOf(number), hashOf(number)];
    for (const at of this.numbers) this.text.write(height, at, 'latin1');
    for (const at of this.hashes) this.text.write(hash, at, 'latin1');
    return Buffer.from(this.text);
  }
}

function placesOf(word: string, text: Buffer): readonly number[] {
  const places: number[] = [];
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) places.push(at);
  return places;
}

function logs([first]: readonly unknown[], kinds: readonly PreparedBlock[]): readonly Buffer[] {
  const { fromBlock, toBlock } = Range.parse(first);
  const parts: Buffer[] = [];
  for (let number = fromBlock; number <= toBlock; number += 1) {
    const block = kinds[number % kinds.length]?.as(number);
    if (block !== undefined) parts.push(Buffer.from(parts.length === 0 ? '[' : ','), block);
  }
  return [...parts, Buffer.from(']')];
}

function answer(method: string, [first]: readonly unknown[]): unknown {
  if (method === 'eth_chainId') return '0x7a69';
  if (method === 'eth_blockNumber') return hexOf(HEAD);
  if (method !== 'eth_getBlockByNumber') return null;
  return header(typeof first === 'string' && first.startsWith('0x') ? Number(first) : HEAD);
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
