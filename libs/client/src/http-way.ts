import { CloseCode, type AuthFrame, type ClosingNote } from '@droppio/protocol';
import type { Closing } from './transport.js';

/** What is used of `fetch`: browsers and Node 20 have it. */
export type FetchLike = (
  url: string,
  init: { headers: Record<string, string>; signal: AbortSignal; cache: 'no-store'; credentials: 'omit'; referrerPolicy: 'no-referrer' },
) => Promise<Response>;

export const ownFetch: FetchLike = (url, init) => fetch(url, init);

const NO_WORD = 1006;

/** The way to the gateway over plain HTTP. `gateway`: the address of its WebSocket, `ws(s)://host/overlay`. Rejects when nothing answers. */
export async function ask(
  fetch: FetchLike,
  address: { readonly gateway: string; readonly path: string; readonly query?: string },
  { token, cursor }: AuthFrame,
  signal: AbortSignal,
): Promise<Response> {
  const url = new URL(address.gateway);
  url.protocol = url.protocol.replace('ws', 'http');
  url.pathname = url.pathname.replace(/\/*$/, address.path);
  // What the address says already is for whoever passes this on.
  const query = new URLSearchParams([...url.searchParams, ...new URLSearchParams(address.query)]);
  if (cursor !== undefined) {
    query.set('epoch', cursor.epoch);
    query.set('seq', String(cursor.seq));
  }
  url.search = query.toString();
  // The token is never in the URL, where proxies write it down.
  const headers = { authorization: `Bearer ${token}` };
  return fetch(url.href, { headers, signal, cache: 'no-store', credentials: 'omit', referrerPolicy: 'no-referrer' });
}

/** Why an answer that is not 200 ends the link. Only "later" is the gateway's own word; anything else may be anybody between. */
export function refusal(response: Response): Closing {
  if (response.status !== 429 && response.status !== 503) return { code: NO_WORD, why: `status ${String(response.status)}` };
  const seconds = Number(response.headers.get('retry-after') ?? 0);
  return {
    code: CloseCode.overloaded,
    why: `status ${String(response.status)}`,
    ...(Number.isFinite(seconds) && seconds > 0 && { retryMs: seconds * 1000 }),
  };
}

export function closingOf({ code, reason: { r, retryMs } }: ClosingNote): Closing {
  return { code, ...(r !== undefined && { why: r }), ...(retryMs !== undefined && { retryMs }) };
}

export function broken(error?: unknown): Closing {
  return { code: NO_WORD, ...(error instanceof Error && { why: error.name }) };
}
