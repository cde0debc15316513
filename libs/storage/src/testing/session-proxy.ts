import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

interface Target {
  readonly host: string;
  readonly port: number;
}

/** Stands between clients and Postgres and does what poolers, failovers and networks do: without a word. Passwords it does not know. */
export class SessionProxy {
  private readonly links = new Set<Link>();

  private constructor(
    private readonly server: Server,
    /** The same database, through here. */
    readonly url: string,
  ) {}

  static async open(databaseUrl: string): Promise<SessionProxy> {
    const url = new URL(databaseUrl);
    const target = { host: url.hostname, port: Number(url.port) };
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    url.port = String(typeof address === 'object' && address !== null ? address.port : 0);
    const proxy = new SessionProxy(server, url.href);
    server.on('connection', (client) => {
      const link = new Link(client, target);
      proxy.links.add(link);
      client.once('close', () => proxy.links.delete(link));
    });
    return proxy;
  }

  /** Whoever is connected stays so, and has another session of Postgres from now on. */
  async swap(): Promise<void> {
    await Promise.all([...this.links].map((link) => link.swap()));
  }

  /** What is open stays open, and nothing passes on it any more. New connections work. */
  freeze(): void {
    for (const link of this.links) link.freeze();
  }

  async close(): Promise<void> {
    for (const link of this.links) link.end();
    this.server.close();
    await once(this.server, 'close');
  }
}

class Link {
  private greeting: Buffer = Buffer.alloc(0);
  private session: Socket;

  constructor(
    private readonly client: Socket,
    private readonly target: Target,
  ) {
    client.on('error', () => undefined);
    client.once('data', (chunk: Buffer) => (this.greeting = chunk));
    client.on('data', (chunk: Buffer) => this.session.write(chunk));
    client.once('close', () => this.session.destroy());
    this.session = this.dial();
    this.pass(this.session);
  }

  async swap(): Promise<void> {
    const next = this.dial();
    next.write(this.greeting);
    let answer: Buffer = Buffer.alloc(0);
    while (!isReady(answer)) {
      const [chunk] = (await once(next, 'data')) as [Buffer];
      answer = Buffer.concat([answer, chunk]);
    }
    const former = this.session;
    this.session = next;
    former.destroy();
    this.pass(next);
  }

  freeze(): void {
    this.client.pause();
    this.session.pause();
  }

  end(): void {
    this.client.destroy();
    this.session.destroy();
  }

  private dial(): Socket {
    const session = connect(this.target);
    session.on('error', () => undefined);
    session.on('close', () => {
      if (session === this.session) this.client.destroy();
    });
    return session;
  }

  private pass(session: Socket): void {
    session.on('data', (chunk) => this.client.write(chunk));
  }
}

/** The server's messages are a letter and a length; Z is the last one of a greeting. */
function isReady(answer: Buffer): boolean {
  for (let at = 0; at + 5 <= answer.length; at += 1 + answer.readInt32BE(at + 1)) {
    if (answer[at] === 'Z'.charCodeAt(0)) return true;
  }
  return false;
}
