import {
  createServer as createPlainServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { TEST_CERTIFICATE, TEST_KEY } from './certificate.js';

export interface Received {
  readonly path: string;
  readonly id: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export type Answering = (received: Received, response: ServerResponse) => void;

/** A creator's own server, which keeps what it was sent. */
export class Receiver {
  readonly received: Received[] = [];
  /** Requests that wait for their answers now, and the most there ever were. */
  open = 0;
  most = 0;
  connections = 0;

  private constructor(
    private readonly server: Server,
    readonly port: number,
    private readonly scheme: 'http' | 'https',
    public answer: Answering,
  ) {}

  static async start(answer: Answering = answerWith(204), scheme: 'http' | 'https' = 'https', host = '127.0.0.1'): Promise<Receiver> {
    const take = (request: IncomingMessage, response: ServerResponse): void => {
      receiver.take(request, response);
    };
    const server = scheme === 'https' ? createSecureServer({ key: TEST_KEY, cert: TEST_CERTIFICATE }, take) : createPlainServer(take);
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('no port');
    const receiver: Receiver = new Receiver(server, address.port, scheme, answer);
    server.on('connection', () => (receiver.connections += 1));
    return receiver;
  }

  url(host: string, path = '/'): string {
    return `${this.scheme}://${host}:${String(this.port)}${path}`;
  }

  ids(path?: string): string[] {
    return this.received.filter((each) => path === undefined || each.path === path).map(({ id }) => id);
  }

  async stop(): Promise<void> {
    if (!this.server.listening) return;
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  private take(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    this.most = Math.max(this.most, (this.open += 1));
    response.once('close', () => (this.open -= 1));
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('end', () => {
      const { headers, url = '' } = request;
      const received = { path: url, id: String(headers['webhook-id']), headers, body: Buffer.concat(chunks).toString('utf8') };
      this.received.push(received);
      this.answer(received, response);
    });
  }
}

/** Says this to everybody. */
export const answerWith =
  (status: number, headers: Record<string, string> = {}): Answering =>
  (_received, response) => {
    response.writeHead(status, headers).end();
  };
