import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import * as z from 'zod';

const question = z.object({ id: z.number(), method: z.string(), params: z.array(z.unknown()) });

/** A WebSocket endpoint on this machine whose manners a test decides. */
export class FakeSocketNode {
  /** Connections ever made. */
  connections = 0;
  /** What was asked for, subscription by subscription. */
  readonly subscribed: (readonly unknown[])[] = [];
  chainId = 1;
  /** False: takes questions and says nothing. */
  answers = true;
  /** False: refuses the subscription. */
  subscribes = true;
  answersPings = true;

  private constructor(private server: WebSocketServer) {
    this.listen();
  }

  static async start(port = 0): Promise<FakeSocketNode> {
    const server = new WebSocketServer({ host: '127.0.0.1', port, autoPong: false });
    await once(server, 'listening');
    return new FakeSocketNode(server);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `ws://127.0.0.1:${String(this.port)}`;
  }

  get clients(): readonly WebSocket[] {
    return [...this.server.clients];
  }

  push(head: unknown): void {
    this.send({ jsonrpc: '2.0', method: 'eth_subscription', params: { subscription: '0x1', result: head } });
  }

  send(message: unknown): void {
    for (const client of this.clients) client.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  cut(): void {
    for (const client of this.clients) client.terminate();
  }

  async stop(): Promise<void> {
    this.cut();
    const closed = once(this.server, 'close');
    this.server.close();
    await closed;
  }

  /** Back on the same port. */
  async restart(port: number): Promise<void> {
    this.server = new WebSocketServer({ host: '127.0.0.1', port, autoPong: false });
    this.listen();
    await once(this.server, 'listening');
  }

  private listen(): void {
    this.server.on('connection', (socket) => {
      this.connections += 1;
      socket.on('ping', (data) => {
        if (this.answersPings) socket.pong(data);
      });
      socket.on('message', (data: Buffer) => {
        const { id, method, params } = question.parse(JSON.parse(data.toString('utf8')));
        if (method === 'eth_subscribe') this.subscribed.push(params);
        if (!this.answers) return;
        const refused = method === 'eth_subscribe' && !this.subscribes;
        const answer = refused
          ? { error: { code: -32601, message: 'no subscriptions' } }
          : { result: method === 'eth_chainId' ? `0x${this.chainId.toString(16)}` : '0x1' };
        socket.send(JSON.stringify({ jsonrpc: '2.0', id, ...answer }));
      });
    });
  }
}
