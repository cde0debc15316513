import { connect, createServer, type Server, type Socket } from 'node:net';

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  /** What the client has said so far, its first kilobytes. */
  said: string;
  silent: boolean;
}

/** Stands between a client and a server, and can let single connections go silent: open, taking everything, delivering nothing. */
export class TcpProxy {
  private readonly links = new Set<Link>();

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static start(targetPort: number): Promise<TcpProxy> {
    return new Promise((resolve, reject) => {
      const server = createServer();
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        if (typeof address !== 'object' || address === null) {
          reject(new Error('no port'));
          return;
        }
        const proxy = new TcpProxy(server, address.port);
        server.on('connection', (client) => {
          proxy.join(client, connect({ port: targetPort, host: '127.0.0.1' }));
        });
        resolve(proxy);
      });
    });
  }

  get url(): string {
    return `redis://127.0.0.1:${String(this.port)}`;
  }

  /** Silences the connections whose client has said something like this; returns how many. */
  silence(pattern: RegExp): number {
    const found = [...this.links].filter(({ said, silent }) => !silent && pattern.test(said));
    for (const link of found) link.silent = true;
    return found.length;
  }

  async stop(): Promise<void> {
    for (const { client, server } of this.links) {
      client.destroy();
      server.destroy();
    }
    await new Promise((resolve) => this.server.close(resolve));
  }

  private join(client: Socket, server: Socket): void {
    const link: Link = { client, server, said: '', silent: false };
    this.links.add(link);
    client.on('data', (chunk) => {
      if (link.said.length < 8192) link.said += chunk.toString('utf8');
      if (!link.silent) server.write(chunk);
    });
    server.on('data', (chunk) => {
      if (!link.silent) client.write(chunk);
    });
    const end = (): void => {
      this.links.delete(link);
      client.destroy();
      server.destroy();
    };
    client.on('error', end).on('close', end);
    // A silent connection does not tell its client even that it is over.
    server
      .on('error', () => undefined)
      .on('close', () => {
        if (!link.silent) end();
      });
  }
}
