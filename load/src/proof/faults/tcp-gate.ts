import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  /** Nothing of it moves any more, and nobody is told. */
  isHung: boolean;
  isDoomed: boolean;
}

/** `slice`: a byte at a time. */
export type GateMode = 'open' | 'refuse' | 'hole' | 'slice';

const SLICE_BYTES_MAX = 4096;

/** A TCP proxy between two rooms of the house, with what networks do. Each new connection goes to the next target. */
export class TcpGate {
  targets: readonly number[] = [];
  /** Asked about everything that a client sends: true, and its answer will never come, since the connection ends first. */
  doom: ((bytes: Buffer) => boolean) | undefined;
  /** Called when such an answer is here, and kept. */
  onDoomed: (() => void) | undefined;
  /** Connections whose answer was kept from them. */
  doomed = 0;
  accepted = 0;
  private mode: GateMode = 'open';
  private next = 0;
  private readonly links = new Set<Link>();

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {
    server.on('connection', (client) => {
      this.join(client);
    });
  }

  static async open(targets: readonly number[]): Promise<TcpGate> {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the gate has no port');
    const gate = new TcpGate(server, address.port);
    gate.targets = targets;
    return gate;
  }

  get size(): number {
    return this.links.size;
  }

  /** A `hole` keeps connections and what is sent into them; when it is over, everything arrives, as TCP sends it again. */
  set(mode: GateMode): void {
    const wasHole = this.mode === 'hole';
    this.mode = mode;
    if (mode === 'refuse') this.reset();
    if (mode === 'hole') for (const link of this.links) pause(link);
    else if (wasHole) for (const link of this.links) if (!link.isHung) resume(link);
  }

  /** Ends connections with RST; how many. */
  reset(share = 1): number {
    const some = [...this.links].filter((_, place) => place % Math.round(1 / share) === 0);
    for (const { client, server } of some) {
      client.resetAndDestroy();
      server.destroy();
    }
    return some.length;
  }

  /** Half-open: these connections look alive and carry nothing, for ever. */
  hang(share = 1): number {
    const some = [...this.links].filter((_, place) => place % Math.round(1 / share) === 0);
    for (const link of some) {
      link.isHung = true;
      pause(link);
    }
    return some.length;
  }

  async close(): Promise<void> {
    this.server.close();
    this.set('refuse');
    await once(this.server, 'close');
  }

  private join(client: Socket): void {
    this.accepted += 1;
    const target = this.targets[this.next % this.targets.length];
    this.next += 1;
    client.on('error', () => client.destroy());
    if (this.mode === 'refuse' || target === undefined) {
      client.resetAndDestroy();
      return;
    }
    const server = connect(target, '127.0.0.1');
    const link: Link = { client, server, isHung: false, isDoomed: false };
    this.links.add(link);
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => socket.destroy());
      socket.once('close', () => {
        this.links.delete(link);
        // What was sent still arrives, as a kernel does it.
        client.end();
        server.end();
        setTimeout(() => {
          client.destroy();
          server.destroy();
        }, 200).unref();
      });
    }
    client.on('data', (bytes) => {
      this.sent(link, bytes);
    });
    server.on('data', (bytes) => {
      this.answered(link, bytes);
    });
    if (this.mode === 'hole') pause(link);
  }

  private sent(link: Link, bytes: Buffer): void {
    if (!link.isDoomed && this.doom?.(bytes) === true) link.isDoomed = true;
    this.pass(link.client, link.server, bytes);
  }

  private answered(link: Link, bytes: Buffer): void {
    if (!link.isDoomed) {
      this.pass(link.server, link.client, bytes);
      return;
    }
    this.doomed += 1;
    this.onDoomed?.();
    link.client.resetAndDestroy();
  }

  private pass(from: Socket, to: Socket, bytes: Buffer): void {
    if (to.destroyed) return;
    const isFull = this.mode === 'slice' && bytes.length <= SLICE_BYTES_MAX ? !sliced(to, bytes) : !to.write(bytes);
    // The speed of the reader is the speed of the writer.
    if (!isFull || from.destroyed) return;
    from.pause();
    to.once('drain', () => {
      if (this.mode !== 'hole') from.resume();
    });
  }
}

function sliced(to: Socket, bytes: Buffer): boolean {
  let isRoomy = true;
  for (const byte of bytes) isRoomy = to.write(Buffer.of(byte));
  return isRoomy;
}

function pause({ client, server }: Link): void {
  client.pause();
  server.pause();
}

function resume({ client, server }: Link): void {
  client.resume();
  server.resume();
}
