import type { Hex } from '@droppio/tips';
import * as z from 'zod';
import type { Ballot } from './ballot.js';
import type { RpcQuestion } from './rpc-endpoint.js';
import { RpcFailed } from './rpc-failure.js';
import type { RpcPool } from './rpc-pool.js';

export interface ContractCall {
  readonly to: Hex;
  readonly data: Hex;
  /** The state that this block left, whichever branch it is on (EIP-1898). */
  readonly blockHash: Hex;
}

/** Some words, and no more than a contract that is asked for a number has reason to say. */
const returned = z.templateLiteral(['0x', z.string().regex(/^(?:[0-9a-fA-F]{2}){0,4096}$/)]);

/** Asks contracts for what they say in one block. With a ballot, two providers must say the same. */
export class ContractCaller {
  constructor(
    private readonly pool: RpcPool,
    private readonly ballot: Ballot | undefined,
  ) {}

  /** What the contract returned. Throws `ChainUnavailable`; `RpcFailed` of kind `rpc` where the nodes say why not. */
  async call({ to, data, blockHash }: ContractCall): Promise<Hex> {
    const question: RpcQuestion<Hex> = { method: 'eth_call', params: [{ to, data }, { blockHash }], parse };
    if (this.ballot === undefined) return (await this.pool.ask(question)).value;
    return this.ballot.decide({
      what: `a call of ${to} in block ${blockHash}`,
      ask: (only) => this.pool.ask(question, { only }),
      digest: (value) => value,
    });
  }
}

function parse(answer: unknown): Hex {
  const parsed = returned.safeParse(answer);
  if (!parsed.success) throw new RpcFailed('malformed', 'the node answered with something else than the result of a call');
  return `0x${parsed.data.slice(2).toLowerCase()}`;
}
