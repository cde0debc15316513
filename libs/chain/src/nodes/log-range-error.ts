import type { RpcFailed } from './rpc-failure.js';

/** Words by which providers say that the result is too large, whatever the range. */
const TOO_MUCH =
  /query exceeds max results|logs matched by query exceeds|query returned more than|response size (should not|is) (be )?greater|response is too (big|large)|response too large|too many logs|more than [\d,]+ logs|[\d,]+ logs returned|backend response too large/i;

/** Did the provider refuse because of the number of logs? */
export function isTooMuch(failure: RpcFailed): boolean {
  return failure.kind === 'rpc' && TOO_MUCH.test(failure.text);
}
