import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A stretch of network between a process and a server on this machine. */
export class Line {
  private readonly pairs = new Set<readonly [client: Socket, server: Socket]>();
  private isPaused = false;
  private afterPause: (() => void)[] = [];

  private constructor(
    private readonly server: Server,
    private readonly targetPort: number,
  ) {}

  static async to(targetPort: number): Promise<Line> {
    const server = createServer();
    const line = new Line(server, targetPort);
    server.on('connection', (client) => {
      line.whenOpen(() => {
        line.join(client);
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return line;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** For good: both sides see their connections end, as when the process dies. */
  async cut(): Promise<void> {
    this.resume();
    for (const pair of this.pairs) for (const socket of pair) socket.destroy();
    if (!this.server.listening) return;
    this.server.close();
    await once(this.server, 'close');
  }

  /** Nothing comes through, not even that a side has gone, until `resume`; then all of it does. */
  pause(): void {
    this.isPaused = true;
    for (const pair of this.pairs) for (const socket of pair) socket.pause();
  }

  resume(): void {
    this.isPaused = false;
    for (const pair of this.pairs) for (const socket of pair) socket.resume();
    for (const go of this.afterPause.splice(0)) go();
  }

  private join(client: Socket): void {
    const server = connect({ port: this.targetPort, host: '127.0.0.1' });
    const pair = [client, server] as const;
    this.pairs.add(pair);
    for (const [from, to] of [pair, [server, client]] as const) {
      from.on('data', (chunk) => to.write(chunk));
      from.on('error', () => undefined);
      from.on('close', () => {
        this.whenOpen(() => {
          this.pairs.delete(pair);
          // What came before the end goes first.
          to.end();
          setTimeout(() => to.destroy(), 50).unref();
        });
      });
    }
    if (this.isPaused) this.pause();
  }

  private whenOpen(go: () => void): void {
    if (this.isPaused) this.afterPause.push(go);
    else go();
  }
}
