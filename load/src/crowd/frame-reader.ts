const [TEXT, CLOSE, PING, PONG] = [0x1, 0x8, 0x9, 0xa];
const [FINAL, MASKED] = [0x80, 0x80];
const [LENGTH_16, LENGTH_64] = [126, 127];

export interface FrameEar {
  text(text: string): void;
  ping(payload: Buffer): void;
  close(): void;
}

/** WebSocket frames as a server sends them: whole messages, unmasked. Throws on anything else. */
export class FrameReader {
  private carry: Buffer = Buffer.alloc(0);

  read(chunk: Buffer, ear: FrameEar): void {
    let bytes = this.carry.length === 0 ? chunk : Buffer.concat([this.carry, chunk]);
    for (;;) {
      const frame = nextFrame(bytes);
      if (frame === undefined) break;
      bytes = bytes.subarray(frame.end);
      const payload = frame.payload;
      if (frame.opcode === TEXT) ear.text(payload.toString('latin1'));
      else if (frame.opcode === PING) ear.ping(payload);
      else if (frame.opcode === CLOSE) ear.close();
    }
    this.carry = bytes.length === 0 ? Buffer.alloc(0) : Buffer.from(bytes);
  }
}

function nextFrame(bytes: Buffer): { readonly opcode: number; readonly payload: Buffer; readonly end: number } | undefined {
  const [first, second] = bytes;
  if (first === undefined || second === undefined) return undefined;
  if ((first & FINAL) === 0 || (second & MASKED) !== 0) throw new Error('a server sends whole messages, and unmasked');
  const size = { [LENGTH_16]: 2, [LENGTH_64]: 8 }[second] ?? 0;
  const start = 2 + size;
  if (bytes.length < start) return undefined;
  const length = size === 0 ? second : size === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  const end = start + length;
  return bytes.length < end ? undefined : { opcode: first & 0x0f, payload: bytes.subarray(start, end), end };
}

/** Masked, as a client must, with a key of zeros that leaves the bytes as they are. */
export function pong(payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([FINAL | PONG, MASKED | payload.length, 0, 0, 0, 0]), payload]);
}
