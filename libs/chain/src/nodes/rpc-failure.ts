import { ChainUnavailable } from '@droppio/tips';

/**
 * `throttled`: asked too often. `timeout`, `network`, `http`: no answer. `rpc`: an answer that is an error. `malformed`: an answer that cannot
 * be read. `unknown`: the node has not got that block. `busy`: not even asked, since our own limit for this endpoint was reached.
 */
export type RpcFailureKind = 'throttled' | 'timeout' | 'network' | 'http' | 'rpc' | 'malformed' | 'unknown' | 'busy';

/** What a node wrote instead of an answer may be megabytes, and is searched for words by patterns that take their time with long texts. */
const MOST_CHARACTERS = 2000;

/** The beginning of what a node wrote, which is all that anybody reads. */
export function beginningOf(text: string): string {
  return text.slice(0, MOST_CHARACTERS);
}

/** One endpoint did not give one answer. `text` is what it said instead, without addresses, and not at any length. */
export class RpcFailed extends ChainUnavailable {
  readonly text: string;

  constructor(
    readonly kind: RpcFailureKind,
    text: string,
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
    this.text = beginningOf(text);
  }

  /** Does it say something about the endpoint's health, or only about this question? */
  get isEndpointFault(): boolean {
    return this.kind !== 'unknown' && this.kind !== 'rpc' && this.kind !== 'busy';
  }
}
