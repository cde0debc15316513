import type { ServerResponse } from 'node:http';
import { mayReconnect } from '@droppio/protocol';
import type { FrameBatch } from './frame-batch.js';
import type { OverlayLink } from './overlay-link.js';

/** Without an order from us a browser comes back after this long. */
const RETRY_MS = 3000;

/** One way to a client that cannot open a WebSocket: a response that never ends. */
export class EventStreamLink implements OverlayLink {
  readonly transport = 'sse';

  constructor(private readonly response: ServerResponse) {
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      // Proxies that gather before they send would hold every alert back.
      'X-Accel-Buffering': 'no',
    });
    response.write(`retry: ${String(RETRY_MS)}\n\n`);
  }

  get queuedBytes(): number {
    return this.response.writableLength;
  }

  write(batch: FrameBatch): void {
    if (!this.response.writableEnded) this.response.write(batch.eventStream);
  }

  /** As an event, since HTTP has no close frame: `close`, with the code and reason that a WebSocket would have got. */
  close(code: number, reason: string): void {
    if (this.response.writableEnded) return;
    const retryMs = /"retryMs":(\d+)/.exec(reason)?.[1];
    const retry = mayReconnect(code) && retryMs !== undefined ? `retry: ${retryMs}\n` : '';
    this.response.end(`${retry}event: close\ndata: {"code":${String(code)},"reason":${reason}}\n\n`);
  }
}
