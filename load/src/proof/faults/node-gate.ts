import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { askAnew, type Answer } from './node-answers.js';

const Asked = z.object({ id: z.unknown(), method: z.string(), params: z.array(z.unknown()).default([]) });
export type Question = z.output<typeof Asked>;

/** What is done to a question: an answer of our own, or nothing. `undefined`: the node's own answer. */
export interface NodeFault {
  /** Changes the answer. */
  readonly spoil?: (question: Question, answer: Answer) => Answer | Promise<Answer>;
  /** Answers instead of the node, or hangs up: true when it did. */
  readonly refuse?: (question: Question, response: ServerResponse) => boolean | Promise<boolean>;
  /** The other end of the subscription hears nothing, and newcomers are turned away. */
  readonly isMute?: boolean;
}

/** JSON-RPC between the listeners and one node: HTTP question by question, WebSockets as they are. */
export class NodeGate {
  fault: NodeFault | undefined;
  /** Answers that were changed or refused. */
  faults = 0;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    readonly port: number,
    private readonly node: URL,
  ) {
    server.on('request', (request, response) => {
      this.serve(request, response).catch(() => response.destroy());
    });
    server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      this.upgrade(request, socket, head);
    });
  }

  static async open(nodeUrl: string): Promise<NodeGate> {
    const server = createServer({ keepAliveTimeout: 60_000 });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the gate has no port');
    return new NodeGate(server, address.port, new URL(nodeUrl));
  }

  /** From now on, and for who is subscribed already. */
  set(fault: NodeFault | undefined): void {
    this.fault = fault;
    if (fault?.isMute === true) for (const socket of this.sockets) socket.destroy();
  }

  /** As providers do with lines on which nothing is asked. */
  hangUpIdle(): void {
    this.server.closeIdleConnections();
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
    const question = Asked.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
    const { fault } = this;
    if (fault?.refuse !== undefined && (await fault.refuse(question, response))) {
      this.faults += 1;
      return;
    }
    const answer = await askAnew(this.node.href, question);
    const told = (await fault?.spoil?.(question, answer)) ?? answer;
    if (told !== answer) this.faults += 1;
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id: question.id, ...told }));
  }

  private upgrade({ url = '/', headers }: IncomingMessage, socket: Socket, head: Buffer): void {
    if (this.fault?.isMute === true) {
      socket.destroy();
      return;
    }
    const node = connect(Number(this.node.port), this.node.hostname, () => {
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}`);
      node.write(`GET ${url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
      node.write(head);
      socket.pipe(node).pipe(socket);
    });
    for (const end of [socket, node]) {
      this.sockets.add(end);
      end.on('error', () => end.destroy());
      end.once('close', () => {
        this.sockets.delete(end);
        socket.destroy();
        node.destroy();
      });
    }
  }
}

/** Refusals as providers have them. */
export const refusals = {
  hangUp: (_: Question, response: ServerResponse): true => {
    response.destroy();
    return true;
  },
  status:
    (status: number, body = 'no') =>
    (_: Question, response: ServerResponse): true => {
      response.writeHead(status, status === 429 ? { 'retry-after': '1' } : {}).end(body);
      return true;
    },
  cutJson: ({ id }: Question, response: ServerResponse): true => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result: '0x' }).slice(0, 20));
    return true;
  },
  late:
    (ms: number) =>
    async (_: Question, response: ServerResponse): Promise<true> => {
      await sleep(ms);
      response.destroy();
      return true;
    },
};
