import { describe, expect, it } from 'vitest';
import { FrameReader } from './frame-reader.js';

function frame(opcode: number, payload: string): Buffer {
  const body = Buffer.from(payload);
  const length = body.length;
  const size =
    length < 126
      ? Buffer.from([length])
      : length < 65_536
        ? Buffer.from([126, length >> 8, length & 255])
        : Buffer.from([127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 255, length & 255]);
  return Buffer.concat([Buffer.from([0x80 | opcode]), size, body]);
}

function heard(chunks: readonly Buffer[]): string[] {
  const reader = new FrameReader();
  const all: string[] = [];
  const ear = {
    text: (text: string) => all.push(text),
    ping: (payload: Buffer) => all.push(`ping ${payload.toString()}`),
    close: () => all.push('close'),
  };
  for (const chunk of chunks) reader.read(chunk, ear);
  return all;
}

describe(FrameReader.name, () => {
  const texts = ['short', 'x'.repeat(125), 'y'.repeat(126), 'z'.repeat(70_000)];
  const bytes = Buffer.concat([...texts.map((text) => frame(1, text)), frame(9, 'beat'), frame(8, '')]);

  it.each([1, 2, 3, 7, 130, 65_536, bytes.length])('reads the same from pieces of %d bytes', (size) => {
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) => Buffer.from(bytes.subarray(n * size, (n + 1) * size)));
    expect(heard(pieces.length > 20_000 ? pieces.slice(0, 20_000).concat(Buffer.concat(pieces.slice(20_000))) : pieces)).toEqual([
      ...texts,
      'ping beat',
      'close',
    ]);
  });

  it('refuses fragments and masks, which no gateway sends', () => {
    expect(() => heard([Buffer.from([0x01, 0x00])])).toThrow(/whole messages/);
    expect(() => heard([Buffer.from([0x81, 0x80])])).toThrow(/unmasked/);
  });
});
