import { createServer, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import * as z from 'zod';

const question = z.object({ id: z.number(), method: z.string(), params: z.array(z.unknown()) });
export type Question = z.output<typeof question>;
/** What a node does with a question: a JSON-RPC result, an error, or anything that HTTP allows. */
export type Reply =
  | { readonly result: unknown; readonly id?: unknown }
  | { readonly error: { readonly code: number; readonly message: string; readonly data?: unknown }; readonly status?: number }
  | { readonly raw: (response: ServerResponse) => void };
export type Answerer = (question: Question) => Reply | Promise<Reply>;

/** A JSON-RPC server on a free port of this machine that answers as a test tells it to. */
export class FakeNode {
  readonly asked: Question[] = [];

  private constructor(
    private readonly server: Server,
    public answer: Answerer,
  ) {}

  static async start(answer: Answerer): Promise<FakeNode> {
    const server = createServer();
    const node = new FakeNode(server, answer);
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => void node.respond(Buffer.concat(chunks).toString('utf8'), response));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return node;
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.server.address() as AddressInfo).port)}`;
  }

  count(method: string): number {
    return this.asked.filter((asked) => asked.method === method).length;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async respond(body: string, response: ServerResponse): Promise<void> {
    const asked = question.parse(JSON.parse(body));
    this.asked.push(asked);
    const reply = await this.answer(asked);
    if ('raw' in reply) {
      reply.raw(response);
      return;
    }
    const status = 'error' in reply ? (reply.status ?? 200) : 200;
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id: asked.id, ...reply }));
  }
}
