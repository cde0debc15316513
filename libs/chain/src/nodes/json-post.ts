import { Agent, request as requestHttp, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as TlsAgent, request as requestHttps } from 'node:https';
import { RpcFailed } from './rpc-failure.js';

export interface HttpReply {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: string;
}

export interface PostOptions {
  /** For the whole exchange, connecting and reading included. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

const MAX_BODY_BYTES = 64 * 1024 * 1024;
const MOST_STALE = 3;
const AGENT = { keepAlive: true, maxSockets: 64, scheduling: 'lifo' } as const;

/**
 * Posts JSON to one address over connections that stay open. Node's bare client: it answers in about half the time of `fetch` or of a
 * library's transport, and every block waits for it. Throws `RpcFailed` (timeout, network, malformed); follows no redirects.
 */
export class JsonPost {
  private readonly url: URL;
  private readonly connect: (headers: Readonly<Record<string, string | number>>) => ClientRequest;

  constructor(url: string) {
    this.url = new URL(url);
    const agent = this.url.protocol === 'https:' ? new TlsAgent(AGENT) : new Agent(AGENT);
    const request = this.url.protocol === 'https:' ? requestHttps : requestHttp;
    this.connect = (headers) => request(this.url, { method: 'POST', agent, headers });
  }

  async post(body: string, options: PostOptions): Promise<HttpReply> {
    for (let retries = 0; ; retries += 1) {
      try {
        return await this.exchange(body, options);
      } catch (error) {
        // The server closed an idle connection just when it was used again: nothing was asked yet. Others may have been closed with it.
        if (!(error instanceof StaleConnection) || retries === MOST_STALE) throw error;
      }
    }
  }

  private exchange(body: string, { timeoutMs, signal }: PostOptions): Promise<HttpReply> {
    return new Promise((resolve, reject) => {
      const request = this.connect({ 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
      const timer = setTimeout(() => request.destroy(new RpcFailed('timeout', 'no answer in time')), timeoutMs);
      const abort = (): void => void request.destroy(new RpcFailed('timeout', 'no longer wanted'));
      const end = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
      };
      signal?.addEventListener('abort', abort, { once: true });
      request.on('close', end);
      request.on('error', (error) => {
        reject(asFailure(error, request.reusedSocket));
      });
      request.on('response', (response) => {
        read(response).then(resolve, (error: unknown) => {
          request.destroy();
          reject(asFailure(error, false));
        });
      });
      if (signal?.aborted === true) abort();
      else request.end(body);
    });
  }
}

class StaleConnection extends RpcFailed {}

async function read(response: IncomingMessage): Promise<HttpReply> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) continue;
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new RpcFailed('rpc', 'response too large for us');
    chunks.push(chunk);
  }
  if (!response.complete) throw new RpcFailed('network', 'the answer broke off');
  return { status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'], body: Buffer.concat(chunks).toString('utf8') };
}

function asFailure(error: unknown, wasReused: boolean): RpcFailed {
  if (error instanceof RpcFailed) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
  return wasReused && (code === 'ECONNRESET' || code === 'EPIPE') ? new StaleConnection('network', code) : new RpcFailed('network', code);
}
