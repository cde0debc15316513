import { STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { INestApplication } from '@nestjs/common';
import { WsAdapter } from '@nestjs/platform-ws';
import { CLIENT_FRAME_MAX_BYTES, PROTOCOL } from '@droppio/protocol';
import { WebSocketServer, type ServerOptions, type Server as WsServer } from 'ws';
import { DeliverySettings } from './delivery-settings.js';
import { HandshakeWatch } from './handshake-watch.js';
import { SocketMetrics } from './metrics.js';
import { OverlaySocket } from './overlay-link.js';
import { ADMISSION_MS } from './reception.js';
import { UpgradeGate } from './upgrade-gate.js';

const CLOSE_TIMEOUT_MS = 5000;
const FRAGMENTS_MAX = 16;
const CHUNKS_MAX = 64;
/** More than a session may send at once, so that a flood ends with a close code and not with a cut. */
const PENDING_PONGS_MAX = 32;
/** Connections beside the sockets, for refusals, pages and whoever has not asked for anything yet. */
const BESIDE_SOCKETS = 5000;
const SILENT_MAX = 1000;

type OverlayServer = WsServer<typeof OverlaySocket>;
/** Options that `ws` has and its types lack. */
interface OverlayServerOptions extends ServerOptions<typeof OverlaySocket> {
  readonly closeTimeout: number;
  readonly maxPendingAutoPongs: number;
}

/** An upgrade that was let in, with what the session needs to know of its request; the request itself is let go. */
export interface Arrival {
  readonly network: string;
  readonly query: URLSearchParams;
  /** A `droppio.` sub-protocol of another version was asked for. */
  readonly isForeignVersion: boolean;
}

/**
 * Nest's adapter without what it does per client: no RxJS pipeline, no `terminate()` at shutdown (a client would see 1006), and with the
 * checks that must come before a handshake. Express serves everything else on the same port, `GET /overlay/` included.
 */
export class OverlayWsAdapter extends WsAdapter {
  private readonly gate: UpgradeGate;
  private readonly metrics: SocketMetrics;
  private readonly settings: DeliverySettings;
  private readonly http: Server;
  private watch: HandshakeWatch | undefined;
  private undo: (() => void) | undefined;

  constructor(app: INestApplication) {
    super(app);
    this.gate = app.get(UpgradeGate);
    this.metrics = app.get(SocketMetrics);
    this.settings = app.get(DeliverySettings);
    this.http = httpServerOf(app);
  }

  override create(_port: number, options: { path?: string } = {}): OverlayServer {
    const settings: OverlayServerOptions = {
      noServer: true,
      WebSocket: OverlaySocket,
      perMessageDeflate: false,
      maxPayload: CLIENT_FRAME_MAX_BYTES,
      maxFragments: FRAGMENTS_MAX,
      maxBufferedChunks: CHUNKS_MAX,
      maxPendingAutoPongs: PENDING_PONGS_MAX,
      closeTimeout: CLOSE_TIMEOUT_MS,
      handleProtocols: chooseProtocol,
    };
    const server: OverlayServer = new WebSocketServer(settings);
    const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
      this.upgrade(server, options.path ?? '/', request, socket, head);
    };
    this.http.on('upgrade', upgrade);
    const limits = { idleMs: this.idleMs(), most: this.settings.maxSockets + BESIDE_SOCKETS, silent: SILENT_MAX };
    this.watch = new HandshakeWatch(this.http, limits, () => {
      this.metrics.upgrades.inc({ result: 'dropped', transport: 'none' });
    });
    this.undo = () => this.http.off('upgrade', upgrade);
    return server;
  }

  /** The session reads its socket itself. */
  override bindMessageHandlers(): void {
    return;
  }

  /** The session listens for the end of its socket itself. */
  override bindClientDisconnect(): void {
    return;
  }

  /** Comes after the drain: whoever is left has had its close frame and time to answer it. */
  override async close(server: OverlayServer): Promise<void> {
    this.undo?.();
    const closed = new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
    });
    for (const socket of server.clients) socket.terminate();
    await closed;
  }

  override async dispose(): Promise<void> {
    this.watch?.stop();
    await super.dispose();
  }

  /** Longer than any stream or poll is silent that is still to be answered. */
  private idleMs(): number {
    return ADMISSION_MS + 2 * Math.max(this.settings.pingMs, this.settings.pollMs);
  }

  private upgrade(server: OverlayServer, path: string, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Before anything else: a reset while we talk to it must not end the process.
    socket.on('error', ignore);
    const [pathname, query = ''] = (request.url ?? '/').split('?', 2);
    if (pathname !== path) {
      this.refuse(socket, 'not-found', 404, 'There are no sockets here.');
      return;
    }
    const verdict = this.gate.judge(request);
    if (verdict.kind === 'refused') {
      this.refuse(socket, verdict.result, verdict.status, verdict.why, verdict.retryAfterSeconds);
      return;
    }
    const outcome = { isAccepted: false };
    server.handleUpgrade(request, socket, head, (client) => {
      outcome.isAccepted = true;
      // An error is always followed by a close, and that is what the session hears.
      client.on('error', ignore);
      socket.off('error', ignore);
      this.metrics.upgrades.inc({ result: 'accepted', transport: 'websocket' });
      const isForeignVersion = client.protocol !== '' && client.protocol !== PROTOCOL;
      const arrival: Arrival = { network: verdict.network, query: new URLSearchParams(query), isForeignVersion };
      server.emit('connection', client, arrival);
    });
    // `ws` answers a malformed handshake itself and calls nobody.
    if (!outcome.isAccepted) this.metrics.upgrades.inc({ result: 'malformed', transport: 'websocket' });
  }

  private refuse(socket: Duplex, result: string, status: number, why: string, retryAfterSeconds = 0): void {
    this.metrics.upgrades.inc({ result, transport: 'websocket' });
    const lines = [
      `HTTP/1.1 ${String(status)} ${STATUS_CODES[status] ?? ''}`,
      'Connection: close',
      'Content-Type: text/plain; charset=utf-8',
      `Content-Length: ${String(Buffer.byteLength(why))}`,
      ...(retryAfterSeconds > 0 ? [`Retry-After: ${String(retryAfterSeconds)}`] : []),
    ];
    // Half-open sockets would outlive the answer.
    socket.once('finish', () => socket.destroy());
    socket.end(`${lines.join('\r\n')}\r\n\r\n${why}`);
  }
}

function ignore(): void {
  return;
}

/** Echoes our protocol; another version of it too, so that a browser gets to read the close code that says so. */
function chooseProtocol(offered: Set<string>): string | false {
  if (offered.has(PROTOCOL)) return PROTOCOL;
  return [...offered].find((name) => name.startsWith('droppio.')) ?? false;
}

function httpServerOf(app: INestApplication): Server {
  return app.getHttpServer() as Server;
}
