import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Ruling } from './failpoints.js';

/** One connection through a wire, with what its ends were last heard to say. */
export interface WireLink {
  /** For whoever watches: what the link is in the middle of. */
  note: string;
}

export interface WireWatch {
  /** Bytes from the process. */
  sent(bytes: Buffer, link: WireLink): Ruling;
  /** Bytes for the process. */
  answered(bytes: Buffer, link: WireLink): 'pass' | 'swallow';
}

const LAST_WORDS_MS = 300;

/** A TCP proxy that shows what passes and can stop it, chunk by chunk: a statement travels in one. */
export class Wire {
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static start(targetPort: number, watch: WireWatch): Promise<Wire> {
    return new Promise((resolve, reject) => {
      const server = createServer();
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        if (typeof address !== 'object' || address === null) {
          reject(new Error('no port'));
          return;
        }
        const wire = new Wire(server, address.port);
        server.on('connection', (client) => {
          wire.join(client, connect({ port: targetPort, host: '127.0.0.1' }), watch);
        });
        resolve(wire);
      });
    });
  }

  /** Cuts all connections. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private join(client: Socket, server: Socket, watch: WireWatch): void {
    const link: WireLink & { held: boolean } = { note: '', held: false };
    for (const socket of [client, server]) {
      this.sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => socket.destroy());
      socket.once('close', () => this.sockets.delete(socket));
    }
    client.on('data', (bytes) => {
      const ruling = watch.sent(bytes, link);
      if (ruling === 'pass') server.write(bytes);
      else if (ruling !== 'swallow') void this.hold(ruling, bytes, link, client, server);
    });
    server.on('data', (bytes) => {
      if (watch.answered(bytes, link) === 'pass' && !client.destroyed) client.write(bytes);
    });
    // As a kernel does for a process that died: what was sent still arrives.
    client.once('close', () => {
      if (!link.held) server.end();
      setTimeout(() => {
        if (!link.held) server.destroy();
      }, LAST_WORDS_MS).unref();
    });
    server.once('close', () => client.destroy());
  }

  private async hold(
    { hold, cut }: Exclude<Ruling, string>,
    bytes: Buffer,
    link: { held: boolean },
    client: Socket,
    server: Socket,
  ): Promise<void> {
    link.held = true;
    if (cut) client.resetAndDestroy();
    await hold;
    server.write(bytes);
    link.held = false;
    if (client.destroyed) setTimeout(() => server.end(), LAST_WORDS_MS).unref();
  }
}
