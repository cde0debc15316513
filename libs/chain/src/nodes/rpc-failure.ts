import { ChainUnavailable } from '@droppio/tips';

/**
 * `throttled`: asked too often. `timeout`, `network`, `http`: no answer. `rpc`: an answer that is an error. `malformed`: an answer that cannot
 * be read. `unknown`: the node has not got that block. `busy`: not even asked, since our own limit for this endpoint was reached.
 */
export type RpcFailureKind = 'throttled' | 'timeout' | 'network' | 'http' | 'rpc' | 'malformed' | 'unknown' | 'busy';

/** One endpoint did not give one answer. `text` is what it said instead, without addresses. */
export class RpcFailed extends ChainUnavailable {
  constructor(
    readonly kind: RpcFailureKind,
    readonly text: string,
    readonly details: {
      readonly endpoint?: string;
      readonly method?: string;
      readonly rpcCode?: number;
      readonly retryAfterMs?: number;
    } = {},
  ) {
    super(`A node failed (${kind}): ${text.slice(0, 300)}`, {
      context: {
        kind,
        ...(details.endpoint === undefined ? {} : { endpoint: details.endpoint }),
        ...(details.method === undefined ? {} : { method: details.method }),
        ...(details.rpcCode === undefined ? {} : { rpcCode: details.rpcCode }),
      },
    });
  }

  /** Does it say something about the endpoint's health, or only about this question? */
  get isEndpointFault(): boolean {
    return this.kind !== 'unknown' && this.kind !== 'rpc' && this.kind !== 'busy';
  }
}
