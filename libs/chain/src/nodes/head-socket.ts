import type { BlockHeader, Clock } from '@droppio/tips';
import type { HeadMetrics } from './head-metrics.js';
import { NodeSocket, type SocketTarget } from './node-socket.js';
import { parseHead } from './rpc-answer.js';

export interface HeadEars {
  head(head: BlockHeader, receivedAtMs: number): void;
  /** Subscribed (again): whatever happened before is a gap. */
  subscribed(): void;
}

/** A subscription to new heads that is kept alive for ever, and what it has told so far. */
export class HeadSocket {
  private readonly socket: NodeSocket;
  private lastNumber = -1;
  private raisedAtMs = 0;

  constructor(
    target: SocketTarget,
    ears: HeadEars,
    private readonly clock: Clock,
    metrics: HeadMetrics,
  ) {
    const told = (result: unknown, receivedAtMs: number): boolean => {
      const head = parseHead(result);
      if (head === undefined) return false;
      if (head.number > this.lastNumber) {
        this.lastNumber = head.number;
        this.raisedAtMs = receivedAtMs;
      }
      ears.head(head, receivedAtMs);
      return true;
    };
    const subscribed = (): void => {
      this.lastNumber = -1;
      this.raisedAtMs = clock.now();
      ears.subscribed();
    };
    this.socket = new NodeSocket(target, ['newHeads'], { told, subscribed }, clock, metrics);
  }

  get isHealthy(): boolean {
    return this.socket.isHealthy;
  }

  /** Highest block it has pushed since it was subscribed, or the one it started at; -1 while neither is known. */
  get newest(): number {
    return this.lastNumber;
  }

  /** How long it has told of nothing new. */
  get silentMs(): number {
    return this.clock.now() - this.raisedAtMs;
  }

  /** Runs until `signal` aborts; never rejects. */
  run(signal: AbortSignal): Promise<void> {
    return this.socket.run(signal);
  }

  startsAt(number: number): void {
    if (this.lastNumber < 0) this.lastNumber = number;
  }

  /** Others know newer blocks: this socket is open and useless. */
  drop(): void {
    this.socket.drop();
  }
}
