import { WebSocket, type RawData } from 'ws';
import type { FrameBatch } from './frame-batch.js';
import type { OverlaySession } from './overlay-session.js';

/** What carries frames to a client. Only a WebSocket carries frames back. */
export type TransportName = 'websocket' | 'sse' | 'poll';

/** The way to one client, whatever carries it. */
export interface OverlayLink {
  /** Bytes that were given to it and have not left the process. */
  readonly queuedBytes: number;
  readonly transport: TransportName;
  write(batch: FrameBatch): void;
  close(code: number, reason: string): void;
}

/** `ws` makes these for the server, so the session needs no map beside the socket and listeners need no closure per socket. */
export class OverlaySocket extends WebSocket implements OverlayLink {
  readonly transport = 'websocket';
  session: OverlaySession | undefined;

  /** From now on the session hears what comes in, and of the end. */
  carry(session: OverlaySession): void {
    this.session = session;
    this.on('message', onMessage).on('ping', onControl).on('pong', onControl).on('close', onClose);
  }

  get queuedBytes(): number {
    return this.bufferedAmount;
  }

  write(batch: FrameBatch): void {
    if (this.readyState !== WebSocket.OPEN) return;
    const wire = batch.wire;
    const sender = wire === undefined ? undefined : rawSender(this);
    if (wire === undefined || sender === undefined) for (const text of batch.texts) this.send(text);
    else sender.sendFrame([wire]);
  }
}

interface RawSender {
  sendFrame(list: readonly Buffer[]): void;
}

/** The way past `send`, which would build the frame's header anew for every socket; Socket.IO goes it as well. */
function rawSender(socket: WebSocket): RawSender | undefined {
  const sender: unknown = Reflect.get(socket, '_sender');
  return isRawSender(sender) ? sender : undefined;
}

function isRawSender(value: unknown): value is RawSender {
  return typeof value === 'object' && value !== null && 'sendFrame' in value && typeof value.sendFrame === 'function';
}

/* One function for all sockets each: a closure per socket and event would be a good part of what an idle socket costs. */

function sessionOf(socket: WebSocket): OverlaySession | undefined {
  return socket instanceof OverlaySocket ? socket.session : undefined;
}

function onMessage(this: WebSocket, data: RawData, isBinary: boolean): void {
  if (isBinary) sessionOf(this)?.receiveBinary();
  // Text comes as one buffer unless `binaryType` says otherwise.
  else if (Buffer.isBuffer(data)) sessionOf(this)?.receive(data.toString('utf8'));
}

function onControl(this: WebSocket): void {
  sessionOf(this)?.heard();
}

function onClose(this: WebSocket, code: number): void {
  sessionOf(this)?.closed(code);
}
