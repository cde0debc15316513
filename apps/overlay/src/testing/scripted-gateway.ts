import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { parseClientFrame, type AuthFrame, type EventFrame, type ServerFrame, type ShownFrame } from '@droppio/protocol';
import type { OverlayConfig } from '@droppio/tips';
import { WebSocket, WebSocketServer } from 'ws';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

export type WithoutSeq<Frame> = Frame extends { seq: number } ? Omit<Frame, 'seq' | 'op'> : never;

/**
 * Serves the built page and speaks the protocol: keeps every event, resumes by cursor, closes and refuses as told. What the page's content
 * security policy stops is collected in `violations`.
 */
export class ScriptedGateway {
  readonly auths: AuthFrame[] = [];
  readonly shown: ShownFrame[] = [];
  readonly violations: string[] = [];
  readonly requests: string[] = [];
  config: OverlayConfig & Record<string, unknown> = { schemaVersion: 1, durationMs: 2000 };
  epoch = 'e1';
  /** Answer to the next tokens presented, instead of `ready`. */
  refuseWith: number | undefined;
  private readonly log: EventFrame[] = [];
  private readonly http = createServer((request, response) => {
    void this.serve(request, response);
  });
  private readonly sockets = new WebSocketServer({ server: this.http, path: '/overlay' });
  private readonly admitted = new Set<WebSocket>();

  constructor(private readonly pageFolder: string) {
    this.sockets.on('connection', (socket) => {
      this.greet(socket);
    });
  }

  async listen(): Promise<void> {
    this.http.listen(0, '127.0.0.1');
    await once(this.http, 'listening');
  }

  get origin(): string {
    const address = this.http.address();
    if (typeof address !== 'object' || address === null) throw new Error('not listening');
    return `http://127.0.0.1:${String(address.port)}`;
  }

  get connections(): number {
    return this.admitted.size;
  }

  publish(event: WithoutSeq<EventFrame>): number {
    const frame = { ...event, op: 'event', seq: this.log.length + 1 } as EventFrame;
    this.log.push(frame);
    for (const socket of this.admitted) say(socket, frame);
    return frame.seq;
  }

  cut(): void {
    for (const socket of this.sockets.clients) socket.terminate();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => {
      this.http.close(resolve);
      this.http.closeAllConnections();
    });
  }

  private greet(socket: WebSocket): void {
    socket.on('message', (data: Buffer) => {
      const frame = parseClientFrame(data.toString());
      if (frame?.op === 'auth') this.admit(socket, frame);
      if (frame?.op === 'shown') this.shown.push(frame);
    });
    socket.on('close', () => this.admitted.delete(socket));
    say(socket, { op: 'hello', v: 1, sid: 'scripted', pingMs: 25_000 });
  }

  private admit(socket: WebSocket, auth: AuthFrame): void {
    this.auths.push(auth);
    if (this.refuseWith !== undefined) {
      socket.close(this.refuseWith);
      return;
    }
    const head = this.log.length;
    const known = auth.cursor?.epoch === this.epoch ? auth.cursor.seq : undefined;
    const after = known ?? head;
    say(socket, { op: 'ready', epoch: this.epoch, head, from: after + 1, recovered: true, config: this.config });
    this.admitted.add(socket);
    for (const frame of this.log.slice(after)) say(socket, { ...frame, replay: true });
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests.push(request.url ?? '');
    if (request.url === '/violations') {
      for await (const part of request) this.violations.push(String(part));
      response.writeHead(204).end();
      return;
    }
    const path = normalize((request.url ?? '/').replace(/^\/overlay\//, '/').replace(/\?.*$/, ''));
    const file = join(this.pageFolder, path === '/' ? 'index.html' : path);
    try {
      const content = await readFile(file);
      response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'text/plain', 'content-security-policy': this.policy() });
      response.end(content);
    } catch {
      response.writeHead(404).end();
    }
  }

  /** What the real servers send, in its strictest form. */
  private policy(): string {
    return [
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; font-src 'self'",
      `connect-src 'self' ${this.origin.replace('http', 'ws')}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      "require-trusted-types-for 'script'; trusted-types 'none'; report-uri /violations",
    ].join('; ');
  }
}

function say(socket: WebSocket, frame: ServerFrame): void {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
}
