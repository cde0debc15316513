/**
 * 4000–4499: come back (after `retryMs`); 4500–4999: stop, coming back cannot help. A client needs only the range, so new codes never
 * break old clients.
 */
export const CloseCode = {
  drain: 4001,
  rebalance: 4002,
  internal: 4003,
  slowConsumer: 4005,
  noPong: 4006,
  resync: 4007,
  overloaded: 4008,
  tooManyFromNetwork: 4009,
  badToken: 4500,
  malformedFrame: 4501,
  authTimeout: 4502,
  tooManySocketsOnToken: 4504,
  protocolVersion: 4505,
  overlayDisabled: 4506,
} as const;
export type CloseCode = (typeof CloseCode)[keyof typeof CloseCode];

/** Codes below 4500, and everything the network itself produces (1001, 1006, …), mean: reconnect. */
export function mayReconnect(code: number): boolean {
  return code < 4500;
}

/** RFC 6455 leaves 123 bytes for the reason. */
const REASON_MAX_BYTES = 123;

/** `{"r":"drain","retryMs":4200}`; `why` is cut rather than the limit broken. */
export function closeReason(why: string, retryMs?: number): string {
  const reason = JSON.stringify(retryMs === undefined ? { r: why } : { r: why, retryMs });
  return new TextEncoder().encode(reason).length <= REASON_MAX_BYTES
    ? reason
    : closeReason(why.slice(0, 40).replace(/[^\x20-\x7e]/g, '?'), retryMs);
}

/** Reads what `closeReason` wrote; a foreign reason gives an empty answer. */
export function readCloseReason(reason: string): { why?: string; retryMs?: number } {
  try {
    const parsed: unknown = JSON.parse(reason);
    if (typeof parsed !== 'object' || parsed === null) return {};
    return {
      ...('r' in parsed && typeof parsed.r === 'string' ? { why: parsed.r } : {}),
      ...('retryMs' in parsed && typeof parsed.retryMs === 'number' && parsed.retryMs >= 0 ? { retryMs: parsed.retryMs } : {}),
    };
  } catch {
    return {};
  }
}
