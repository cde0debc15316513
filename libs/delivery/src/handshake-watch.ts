import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { TimingWheel, type WheelEntry } from './timing-wheel.js';

const FIRST_REQUEST_MS = 5000;
/** The same where too many have not asked for anything yet. A herd comes within one turn of the loop, its requests with the next. */
const HURRIED_MS = 1000;
const TICK_MS = 500;

class Newcomer implements WheelEntry {
  slot: Set<WheelEntry> | undefined;
  private readonly cameAt: number;

  constructor(
    private readonly socket: Socket,
    private readonly wheel: TimingWheel,
    private readonly forget: () => void,
  ) {
    this.cameAt = wheel.awakeMs;
    wheel.schedule(this, FIRST_REQUEST_MS);
    socket.once('close', this.rest);
  }

  onDue(): undefined {
    this.rest();
    this.socket.destroy();
  }

  giveWay(): void {
    if (this.wheel.awakeMs - this.cameAt >= HURRIED_MS) this.onDue();
  }

  /** It has spoken, or it is gone; either way nothing of this stays with the socket. */
  readonly rest = (): void => {
    this.forget();
    this.wheel.cancel(this);
    this.socket.off('close', this.rest);
  };
}

export interface ConnectionLimits {
  /** How long a connection may be of no use. */
  readonly idleMs: number;
  /** Connections in all. More are dropped without a word: an answer would need what there is too little of. */
  readonly most: number;
  /** Of those, how many may not have asked for anything yet; for one more the oldest goes, if it had a second. */
  readonly silent: number;
}

/**
 * Ends connections on which nothing moves, either way, for `idleMs`: whoever asks and never reads the answer would keep its place, which
 * nobody counts, for ever. A WebSocket is left alone, it has a session that looks after it.
 *
 * Gives a connection 5 s for the whole head of its first request. Node has `headersTimeout`, but looks at it every 30 s only, and that
 * interval cannot be changed on a server that somebody else made.
 */
export class HandshakeWatch {
  private readonly wheel = new TimingWheel(TICK_MS);
  /** In the order of arrival. */
  private readonly newcomers = new Map<Socket, Newcomer>();

  constructor(
    private readonly server: Server,
    private readonly limits: ConnectionLimits,
    private readonly onDrop: () => void = () => undefined,
  ) {
    server.maxConnections = limits.most;
    server.setTimeout(limits.idleMs);
    server.headersTimeout = FIRST_REQUEST_MS;
    server.requestTimeout = FIRST_REQUEST_MS;
    server.on('connection', this.came);
    server.on('request', this.spoke);
    server.on('upgrade', this.spoke);
    server.on('drop', this.onDrop);
  }

  stop(): void {
    this.server.off('connection', this.came);
    this.server.off('request', this.spoke);
    this.server.off('upgrade', this.spoke);
    this.server.off('drop', this.onDrop);
    this.wheel.stop();
  }

  private readonly came = (socket: Socket): void => {
    if (this.newcomers.size >= this.limits.silent) this.newcomers.values().next().value?.giveWay();
    const newcomer = new Newcomer(socket, this.wheel, () => this.newcomers.delete(socket));
    this.newcomers.set(socket, newcomer);
  };

  private readonly spoke = ({ socket }: IncomingMessage): void => {
    this.newcomers.get(socket)?.rest();
  };
}
