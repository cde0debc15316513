import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import { Controller, Get, Options, Req, Res } from '@nestjs/common';
import { CloseCode } from '@droppio/protocol';
import { EventStreamLink } from './event-stream-link.js';
import { SocketMetrics } from './metrics.js';
import { OverlaySession, type Credentials } from './overlay-session.js';
import { credentialsOf, NETWORK_RETRY_MS } from './overlay.gateway.js';
import { SessionHost } from './session-host.js';
import { UpgradeGate } from './upgrade-gate.js';

const CLOSE_TIMEOUT_MS = 5000;

/**
 * The same stream over plain HTTP, for networks that break WebSockets: frames as `data`, places as ids, so that a browser's EventSource
 * resumes by itself. Token: `Authorization: Bearer` or `?token=`; place: `Last-Event-ID` or `?epoch=&seq=`.
 */
@Controller('overlay/events')
export class EventStreamController {
  constructor(
    private readonly host: SessionHost,
    private readonly gate: UpgradeGate,
    private readonly metrics: SocketMetrics,
  ) {}

  @Options()
  preflight(@Req() request: IncomingMessage, @Res() response: ServerResponse): void {
    this.allow(request, response);
    response.writeHead(204, { 'Access-Control-Allow-Headers': 'authorization, last-event-id', 'Access-Control-Max-Age': '86400' }).end();
  }

  @Get()
  stream(@Req() request: IncomingMessage, @Res() response: ServerResponse): void {
    response.on('error', () => undefined);
    this.allow(request, response);
    const verdict = this.gate.judge(request);
    this.metrics.upgrades.inc({ result: verdict.kind === 'refused' ? verdict.result : 'accepted', transport: 'sse' });
    if (verdict.kind === 'refused') {
      const { status, retryAfterSeconds, why } = verdict;
      response.writeHead(status, STATUS_CODES[status], {
        'Content-Type': 'text/plain; charset=utf-8',
        'Retry-After': String(retryAfterSeconds),
      });
      response.end(why);
      return;
    }
    this.seat(new EventStreamLink(response), verdict.network, credentialsIn(request), response);
  }

  private seat(link: EventStreamLink, network: string, credentials: Credentials | undefined, response: ServerResponse): void {
    const session = new OverlaySession(link, network, this.host);
    response.once('close', () => {
      session.closed(1000);
    });
    // A client that never reads the end of its stream would hold its socket for ever.
    response.once('prefinish', () => setTimeout(() => response.destroy(), CLOSE_TIMEOUT_MS).unref());
    const isWelcome = this.host.roster.enter(session);
    if (credentials === undefined) session.close(CloseCode.badToken, 'no token');
    else if (!isWelcome) session.close(CloseCode.tooManyFromNetwork, 'too many from this network', NETWORK_RETRY_MS);
    else session.open(credentials);
  }

  /** Nothing here rides on cookies, so any page may read it that has a token, unless origins are limited. */
  private allow(request: IncomingMessage, response: ServerResponse): void {
    const { allowedOrigins } = this.host.settings;
    const { origin } = request.headers;
    if (allowedOrigins.length === 0) response.setHeader('Access-Control-Allow-Origin', '*');
    else if (origin !== undefined && allowedOrigins.includes(origin)) response.setHeader('Access-Control-Allow-Origin', origin);
  }
}

function credentialsIn({ url = '', headers }: IncomingMessage): Credentials | undefined {
  const query = new URLSearchParams(url.split('?', 2)[1]);
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
