import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { PROTOCOL } from '@droppio/protocol';
import { FrameReader, pong } from './frame-reader.js';
import type { Ledger, Told } from './ledger.js';
import { exactNow, type Room } from './orders.js';
import type { Overlay } from './overlay.js';

const UPGRADE_ENDS = '\r\n\r\n';
const SEQ = /^\{"op":"event",(?:"type":"\w+",)?"seq":(\d+)/;
const ABNORMAL = 1006;

/** Reads frames and counts; cheap enough for thousands in one process at tens of thousands of deliveries a second. Never reconnects. */
export class LightOverlay implements Overlay {
  isOpen = false;
  private socket: Socket | undefined;
  private handshake = '';
  private readonly frames = new FrameReader();

  constructor(
    private readonly room: Room,
    readonly told: Told,
    private readonly ledger: Ledger,
    private readonly pickPort: () => number,
    /** Takes nothing from the network any more once it is in. */
    private readonly isDeaf: boolean,
  ) {}

  start(dueMs: number): void {
    const port = this.pickPort();
    const socket = connect({ port, host: '127.0.0.1' });
    this.socket = socket;
    socket.setNoDelay(true);
    socket.once('connect', () => {
      socket.write(this.upgrade(port));
    });
    socket.on('data', (chunk: Buffer) => {
      this.read(chunk, dueMs);
    });
    // Every error is followed by a close.
    socket.on('error', () => undefined);
    socket.once('close', () => {
      if (!this.isOpen) this.ledger.failed += 1;
      else this.ledger.closed(ABNORMAL);
      this.leave();
    });
  }

  comeAndGo(): void {
    throw new Error('a light overlay does not come back');
  }

  stop(): void {
    this.socket?.removeAllListeners('close');
    this.socket?.destroy();
    this.leave();
  }

  private leave(): void {
    if (this.isOpen) this.ledger.open -= 1;
    this.isOpen = false;
  }

  private upgrade(port: number): string {
    const { token, cursor } = this.room;
    const from = cursor === undefined ? '' : `&epoch=${cursor.epoch}&seq=${String(cursor.seq)}`;
    const lines = [
      `GET /overlay?token=${token}${from} HTTP/1.1`,
      `Host: 127.0.0.1:${String(port)}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      `Sec-WebSocket-Protocol: ${PROTOCOL}`,
    ];
    return lines.join('\r\n') + UPGRADE_ENDS;
  }

  private read(chunk: Buffer, dueMs: number): void {
    let rest = chunk;
    if (!this.handshake.includes(UPGRADE_ENDS)) {
      const before = this.handshake.length;
      this.handshake += chunk.toString('latin1');
      const end = this.handshake.indexOf(UPGRADE_ENDS);
      if (end < 0) return;
      if (!this.handshake.startsWith('HTTP/1.1 101')) {
        this.socket?.destroy();
        return;
      }
      rest = chunk.subarray(end + UPGRADE_ENDS.length - before);
    }
    this.frames.read(rest, {
      text: (text) => {
        this.hear(text, dueMs);
      },
      ping: (payload) => {
        this.socket?.write(pong(payload));
      },
      close: () => {
        this.socket?.end();
      },
    });
  }

  private hear(text: string, dueMs: number): void {
    const seq = SEQ.exec(text)?.[1];
    if (seq !== undefined) {
      this.told.sequence(Number(seq));
      this.told.tip(text);
    } else if (text.startsWith('{"op":"ready"') && !this.isOpen) {
      this.isOpen = true;
      this.ledger.open += 1;
      this.ledger.connected += 1;
      this.ledger.connects.add(exactNow() - dueMs);
      if (this.isDeaf) this.socket?.pause();
    }
  }
}
