import { createHash } from 'node:crypto';
import type { ChainLog } from '@droppio/tips';

/** One log as a line: what two nodes must tell alike. */
export function logLine({ blockHash, logIndex, txHash, address, topics, data }: ChainLog): string {
  return `${blockHash} ${String(logIndex)} ${txHash} ${address} ${topics.join(',')} ${data}`;
}

/** The same for the same set of logs, in whatever order they came. */
export function logsDigest(logs: readonly ChainLog[]): string {
  return createHash('sha256').update(logs.map(logLine).sort().join('\n')).digest('hex');
}
