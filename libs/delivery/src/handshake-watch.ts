import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { TimingWheel, type WheelEntry } from './timing-wheel.js';

const FIRST_REQUEST_MS = 5000;
const TICK_MS = 500;

class Newcomer implements WheelEntry {
  slot: Set<WheelEntry> | undefined;

  constructor(
    private readonly socket: Socket,
    private readonly wheel: TimingWheel,
  ) {
    wheel.schedule(this, FIRST_REQUEST_MS);
    socket.once('close', this.rest);
  }

  onDue(): undefined {
    this.socket.destroy();
  }

  /** It has spoken, or it is gone; either way nothing of this stays with the socket. */
  readonly rest = (): void => {
    this.wheel.cancel(this);
    this.socket.off('close', this.rest);
  };
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
  private readonly newcomers = new WeakMap<object, Newcomer>();

  constructor(
    private readonly server: Server,
    idleMs: number,
  ) {
    server.setTimeout(idleMs);
    server.headersTimeout = FIRST_REQUEST_MS;
    server.requestTimeout = FIRST_REQUEST_MS;
    server.on('connection', this.came);
    server.on('request', this.spoke);
    server.on('upgrade', this.spoke);
  }

  stop(): void {
    this.server.off('connection', this.came);
    this.server.off('request', this.spoke);
    this.server.off('upgrade', this.spoke);
    this.wheel.stop();
  }

  private readonly came = (socket: Socket): void => {
    this.newcomers.set(socket, new Newcomer(socket, this.wheel));
  };

  private readonly spoke = ({ socket }: IncomingMessage): void => {
    this.newcomers.get(socket)?.rest();
    this.newcomers.delete(socket);
  };
}
