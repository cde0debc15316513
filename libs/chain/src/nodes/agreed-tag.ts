import { ChainUnavailable, type BlockHeader, type BlockRef } from '@droppio/tips';
import { byProvider } from './ballot.js';
import type { RpcQuestion } from './rpc-endpoint.js';
import { RpcFailed } from './rpc-failure.js';
import type { RpcPool } from './rpc-pool.js';

/**
 * The highest block that two providers call settled: one that calls its newest block final would make an ordinary fork one that nobody may undo.
 * `undefined` where the chain has no such tag. Throws `ChainUnavailable` when fewer than two tell of it.
 */
export async function agreedTag(pool: RpcPool, question: RpcQuestion<BlockHeader>): Promise<BlockRef | undefined> {
  const asked = byProvider(pool.order()).map((only) => pool.ask(question, { only }));
  const answers = await Promise.allSettled(asked);
  const told = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value.value] : []));
  const [, second] = [...told].sort((a, b) => b.number - a.number);
  if (second !== undefined) return second;
  const hasNoTag = ({ reason }: { reason: unknown }): boolean =>
    reason instanceof RpcFailed && (reason.kind === 'rpc' || reason.kind === 'unknown');
  const refused = answers.filter((answer) => answer.status === 'rejected');
  if (told.length === 0 && refused.some(hasNoTag)) return undefined;
  throw new ChainUnavailable('Fewer than two providers tell how far the chain is settled.', { context: { answered: told.length } });
}
