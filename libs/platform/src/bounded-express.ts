import { createServer, type RequestListener } from 'node:http';
import { Logger } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';

/** For the head of a request. */
const HEADERS_MS = 5000;
/** For a request as a whole, 2 MB over a slow line included. */
const REQUEST_MS = 60_000;
const LOOK_EVERY_MS = 1000;
const COMPLAIN_EVERY_MS = 60_000;

/**
 * Express on a server with so many connections and no more, which does not wait for whoever dawdles. Node has the deadlines, but looks at them
 * every 30 s only, and that can be told to a server only by who makes it.
 */
export class BoundedExpress extends ExpressAdapter {
  private readonly log = new Logger('platform');
  private dropped = 0;
  private complainedAtMs = -Infinity;

  /** `requestMs`: for a request as a whole. */
  constructor(
    private readonly maxConnections: number,
    private readonly requestMs = REQUEST_MS,
  ) {
    super();
  }

  override initHttpServer(): void {
    const patience = { headersTimeout: HEADERS_MS, requestTimeout: this.requestMs, connectionsCheckingInterval: LOOK_EVERY_MS };
    const server = createServer(patience, this.getInstance<RequestListener>());
    server.maxConnections = this.maxConnections;
    server.on('drop', () => {
      this.complain();
    });
    this.httpServer = server;
  }

  /** A flood must not fill the log, too. */
  private complain(): void {
    this.dropped += 1;
    if (performance.now() - this.complainedAtMs < COMPLAIN_EVERY_MS) return;
    this.complainedAtMs = performance.now();
    this.log.warn('connections.dropped', { dropped: this.dropped, maxConnections: this.maxConnections });
    this.dropped = 0;
  }
}
