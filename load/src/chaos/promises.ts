import * as z from 'zod';
import type { Dice } from './dice.js';
import type { RpcLine } from './rpc-line.js';
import type { ChainBlock } from './twin-chains.js';

const Logs = z.array(z.looseObject({ address: z.string(), topics: z.array(z.string()), data: z.string(), transactionHash: z.string() }));
type Log = z.output<typeof Logs>[number];

const NO_BLOCK = `0x${'0'.repeat(64)}`;
const WORD = 64;
/** End of the amount's word in what the jar tells, behind `0x` and the token's word. A transfer has no other word. */
const amountEnd = (data: string): number => 2 + (data.length > 2 + WORD ? 2 : 1) * WORD;

/** For how long a promise is to be seen: a moment where it is pushed, longer than between two questions where it is asked for. */
export function promisedFor(source: 'pendingLogs' | 'pending', dice: Dice): number {
  return source === 'pendingLogs' ? dice.int(20, 120) : dice.int(130, 260);
}

export type Lie = 'none' | 'never sealed' | 'other amount';

/** The logs of a block as a node tells of them before it is sealed; one of them may be a lie. */
export async function promisedLogs(
  line: RpcLine,
  block: ChainBlock,
  jar: string,
  dice: Dice,
): Promise<{ readonly logs: readonly Log[]; readonly lie: Lie }> {
  const found = Logs.parse(await line.ask('eth_getLogs', [{ blockHash: block.hash, address: jar }]));
  const logs = found.map((log) => ({ ...log, blockHash: NO_BLOCK, blockNumber: null }));
  const lie = dice.weighted([['none', 7] as const, ['never sealed', 1.5] as const, ['other amount', 1.5] as const]);
  const [first] = logs;
  if (first === undefined || lie === 'none') return { logs, lie: 'none' };
  if (lie === 'other amount') return { logs: [{ ...first, data: otherAmount(first.data) }, ...logs.slice(1)], lie };
  const nowhere = `0x${Array.from({ length: 64 }, () => dice.int(0, 15).toString(16)).join('')}`;
  return { logs: [...logs, { ...first, transactionHash: nowhere }], lie };
}

/** The data of an event with another last digit of its amount. */
export function otherAmount(data: string): string {
  const end = amountEnd(data);
  const digit = data[end - 1] === '7' ? '8' : '7';
  return data.slice(0, end - 1) + digit + data.slice(end);
}
