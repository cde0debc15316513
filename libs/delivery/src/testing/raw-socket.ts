import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface RawFrame {
  readonly fin?: boolean;
  readonly rsv?: number;
  readonly opcode: number;
  readonly payload?: Buffer | string;
  readonly masked?: boolean;
  /** What the header says, where it is not the truth. */
  readonly declared?: bigint;
}

/** Bytes of one client frame, broken in whatever way is asked for. */
export function rawFrame({ fin = true, rsv = 0, opcode, payload = '', masked = true, declared }: RawFrame): Buffer {
  const body = Buffer.from(payload);
  const length = declared ?? BigInt(body.length);
  const head = [(fin ? 0x80 : 0) | (rsv << 4) | opcode];
  const mark = masked ? 0x80 : 0;
  const wide = Buffer.alloc(8);
  wide.writeBigUInt64BE(length);
  if (length < 126n) head.push(mark | Number(length));
  else if (length < 65_536n) head.push(mark | 126, ...wide.subarray(6));
  else head.push(mark | 127, ...wide);
  if (!masked) return Buffer.concat([Buffer.from(head), body]);
  const mask = randomBytes(4);
  return Buffer.concat([Buffer.from(head), mask, body.map((byte, i) => byte ^ (mask[i % 4] ?? 0))]);
}

/** A client below the protocol: writes any bytes, reads frames only to see how it ends. */
export class RawSocket {
  private bytes = Buffer.alloc(0);
  private gone = false;
  answer = '';

  private constructor(readonly socket: Socket) {
    socket.on('error', () => undefined);
    socket.on('close', () => (this.gone = true));
    socket.on('data', (chunk: Buffer) => (this.bytes = Buffer.concat([this.bytes, chunk])));
  }

  static async connect(port: number): Promise<RawSocket> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new RawSocket(socket);
  }

  static async upgraded(port: number): Promise<RawSocket> {
    const raw = await RawSocket.connect(port);
    await raw.handshake();
    return raw;
  }

  /** Sends an upgrade and returns the status line and headers of the answer. Fields replace or (empty) leave out headers. */
  async handshake(fields: Record<string, string> = {}, request = 'GET /overlay HTTP/1.1'): Promise<string> {
    const key = randomBytes(16).toString('base64');
    const headers = {
      Host: 'x',
      Upgrade: 'websocket',
      Connection: 'Upgrade',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': key,
      ...fields,
    };
    const lines = Object.entries(headers).filter(([, value]) => value !== '');
    this.socket.write(`${request}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
    const end = await this.until(() => this.bytes.indexOf('\r\n\r\n') + 1 || undefined);
    this.answer = this.bytes.subarray(0, end + 3).toString('latin1');
    this.bytes = this.bytes.subarray(end + 3);
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    if (this.answer.startsWith('HTTP/1.1 101') && !this.answer.includes(accept)) throw new Error('a wrong Sec-WebSocket-Accept');
    return this.answer;
  }

  get isGone(): boolean {
    return this.gone;
  }

  send(...frames: readonly RawFrame[]): void {
    this.socket.write(Buffer.concat(frames.map(rawFrame)));
  }

  /** Code of the close frame; 1006 when the connection ended without one. */
  closeCode(): Promise<number> {
    return this.until(() => {
      const close = this.frames().find(({ opcode }) => opcode === 8);
      if (close !== undefined) return close.payload.length >= 2 ? close.payload.readUInt16BE(0) : 1005;
      return this.gone ? 1006 : undefined;
    });
  }

  frames(): readonly { opcode: number; payload: Buffer }[] {
    const found: { opcode: number; payload: Buffer }[] = [];
    for (let at = 0; at + 2 <= this.bytes.length;) {
      const opcode = (this.bytes[at] ?? 0) & 0x0f;
      const short = (this.bytes[at + 1] ?? 0) & 0x7f;
      const head = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (at + head > this.bytes.length) break;
      const length = short === 126 ? this.bytes.readUInt16BE(at + 2) : short === 127 ? Number(this.bytes.readBigUInt64BE(at + 2)) : short;
      if (at + head + length > this.bytes.length) break;
      found.push({ opcode, payload: this.bytes.subarray(at + head, at + head + length) });
      at += head + length;
    }
    return found;
  }

  async until<T>(check: () => T | undefined, ms = 10_000): Promise<T> {
    const deadline = Date.now() + ms;
    for (;;) {
      const found = check();
      if (found !== undefined) return found;
      if (Date.now() > deadline) throw new Error('nothing came');
      await sleep(5);
    }
  }

  end(): void {
    this.socket.destroy();
  }
}
