import * as z from 'zod';

export type Answer = { readonly result?: unknown; readonly error?: unknown };
const Told = z.looseObject({ result: z.unknown().optional(), error: z.unknown().optional() });

/** The node's own answer, errors included. */
export async function askAnew(
  url: string,
  { method, params }: { readonly method: string; readonly params: readonly unknown[] },
): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    signal: AbortSignal.timeout(20_000),
  });
  const { result, error } = Told.parse(await response.json());
  return error === undefined ? { result } : { error };
}
