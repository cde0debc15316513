import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface AnvilNode {
  readonly url: string;
  call(method: string, params: readonly unknown[]): Promise<unknown>;
  stop(): Promise<void>;
}

/** A chain of its own on a free port. */
export async function anvil(path: string, chainId = 31_337): Promise<AnvilNode> {
  const child = spawn(path, ['--port', '0', '--host', '127.0.0.1', '--chain-id', String(chainId)], { stdio: ['ignore', 'pipe', 'ignore'] });
  const url = await addressOf(child.stdout);
  return {
    url,
    call: async (method, params) => {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
        signal: AbortSignal.timeout(10_000),
      });
      return response.json();
    },
    stop: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

async function addressOf(output: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: output })) {
    const address = /Listening on (\S+)/.exec(line)?.[1];
    if (address !== undefined) {
      output.resume();
      return `http://${address}`;
    }
  }
  throw new Error('anvil ended before it listened');
}
