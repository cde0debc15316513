import { setTimeout as sleep } from 'node:timers/promises';
import { parseServerFrame, PROTOCOL, readCloseReason, type EventFrame, type ReadyFrame, type ServerFrame } from '@droppio/protocol';
import { WebSocket, type ClientOptions } from 'ws';

export interface Ending {
  readonly code: number;
  readonly why?: string;
  readonly retryMs?: number;
}

/** A client that does only what it is told, and remembers everything it was sent. */
export class OverlayClient {
  readonly frames: ServerFrame[] = [];
  readonly socket: WebSocket;
  ending: Ending | undefined;
  private readonly watchers = new Set<() => void>();

  constructor(url: string, options: ClientOptions & { protocols?: string[] } = {}) {
    const { protocols = [PROTOCOL], ...rest } = options;
    this.socket = new WebSocket(url, protocols, rest);
    this.socket.on('message', (data: Buffer) => {
      const frame = parseServerFrame(data.toString('utf8'));
      if (frame === undefined) throw new Error(`not a frame: ${data.toString('utf8')}`);
      this.frames.push(frame);
      if (frame.op === 'ping' && this.pongs) this.send({ op: 'pong' });
      this.look();
    });
    this.socket.on('close', (code, reason) => {
      this.ending = { code, ...readCloseReason(reason.toString('utf8')) };
      this.look();
    });
    this.socket.on('error', () => undefined);
  }

  pongs = true;

  static async admitted(url: string, token: string, cursor?: { epoch: string; seq: number }): Promise<OverlayClient> {
    const client = new OverlayClient(url);
    await client.opened();
    client.auth(token, cursor);
    await client.ready();
    return client;
  }

  get events(): readonly EventFrame[] {
    return this.frames.filter((frame) => frame.op === 'event');
  }

  get seqs(): readonly number[] {
    return this.events.map((frame) => frame.seq);
  }

  send(frame: unknown): void {
    this.socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  auth(token: string, cursor?: { epoch: string; seq: number }): void {
    this.send({ op: 'auth', token, client: 'test/1', ...(cursor === undefined ? {} : { cursor }) });
  }

  async opened(): Promise<void> {
    await this.until(() => this.frames.find((frame) => frame.op === 'hello'), 'hello');
  }

  ready(): Promise<ReadyFrame> {
    return this.until(() => this.frames.find((frame) => frame.op === 'ready'), 'ready');
  }

  /** All events up to this seq have come. */
  async caughtUp(seq: number): Promise<void> {
    await this.until(() => this.seqs.includes(seq), `event ${String(seq)}`);
  }

  ended(): Promise<Ending> {
    return this.until(() => this.ending, 'the end');
  }

  /** Resolves as soon as the check gives something. */
  async until<T>(check: () => T | undefined | false, what: string, ms = 10_000): Promise<T> {
    const late = new AbortController();
    const deadline = sleep(ms, undefined, { signal: late.signal }).catch(() => undefined);
    try {
      for (;;) {
        const found = check();
        if (found !== undefined && found !== false) return found;
        const word = new Promise<'word'>((resolve) => {
          const watcher = (): void => {
            this.watchers.delete(watcher);
            resolve('word');
          };
          this.watchers.add(watcher);
        });
        if (this.ending !== undefined || (await Promise.race([word, deadline])) !== 'word') {
          throw new Error(`no ${what}; got ${JSON.stringify(this.frames.slice(-5))}, ending ${JSON.stringify(this.ending)}`);
        }
      }
    } finally {
      late.abort();
    }
  }

  async close(): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    this.socket.close(1000);
    await this.ended();
  }

  private look(): void {
    for (const watcher of [...this.watchers]) watcher();
  }
}
