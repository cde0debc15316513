import { randomBytes } from 'node:crypto';
import { TRANSFER_TOPIC } from '@droppio/chain';
import { toHex, type ChainLog, type Hex } from '@droppio/tips';

/** A log as a node writes it. */
export interface WireLog {
  readonly address: string;
  readonly topics: readonly string[];
  readonly data: string;
  readonly blockNumber: string;
  readonly blockHash: string;
  readonly transactionHash: string;
  readonly transactionIndex: string;
  readonly logIndex: string;
  readonly removed: false;
}

export const TOKEN: Hex = '0x00000000000000000000000000000000000070ce';

/** Cut anew from one long piece of chance at every call: the machine's own source would be most of the work. */
const CHANCE = randomBytes(1 << 16).toString('hex');
const random = (bytes: number): string => {
  const at = Math.floor(Math.random() * (CHANCE.length - bytes * 2));
  return `0x${CHANCE.slice(at, at + bytes * 2)}`;
};
const padded = (address: string): string => `0x${'0'.repeat(24)}${address.slice(2)}`;

/** What a scan mostly sees: transfers of a listed token between strangers, each in a transaction of its own. */
export function foreignTransfers(blockNumber: number, blockHash: string, count: number): readonly WireLog[] {
  return Array.from({ length: count }, (_, index) => ({
    address: TOKEN,
    topics: [TRANSFER_TOPIC, padded(random(20)), padded(random(20))],
    data: random(32),
    blockNumber: `0x${blockNumber.toString(16)}`,
    blockHash,
    transactionHash: random(32),
    transactionIndex: `0x${index.toString(16)}`,
    logIndex: `0x${index.toString(16)}`,
    removed: false,
  }));
}

/** The same after it was read: every string new, as from a socket, so that nothing of it has been hashed before. */
export function asRead(logs: readonly WireLog[]): readonly ChainLog[] {
  return (JSON.parse(JSON.stringify(logs)) as readonly WireLog[]).map((log) => ({
    blockHash: toHex(log.blockHash, 32),
    blockNumber: Number(log.blockNumber),
    txHash: toHex(log.transactionHash, 32),
    logIndex: Number(log.logIndex),
    address: toHex(log.address, 20),
    topics: log.topics.map((topic) => toHex(topic, 32)),
    data: toHex(log.data),
  }));
}
