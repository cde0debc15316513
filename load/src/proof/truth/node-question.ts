let lastId = 0;

/** One question to the node itself, past every proxy. Throws what the node says no with. */
export async function askNode(url: string, method: string, params: readonly unknown[]): Promise<unknown> {
  lastId += 1;
  const body = JSON.stringify({ jsonrpc: '2.0', id: lastId, method, params });
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    signal: AbortSignal.timeout(20_000),
  });
  const answer: unknown = await response.json();
  if (typeof answer !== 'object' || answer === null || !('result' in answer)) throw new Error(`${method}: ${JSON.stringify(answer)}`);
  return answer.result;
}
