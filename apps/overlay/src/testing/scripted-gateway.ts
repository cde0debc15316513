import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { extname, join, normalize } from 'node:path';
import {
  parseClientFrame,
  WIDGET_PATH,
  type AuthFrame,
  type EventFrame,
  type ServerFrame,
  type ShownFrame,
  type WidgetAnswer,
} from '@droppio/protocol';
import type { ConfigDocument, FeedPosition } from '@droppio/tips';
import { WebSocket, WebSocketServer } from 'ws';
import { servedPolicy, strictPolicy } from './page-policy.js';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
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
  /** As real gateways do: says in `ready` what time it is. */
  tellsTime = false;
  readonly requests: string[] = [];
  /** The addresses at which sockets were opened. */
  readonly sockets: string[] = [];
  config: ConfigDocument & Record<string, unknown> = { schemaVersion: 1, durationMs: 2000 };
  epoch = 'e1';
  /** Answer to the next tokens presented, instead of `ready`. */
  refuseWith: number | undefined;
  /** The page comes with the policy of the real servers, and not with a stricter one that it needs no exceptions from. */
  allowsCustomCss = false;
  /** As in a network that breaks WebSockets: only streams of events get through. */
  breaksSockets = false;
  /** What the API beside it answers to a page that asks for its widget: an answer, or a status. */
  widget: (after: FeedPosition, of: { readonly epoch: string; readonly seq: number }) => WidgetAnswer | number = () => 404;
  readonly widgetAsked: string[] = [];
  private readonly log: EventFrame[] = [];
  private readonly http = createServer((request, response) => {
    void this.serve(request, response);
  });
  private readonly server = new WebSocketServer({ noServer: true });
  private readonly admitted = new Set<Say>();

  constructor(private readonly pageFolder: string) {
    this.http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (this.breaksSockets || request.url?.split('?')[0] !== '/overlay') socket.destroy();
      else this.upgrade(request, socket, head);
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
    for (const say of this.admitted) say(frame);
    return frame.seq;
  }

  cut(): void {
    for (const socket of this.server.clients) socket.terminate();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => {
      this.http.close(resolve);
      this.http.closeAllConnections();
    });
  }

  private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.sockets.push(request.url ?? '');
    this.server.handleUpgrade(request, socket, head, (client) => {
      this.greet(client);
    });
  }

  private greet(socket: WebSocket): void {
    const say: Say = (frame) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
    };
    socket.on('message', (data: Buffer) => {
      const frame = parseClientFrame(data.toString());
      if (frame?.op === 'auth' && this.refuseWith !== undefined) {
        this.auths.push(frame);
        socket.close(this.refuseWith);
      } else if (frame?.op === 'auth') this.admit(say, frame);
      if (frame?.op === 'shown') this.shown.push(frame);
    });
    socket.on('close', () => this.admitted.delete(say));
    say({ op: 'hello', v: 1, sid: 'scripted', pingMs: 25_000 });
  }

  private stream({ url = '', headers }: IncomingMessage, response: ServerResponse): void {
    const query = new URLSearchParams(url.split('?')[1]);
    const say: Say = (frame) => response.write(`data: ${JSON.stringify(frame)}\n\n`);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.on('close', () => this.admitted.delete(say));
    say({ op: 'hello', v: 1, sid: 'scripted', pingMs: 25_000 });
    if (this.refuseWith !== undefined) {
      response.end(`event: close\ndata: {"code":${String(this.refuseWith)},"reason":{}}\n\n`);
      return;
    }
    const epoch = query.get('epoch');
    const cursor = epoch === null ? {} : { cursor: { epoch, seq: Number(query.get('seq')) } };
    this.admit(say, { op: 'auth', token: headers.authorization?.replace('Bearer ', '') ?? '', ...cursor });
  }

  private admit(say: Say, auth: AuthFrame): void {
    this.auths.push(auth);
    const head = this.log.length;
    const known = auth.cursor?.epoch === this.epoch ? auth.cursor.seq : undefined;
    const after = known ?? head;
    say({
      op: 'ready',
      epoch: this.epoch,
      head,
      from: after + 1,
      recovered: true,
      config: this.config,
      ...(this.tellsTime && { now: Date.now() }),
    });
    this.admitted.add(say);
    for (const frame of this.log.slice(after)) say({ ...frame, replay: true });
  }

  private answerWidget({ url = '', headers }: IncomingMessage, response: ServerResponse): void {
    this.widgetAsked.push(headers.authorization ?? 'nobody');
    const [epoch = '', seq = ''] = (new URLSearchParams(url.split('?')[1]).get('after') ?? '').split('.');
    const answer = this.widget({ epoch, seq: Number(seq) }, { epoch: this.epoch, seq: this.log.length });
    if (typeof answer === 'number') response.writeHead(answer).end();
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests.push(request.url ?? '');
    if (request.url === '/violations') {
      for await (const part of request) this.violations.push(String(part));
      response.writeHead(204).end();
      return;
    }
    if (request.url?.startsWith('/overlay/events') === true) {
      this.stream(request, response);
      return;
    }
    if (request.url?.startsWith(WIDGET_PATH) === true) {
      this.answerWidget(request, response);
      return;
    }
    const path = normalize((request.url ?? '/').replace(/^\/overlay\//, '/').replace(/\?.*$/, ''));
    const file = join(this.pageFolder, path === '/' ? 'index.html' : path);
    try {
      const content = await readFile(file);
      const policy = this.allowsCustomCss ? servedPolicy(this.origin) : strictPolicy(this.origin);
      response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'text/plain', 'content-security-policy': policy });
      response.end(content);
    } catch {
      response.writeHead(404).end();
    }
  }
}

/** To one page, whatever carries it. */
type Say = (frame: ServerFrame) => void;
