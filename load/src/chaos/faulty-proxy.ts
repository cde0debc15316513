import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { WebSocketServer } from 'ws';
import * as z from 'zod';
import type { Slot } from './failpoints.js';
import type { FaultyChain } from './faulty-chain.js';
import type { Question } from './faulty-endpoint.js';

const Asked = z.object({ id: z.unknown(), method: z.string(), params: z.array(z.unknown()).default([]) });

/** As many as a chain has endpoints, with the one that serves another chain. */
const PROVIDERS = 4;

/** JSON-RPC over HTTP and WebSocket, between the listeners and the nodes of many chains: `/<slot>/<chain>/<endpoint>`, a port for each provider. */
export class FaultyProxy {
  private readonly chains = new Map<number, FaultyChain>();
  private readonly sockets = new WebSocketServer({ noServer: true });
  private readonly servers: Server[] = [];
  private readonly ports: number[] = [];

  static async start(): Promise<FaultyProxy> {
    const proxy = new FaultyProxy();
    while (proxy.servers.length < PROVIDERS) await proxy.listen();
    return proxy;
  }

  private async listen(): Promise<void> {
    const server = createServer({ keepAliveTimeout: 60_000 });
    this.servers.push(server);
    server.on('request', (request, response) => {
      this.serve(request, response).catch(() => response.destroy());
    });
    server.on('upgrade', (request, socket, head) => {
      const place = this.placeOf(request.url);
      if (place === undefined) {
        socket.destroy();
        return;
      }
      this.sockets.handleUpgrade(request, socket, head, (ws) => {
        place.chain.join(ws, place.slot, place.endpoint);
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const address = server.address();
    if (typeof address === 'object' && address !== null) this.ports.push(address.port);
  }

  add(chain: FaultyChain): void {
    this.chains.set(chain.chainId, chain);
  }

  remove(chain: FaultyChain): void {
    chain.hangUp();
    this.chains.delete(chain.chainId);
  }

  url(protocol: 'http' | 'ws', slot: Slot, chainId: number, endpoint: number): string {
    return `${protocol}://127.0.0.1:${String(this.ports[endpoint])}/${String(slot)}/${String(chainId)}/${String(endpoint)}`;
  }

  async stop(): Promise<void> {
    for (const client of this.sockets.clients) client.terminate();
    await Promise.all(
      this.servers.map(async (server) => {
        server.closeAllConnections();
        server.close();
        await once(server, 'close');
      }),
    );
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const place = this.placeOf(request.url);
    const endpoint = place?.chain.endpoints[place.endpoint];
    const question = parse(await bodyOf(request));
    if (place === undefined || endpoint === undefined || question === undefined) {
      response.writeHead(404).end();
      return;
    }
    await endpoint.serve(place.slot, question, response);
  }

  private placeOf(url = ''): { readonly chain: FaultyChain; readonly slot: Slot; readonly endpoint: number } | undefined {
    const [, slot, chainId, endpoint] = url.split('/');
    const chain = this.chains.get(Number(chainId));
    return chain && { chain, slot: slot === '0' ? 0 : 1, endpoint: Number(endpoint) };
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

export function parse(text: string): Question | undefined {
  try {
    return Asked.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
