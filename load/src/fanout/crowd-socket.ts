import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { Connect, Door } from './crowd-orders.js';
import type { StampReader } from './stamp-reader.js';

const HANDSHAKE_MS = 30_000;
const UPGRADE_ENDS = '\r\n\r\n';
const [TEXT, BINARY] = [0x81, 0x82];
const [MASKED, LONG] = [0x80, 126];

/** All sockets of a process read into the same memory: what came is dealt with before the next read. */
const shared = Buffer.allocUnsafe(256 * 1024);

/** A WebSocket client that costs next to nothing: no frames are parsed, deliveries are known by their stamps. */
export class CrowdSocket {
  private readonly socket: Socket;
  private upgraded = false;
  private heard = '';
  private carry: Buffer | undefined;
  private isLive = false;

  constructor(
    private readonly order: Connect,
    private readonly door: Door,
    private readonly reader: StampReader,
    localAddress: string,
    private readonly done: (fault?: string) => void,
  ) {
    const onread = {
      buffer: shared,
      callback: (length: number): boolean => {
        this.read(shared.subarray(0, length));
        return true;
      },
    };
    this.socket = connect({ port: order.port, host: '127.0.0.1', localAddress, onread });
    this.socket.setNoDelay(true);
    this.socket.once('connect', () => {
      this.socket.write(this.upgrade());
    });
    this.socket.once('error', (error) => {
      this.fail(error.message);
    });
    this.socket.once('close', () => {
      this.fail('closed');
    });
    this.socket.setTimeout(HANDSHAKE_MS, () => {
      this.fail('no answer');
    });
  }

  private fail(why: string): void {
    if (this.isLive) this.reader.lost += 1;
    else this.done(why);
    this.isLive = false;
    this.socket.destroy();
  }

  private read(chunk: Buffer): void {
    if (this.isLive) this.carry = this.reader.read(chunk, this.carry);
    else this.shakeHands(chunk.toString('latin1'));
  }

  private shakeHands(text: string): void {
    this.heard += text;
    if (!this.upgraded) {
      const end = this.heard.indexOf(UPGRADE_ENDS);
      if (end < 0) return;
      if (!this.heard.startsWith('HTTP/1.1 101')) {
        this.fail(this.heard.slice(0, this.heard.indexOf('\r')));
        return;
      }
      this.upgraded = true;
      this.heard = this.heard.slice(end + UPGRADE_ENDS.length);
      if (this.door.says !== undefined) this.socket.write(clientFrame(this.door.says, this.order.isBinary));
    }
    if (this.order.ready !== undefined && !this.heard.includes(this.order.ready)) return;
    this.isLive = true;
    this.heard = '';
    this.socket.setTimeout(0);
    this.done();
  }

  private upgrade(): string {
    const { order, door } = this;
    const lines = [
      `GET ${door.path} HTTP/1.1`,
      `Host: 127.0.0.1:${String(order.port)}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      ...(order.protocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${order.protocol}`]),
    ];
    return lines.join('\r\n') + UPGRADE_ENDS;
  }
}

/** Masked, as a client must, with a key of zeros that leaves the bytes as they are. */
function clientFrame(text: string, isBinary: boolean): Buffer {
  const payload = Buffer.from(text);
  const { length } = payload;
  const size = length < LONG ? [MASKED | length] : [MASKED | LONG, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([isBinary ? BINARY : TEXT, ...size, 0, 0, 0, 0]), payload]);
}
