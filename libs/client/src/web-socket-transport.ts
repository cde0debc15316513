import { parseServerFrame, PROTOCOL, readCloseReason, type AuthFrame } from '@droppio/protocol';
import type { LinkListener, Transport, TransportLink } from './transport.js';

/** What is used of a WebSocket: browsers have it, Node has it from 22 on, and the `ws` package's fits too. */
export interface WebSocketLike {
  readonly readyState: number;
  send(text: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { code: number; reason: string }) => void): void;
  addEventListener(type: 'error', listener: () => void): void;
}
export type WebSocketConstructor = new (url: string, protocol: string) => WebSocketLike;

const OPEN = 1;
const NO_WORD = 1006;

/** Presents the token in the first frame, after the server's hello: never in the URL, where proxies write it down. */
export class WebSocketTransport implements Transport {
  readonly name = 'websocket';
  private readonly WebSocket: WebSocketConstructor;

  /** `url`: `ws(s)://host/overlay`. Throws `TypeError` where there is no WebSocket and none was given. */
  constructor(
    private readonly url: string,
    webSocket?: WebSocketConstructor,
  ) {
    if (webSocket === undefined && typeof globalThis.WebSocket !== 'function') {
      throw new TypeError('this runtime has no WebSocket of its own: pass a constructor, for instance that of the ws package');
    }
    this.WebSocket = webSocket ?? globalThis.WebSocket;
  }

  open(auth: () => AuthFrame, listener: LinkListener): TransportLink {
    try {
      return new WebSocketLink(new this.WebSocket(this.url, PROTOCOL), auth, listener);
    } catch (error) {
      // A malformed URL throws; told later, because `open` must return before its listener hears of it.
      queueMicrotask(() => {
        listener.closed({ code: NO_WORD, why: error instanceof Error ? error.name : 'no socket' });
      });
      return { send: () => undefined, close: () => undefined };
    }
  }
}

class WebSocketLink implements TransportLink {
  private over = false;

  constructor(
    private readonly socket: WebSocketLike,
    auth: () => AuthFrame,
    listener: LinkListener,
  ) {
    socket.addEventListener('message', ({ data }) => {
      if (this.over || typeof data !== 'string') return;
      const frame = parseServerFrame(data);
      if (frame === undefined) return;
      if (frame.op === 'hello') this.send(auth());
      listener.frame(frame);
    });
    socket.addEventListener('close', ({ code, reason }) => {
      if (this.over) return;
      this.over = true;
      listener.closed({ code, ...readCloseReason(reason) });
    });
    // Every error is followed by a close; the listener exists because `ws` throws without one.
    socket.addEventListener('error', () => undefined);
  }

  send(frame: Parameters<TransportLink['send']>[0]): void {
    if (!this.over && this.socket.readyState === OPEN) this.socket.send(JSON.stringify(frame));
  }

  close(code: number, why: string): void {
    if (this.over) return;
    this.over = true;
    this.socket.close(code, why);
  }
}
