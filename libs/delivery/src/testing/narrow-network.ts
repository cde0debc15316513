import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export type Kind = 'websocket' | 'sse' | 'poll';

/** A network between clients and a gateway that lets some kinds of traffic through and cuts what it carries when it is told to. */
export class NarrowNetwork {
  private readonly blocked = new Set<Kind>();
  private readonly sockets = new Map<Socket, Kind | undefined>();
  /** Connections that asked for each kind, let through or not. */
  readonly tries: Record<Kind, number> = { websocket: 0, sse: 0, poll: 0 };

  private constructor(
    private readonly server: Server,
    private target: number,
  ) {
    server.on('connection', (client: Socket) => {
      this.join(client);
    });
  }

  static async start(target: number): Promise<NarrowNetwork> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new NarrowNetwork(server, target);
  }

  get url(): string {
    return `ws://127.0.0.1:${String((this.server.address() as AddressInfo).port)}/overlay`;
  }

  /** Newcomers go there from now on. */
  route(target: number): void {
    this.target = target;
  }

  block(...kinds: Kind[]): void {
    for (const kind of kinds) this.blocked.add(kind);
  }

  unblock(...kinds: Kind[]): void {
    for (const kind of kinds) this.blocked.delete(kind);
  }

  /** Ends what there is, without a word to anybody. Returns how many of that kind were cut. */
  cut(kind: Kind): number {
    const cut = [...this.sockets].filter(([, found]) => found === kind);
    for (const [client] of cut) client.destroy();
    return cut.length;
  }

  async stop(): Promise<void> {
    for (const client of this.sockets.keys()) client.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private join(client: Socket): void {
    const server = connect(this.target, '127.0.0.1');
    this.sockets.set(client, undefined);
    client.on('data', (chunk: Buffer) => {
      const kind = kindOf(chunk.toString('latin1'));
      if (kind !== undefined) {
        this.sockets.set(client, kind);
        this.tries[kind] += 1;
        if (this.blocked.has(kind)) client.destroy();
      }
      if (!client.destroyed) server.write(chunk);
    });
    server.on('data', (chunk: Buffer) => client.write(chunk));
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.on('error', () => undefined);
      one.on('close', () => {
        this.sockets.delete(client);
        other.destroy();
      });
    }
  }
}

function kindOf(text: string): Kind | undefined {
  const [, path] = /^GET \/overlay(\/\w+)?[? ]/.exec(text) ?? [];
  if (!text.startsWith('GET /overlay')) return undefined;
  return path === '/events' ? 'sse' : path === '/poll' ? 'poll' : 'websocket';
}
