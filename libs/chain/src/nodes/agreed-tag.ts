import { ChainUnavailable, type BlockHeader, type BlockRef } from '@droppio/tips';
import { byProvider } from './ballot.js';
import type { RpcEndpoint, RpcQuestion } from './rpc-endpoint.js';
import { RpcFailed } from './rpc-failure.js';
import type { RpcPool } from './rpc-pool.js';

/** A provider further behind than this would hold up what is settled; without a quorum it is not asked. */
const BEHIND_BLOCKS = 16;

/**
 * What two providers call settled: one that calls its newest block final would make an ordinary fork one that nobody may undo. Strictly (a
 * quorum) two of them must tell of it, and the highest that two tell of counts; else the two best are asked, one is enough when the other is
 * down, and the lower counts. `undefined` where the chain has no such tag. Throws `ChainUnavailable`.
 */
export async function agreedTag(pool: RpcPool, question: RpcQuestion<BlockHeader>, isStrict: boolean): Promise<BlockRef | undefined> {
  const isNear = ({ headNumber }: RpcEndpoint): boolean => pool.newest - headNumber <= BEHIND_BLOCKS;
  const providers = byProvider(pool.order());
  const near = providers.filter((endpoints) => endpoints.some(isNear));
  const asked = isStrict ? providers : (near.length > 0 ? near : providers).slice(0, 2);
  const answers = await Promise.allSettled(asked.map((only) => pool.ask(question, { only })));
  const told = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value.value] : []));
  const [first, second] = [...told].sort((a, b) => b.number - a.number);
  const settled = second ?? (isStrict ? undefined : first);
  if (settled !== undefined) return settled;
  if (told.length === 0 && answers.some(hasNoTag)) return undefined;
  throw new ChainUnavailable('Too few providers tell how far the chain is settled.', { context: { answered: told.length } });
}

function hasNoTag(answer: PromiseSettledResult<unknown>): boolean {
  const reason: unknown = answer.status === 'rejected' ? answer.reason : undefined;
  return reason instanceof RpcFailed && (reason.kind === 'rpc' || reason.kind === 'unknown');
}
