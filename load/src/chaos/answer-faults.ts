import type { FaultKind } from './fault-kinds.js';
import type { Question } from './faulty-endpoint.js';

type Answer = { readonly result?: unknown; readonly error?: unknown };

const UNKNOWN_BLOCK = { error: { code: -32000, message: 'unknown block' } };
const OTHER_HASH = `0x${'ab'.repeat(32)}`;

/** May this fault befall this question? An answer that is empty already cannot be falsified by emptying it. */
export function fits(kind: FaultKind, { method, params }: Question, { result }: Answer): boolean {
  const hasLogs = method === 'eth_getLogs' && Array.isArray(result) && result.length > 0;
  switch (kind) {
    case 'truncated':
    case 'wrong-id':
      return true;
    case 'null-block':
      return method === 'eth_getBlockByHash' || (method === 'eth_getBlockByNumber' && params[0] !== 'latest');
    case 'unknown-hash':
      return method === 'eth_getBlockByHash' || method === 'eth_getLogs';
    case 'empty-logs':
    case 'duplicate-log':
    case 'foreign-log':
      return hasLogs;
    case 'range-error':
      return method === 'eth_getLogs';
    default:
      return false;
  }
}

/** The answer as the fault makes it. */
export function twisted(kind: FaultKind, { method }: Question, answer: Answer): Answer {
  const logs: unknown[] = Array.isArray(answer.result) ? answer.result : [];
  switch (kind) {
    case 'null-block':
      return { result: null };
    case 'unknown-hash':
      return method === 'eth_getLogs' ? UNKNOWN_BLOCK : { result: null };
    case 'empty-logs':
      return { result: [] };
    case 'duplicate-log':
      return { result: [...logs, logs[0]] };
    case 'foreign-log':
      return { result: [{ ...(typeof logs[0] === 'object' ? logs[0] : {}), blockHash: OTHER_HASH }, ...logs.slice(1)] };
    case 'range-error':
      return { error: { code: -32005, message: 'query returned more than 10000 results. Try with this block range [0x1, 0x2].' } };
    default:
      return answer;
  }
}
