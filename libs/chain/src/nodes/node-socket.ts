import { Logger } from '@nestjs/common';
import { backoffMs, type Clock } from '@droppio/tips';
import { WebSocket, type RawData } from 'ws';
import * as z from 'zod';
import type { HeadMetrics } from './head-metrics.js';

/** Why a subscription ended. `behind`: open and silent while others told of newer blocks. */
export type SocketEnd = 'refused' | 'closed' | 'no-pong' | 'no-answer' | 'behind' | 'wrong-chain' | 'stopped';

export interface SocketTarget {
  readonly url: string;
  /** Bounded label for logs and metrics. */
  readonly name: string;
  readonly chainId: number;
  /** Default 10 s; whoever does not answer within half of it is let go. */
  readonly pingEveryMs?: number;
}

export interface SocketEars {
  /** What the subscription told, unchecked. False: it makes no sense, and proves nothing about the connection. */
  told(result: unknown, receivedAtMs: number): boolean;
  /** Subscribed (again): whatever happened before is a gap. */
  subscribed(): void;
}

const HANDSHAKE_MS = 5000;
const ANSWER_MS = 5000;
const PING_EVERY_MS = 10_000;
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
const RECONNECT = { baseMs: 250, capMs: 15_000 };
const LEAST_PAUSE_MS = 50;
const WRONG_CHAIN_PAUSE_MS = 60_000;

const message = z.union([
  z.object({ method: z.literal('eth_subscription'), params: z.object({ result: z.unknown() }) }),
  z.object({ id: z.number(), result: z.string() }),
  z.object({ id: z.number(), error: z.unknown() }),
]);

/** Keeps one subscription alive for ever: passes on what it tells, and comes back after whatever ends it. */
export class NodeSocket {
  private readonly logger = new Logger('chain');
  private end: ((reason: SocketEnd) => void) | undefined;
  private failures = 0;
  private isSubscribed = false;

  constructor(
    private readonly target: SocketTarget,
    /** Of `eth_subscribe`. */
    private readonly params: readonly unknown[],
    private readonly ears: SocketEars,
    private readonly clock: Clock,
    private readonly metrics: HeadMetrics,
  ) {}

  get isHealthy(): boolean {
    return this.isSubscribed;
  }

  /** Runs until `signal` aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = (): void => this.end?.('stopped');
    signal.addEventListener('abort', stop, { once: true });
    while (!signal.aborted) {
      const reason = await this.session();
      if (reason === 'stopped') break;
      this.metrics.socketEnded(this.target.name, reason);
      this.logger.warn('ws.ended', { endpoint: this.target.name, reason, failures: this.failures });
      const pause = reason === 'wrong-chain' ? WRONG_CHAIN_PAUSE_MS : LEAST_PAUSE_MS + backoffMs(this.failures, RECONNECT);
      this.failures += 1;
      await this.clock.sleep(pause, signal);
    }
    signal.removeEventListener('abort', stop);
  }

  /** Others know more: this socket is open and useless. */
  drop(): void {
    this.end?.('behind');
  }

  private async session(): Promise<SocketEnd> {
    const socket = new WebSocket(this.target.url, {
      handshakeTimeout: HANDSHAKE_MS,
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
    });
    const timers = new Set<ReturnType<typeof setTimeout>>();
    const reason = await new Promise<SocketEnd>((resolve) => {
      this.end = resolve;
      const expect = (ms: number, otherwise: SocketEnd): ReturnType<typeof setTimeout> => {
        const timer = setTimeout(resolve, ms, otherwise);
        timers.add(timer);
        return timer;
      };
      socket.on('error', () => {
        // A close always follows; the reason is decided there or was already.
        resolve('refused');
      });
      socket.on('close', () => {
        resolve('closed');
      });
      socket.once('open', () => {
        this.subscribe(socket);
        const answer = expect(ANSWER_MS, 'no-answer');
        socket.on('message', (data) => {
          this.hear(data, answer);
        });
        timers.add(this.keepAlive(socket, expect));
      });
    });
    for (const timer of timers) clearTimeout(timer);
    this.end = undefined;
    this.isSubscribed = false;
    // The error that terminating a connecting socket emits has nobody to go to.
    socket
      .removeAllListeners()
      .on('error', () => undefined)
      .terminate();
    return reason;
  }

  private subscribe(socket: WebSocket): void {
    const ask = (id: number, method: string, params: readonly unknown[]): void => {
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    };
    ask(1, 'eth_chainId', []);
    ask(2, 'eth_subscribe', this.params);
  }

  private keepAlive(
    socket: WebSocket,
    expect: (ms: number, otherwise: SocketEnd) => ReturnType<typeof setTimeout>,
  ): ReturnType<typeof setTimeout> {
    const { pingEveryMs = PING_EVERY_MS } = this.target;
    let pong: ReturnType<typeof setTimeout> | undefined;
    socket.on('pong', () => {
      clearTimeout(pong);
    });
    return setInterval(() => {
      pong = expect(pingEveryMs / 2, 'no-pong');
      socket.ping();
    }, pingEveryMs);
  }

  private hear(data: RawData, answer: ReturnType<typeof setTimeout>): void {
    const receivedAtMs = this.clock.now();
    const parsed = message.safeParse(readJson(data));
    // What is neither an answer nor a notification is none of ours; silence is noticed by its effect.
    if (!parsed.success) return;
    if ('method' in parsed.data) {
      if (this.ears.told(parsed.data.params.result, receivedAtMs)) this.failures = 0;
      return;
    }
    if (parsed.data.id === 1) this.checkChain('result' in parsed.data ? parsed.data.result : undefined);
    if (parsed.data.id === 2) {
      clearTimeout(answer);
      this.settle('result' in parsed.data);
    }
  }

  private checkChain(answer: string | undefined): void {
    if (answer === undefined || Number(answer) === this.target.chainId) return;
    this.logger.error('ws.wrong-chain', { endpoint: this.target.name, chainId: this.target.chainId, served: Number(answer) });
    this.end?.('wrong-chain');
  }

  private settle(isSubscribed: boolean): void {
    if (!isSubscribed) {
      this.end?.('refused');
      return;
    }
    this.isSubscribed = true;
    this.logger.log('ws.subscribed', { endpoint: this.target.name });
    this.ears.subscribed();
  }
}

function readJson(data: RawData): unknown {
  try {
    const bytes = Buffer.isBuffer(data) ? data : Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
