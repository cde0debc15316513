import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import { Injectable, type INestApplication } from '@nestjs/common';
import { CloseCode, EVENTS_PATH, POLL_PATH } from '@droppio/protocol';
import { EventStreamLink } from './event-stream-link.js';
import { LongPollLink } from './long-poll-link.js';
import { SocketMetrics } from './metrics.js';
import type { OverlayLink, TransportName } from './overlay-link.js';
import { OverlaySession, type Credentials } from './overlay-session.js';
import { credentialsOf, isPreview, NETWORK_RETRY_MS } from './overlay.gateway.js';
import { SessionHost } from './session-host.js';
import { UpgradeGate } from './upgrade-gate.js';

const CLOSE_TIMEOUT_MS = 5000;
const GATEWAY_PATH = '/overlay';
/** A poll opens nothing that stays, so it counts as a part of a newcomer. */
const POLL_WEIGHT = 0.25;

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * The ways in for whoever cannot open a WebSocket, with the same checks and limits. Token: `Authorization: Bearer` or `?token=`; place in
 * the stream: `Last-Event-ID` or `?epoch=&seq=`.
 *
 * `/overlay/events`: a stream that does not end, frames as `data`, places as ids, so that a browser's EventSource resumes by itself.
 * `/overlay/poll`: one answer with the frames that a socket would have got: at once when there is something after the caller's place, else
 * as soon as there is, or after `?wait=` milliseconds without.
 */
@Injectable()
export class HttpDoor {
  constructor(
    private readonly host: SessionHost,
    private readonly gate: UpgradeGate,
    private readonly metrics: SocketMetrics,
  ) {}

  /** Before the app's routes, whose guards and measures are for others. */
  attach(app: INestApplication): void {
    this.serve(app, EVENTS_PATH, (request, response) => {
      const network = this.letIn(request, response, 'sse');
      if (network !== undefined) this.seat(new EventStreamLink(response), network, request, response);
    });
    this.serve(app, POLL_PATH, (request, response) => {
      const network = this.letIn(request, response, 'poll', POLL_WEIGHT);
      if (network !== undefined) this.seat(new LongPollLink(response, this.waitOf(request)), network, request, response);
    });
  }

  private serve(app: INestApplication, path: string, handle: Handler): void {
    app.use(GATEWAY_PATH + path, (request: IncomingMessage, response: ServerResponse, next: () => void) => {
      // Of the path only what comes after ours is left in the URL.
      if (!/^\/?(\?|$)/.test(request.url ?? '')) next();
      else if (request.method === 'GET') handle(request, response);
      else if (request.method === 'OPTIONS') this.preflight(request, response);
      else response.writeHead(405, { Allow: 'GET, OPTIONS' }).end();
    });
  }

  private waitOf(request: IncomingMessage): number {
    const { pollMs } = this.host.settings;
    const asked = queryOf(request).get('wait');
    return asked !== null && /^\d{1,6}$/.test(asked) ? Math.min(pollMs, Number(asked)) : pollMs;
  }

  private preflight(request: IncomingMessage, response: ServerResponse): void {
    this.allow(request, response);
    response.writeHead(204, { 'Access-Control-Allow-Headers': 'authorization, last-event-id', 'Access-Control-Max-Age': '86400' }).end();
  }

  /** The caller's network; `undefined` when it was sent away, with an answer. `weight`: what it counts against the rates of newcomers. */
  private letIn(request: IncomingMessage, response: ServerResponse, transport: TransportName, weight = 1): string | undefined {
    response.on('error', () => undefined);
    if (response.socket === null) {
      // Sent without waiting for the answer to the request before it: until that ends, nothing would tell us that the caller has gone.
      this.metrics.upgrades.inc({ result: 'pipelined', transport });
      request.socket.destroy();
      return undefined;
    }
    this.allow(request, response);
    const verdict = this.gate.judge(request, weight);
    this.metrics.upgrades.inc({ result: verdict.kind === 'refused' ? verdict.result : 'accepted', transport });
    if (verdict.kind === 'let-in') return verdict.network;
    const { status, retryAfterSeconds, why } = verdict;
    // What keeps a connection would come back to the same process.
    response.writeHead(status, STATUS_CODES[status], {
      'Content-Type': 'text/plain; charset=utf-8',
      'Retry-After': String(retryAfterSeconds),
      Connection: 'close',
    });
    response.end(why);
    return undefined;
  }

  private seat(link: OverlayLink, network: string, request: IncomingMessage, response: ServerResponse): void {
    const session = new OverlaySession(link, network, this.host, isPreview(queryOf(request)));
    let late: NodeJS.Timeout | undefined;
    // A client that never reads the end of its answer would hold its socket for ever.
    response.once('prefinish', () => {
      late = setTimeout(() => response.destroy(), CLOSE_TIMEOUT_MS).unref();
    });
    response.once('close', () => {
      clearTimeout(late);
      session.closed(1000);
    });
    const isWelcome = this.host.roster.enter(session);
    const credentials = credentialsIn(request);
    if (credentials === undefined) session.close(CloseCode.badToken, 'no token');
    else if (!isWelcome) session.close(CloseCode.tooManyFromNetwork, 'too many from this network', NETWORK_RETRY_MS);
    else session.open(credentials);
  }

  /** Nothing here rides on cookies, so any page may read it that has a token, unless origins are limited. */
  private allow(request: IncomingMessage, response: ServerResponse): void {
    const { allowedOrigins } = this.host.settings;
    const { origin } = request.headers;
    response.setHeader('Access-Control-Expose-Headers', 'retry-after');
    if (allowedOrigins.length === 0) response.setHeader('Access-Control-Allow-Origin', '*');
    else {
      response.setHeader('Vary', 'Origin');
      if (origin !== undefined && allowedOrigins.includes(origin)) response.setHeader('Access-Control-Allow-Origin', origin);
    }
  }
}

const queryOf = ({ url = '' }: IncomingMessage): URLSearchParams => new URLSearchParams(url.split('?', 2)[1]);

function credentialsIn(request: IncomingMessage): Credentials | undefined {
  const { headers } = request;
  const query = queryOf(request);
  const [, bearer] = /^Bearer (\S+)$/i.exec(headers.authorization ?? '') ?? [];
  if (bearer !== undefined) query.set('token', bearer);
  // What the browser brings back is newer than what the page wrote into the URL.
  const [, epoch, seq] = /^(.{1,32})\.(\d{1,16})$/.exec(String(headers['last-event-id'] ?? '')) ?? [];
  if (epoch !== undefined && seq !== undefined) {
    query.set('epoch', epoch);
    query.set('seq', seq);
  }
  return credentialsOf(query);
}
