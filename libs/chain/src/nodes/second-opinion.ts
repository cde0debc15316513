import { Logger } from '@nestjs/common';
import type { BlockRef, Hex } from '@droppio/tips';
import { byProvider } from './ballot.js';
import { parseBlock } from './rpc-answer.js';
import type { RpcEndpoint } from './rpc-endpoint.js';
import { RpcFailed } from './rpc-failure.js';
import type { RpcPool } from './rpc-pool.js';

interface Opinion {
  readonly provider: readonly RpcEndpoint[];
  /** What it tells at the height in question; `undefined`: nothing, or it did not answer. */
  readonly hash: Hex | undefined;
}

/** One provider that lies, or fell out of step, must not stop a chain: asks the others what they think of a fork too deep to be undone. */
export class SecondOpinion {
  private readonly logger = new Logger('chain');

  constructor(private readonly pool: RpcPool) {}

  /** Whoever left alone is asked last from then on, for a minute. Never rejects. */
  async hasLeft(ours: BlockRef): Promise<boolean> {
    const providers = byProvider(this.pool.order());
    const opinions = await Promise.all(providers.map((provider) => this.ask(provider, ours.number)));
    const gone = opinions.filter(({ hash }) => hash !== undefined && hash !== ours.hash);
    if (!opinions.some(({ hash }) => hash === ours.hash)) return gone.length >= Math.min(2, providers.length);
    for (const endpoint of gone.flatMap(({ provider }) => provider)) {
      endpoint.distrust();
      this.logger.error('rpc.other-branch', { endpoint: endpoint.name, block: ours.number });
    }
    return false;
  }

  private async ask(provider: readonly RpcEndpoint[], number: number): Promise<Opinion> {
    const parse = (answer: unknown): Hex | undefined => {
      const block = parseBlock(answer);
      if (block !== undefined && block.number !== number) throw new RpcFailed('malformed', 'the node answered with another block');
      return block?.hash;
    };
    const question = { method: 'eth_getBlockByNumber', params: [`0x${number.toString(16)}`, false], parse };
    const answer = await this.pool.ask(question, { only: provider }).catch(() => undefined);
    return { provider, hash: answer?.value };
  }
}
