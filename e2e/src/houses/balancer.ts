import { connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP load balancer that knows nothing: each new connection goes to the next target. */
export class Balancer {
  private next = 0;
  private readonly sockets = new Set<Socket>();
  private readonly server: Server = createServer((client) => {
    this.forward(client);
  });
  targets: readonly number[] = [];

  async listen(port = 0): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, '127.0.0.1', resolve);
    });
    const address = this.server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the balancer has no port');
    return address.port;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private forward(client: Socket): void {
    const port = this.targets[this.next % this.targets.length];
    this.next += 1;
    if (port === undefined) {
      client.destroy();
      return;
    }
    const target = connect(port, '127.0.0.1');
    for (const socket of [client, target]) {
      this.sockets.add(socket);
      socket.setNoDelay(true);
      socket.once('close', () => {
        this.sockets.delete(socket);
        client.destroy();
        target.destroy();
      });
      socket.on('error', () => socket.destroy());
    }
    client.pipe(target).pipe(client);
  }
}
