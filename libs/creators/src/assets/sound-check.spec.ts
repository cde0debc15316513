import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AssetRefused } from '../errors.js';
import { aWav } from '../testing/files.js';
import { checkSound } from './sound-check.js';
import { MP3_SAMPLE, OPUS_SAMPLE, VORBIS_SAMPLE } from './sound-samples.js';
import type { SoundFormat } from './sniff.js';

const patched = (bytes: Buffer, at: number, ...values: number[]): Buffer => {
  const copy = Buffer.from(bytes);
  copy.set(values, at);
  return copy;
};
const refusal = (bytes: Buffer, format: SoundFormat): string => {
  try {
    return `taken: ${String(checkSound(bytes, format).durationMs)} ms`;
  } catch (error) {
    return error instanceof AssetRefused ? error.message : String(error);
  }
};
const samples = [
  ['WAV', 'wav', aWav()],
  ['MP3', 'mp3', MP3_SAMPLE],
  ['Ogg with Vorbis', 'ogg', VORBIS_SAMPLE],
  ['Ogg with Opus', 'ogg', OPUS_SAMPLE],
] as const;

describe.each(samples)('a %s', (_name, format, bytes) => {
  it('is taken whole', () => {
    expect(refusal(bytes, format)).toMatch(/^taken/);
  });

  it('is refused wherever it is cut off', () => {
    for (let length = 0; length < bytes.length; length += length < 200 ? 1 : 37) {
      expect(refusal(bytes.subarray(0, length), format), String(length)).toMatch(/cannot be used/);
    }
  });

  it('is refused with anything behind it', () => {
    for (const more of ['\0', 'PK\x03\x04', '<script>'])
      expect(refusal(Buffer.concat([bytes, Buffer.from(more)]), format)).toMatch(/cannot be used/);
  });

  it('never makes the reader stumble, whatever bytes are changed', () => {
    const change = fc.array(fc.tuple(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(change, (changes) => {
        const copy = Buffer.from(bytes);
        for (const [at, value] of changes) copy[at] = value;
        expect(refusal(copy, format)).toMatch(/cannot be used|may last|^taken/);
      }),
      { numRuns: 300 },
    );
  });

  it('is refused as another kind', () => {
    for (const other of ['wav', 'mp3', 'ogg'] as const) if (other !== format) expect(refusal(bytes, other)).toMatch(/cannot be used/);
  });
});

describe('how long a sound is', () => {
  it.each([
    ['a WAV', 'wav', aWav({ seconds: 1.25 }), 1250],
    ['a WAV in stereo', 'wav', aWav({ seconds: 0.5, hertz: 48_000, channels: 2 }), 500],
    // Sixteen frames of 36 ms at 16 kHz and the tag's own one; encoders begin early and end late.
    ['an MP3', 'mp3', MP3_SAMPLE, 288],
    ['Vorbis', 'ogg', VORBIS_SAMPLE, 200],
    ['Opus', 'ogg', OPUS_SAMPLE, 220],
  ] as const)('is read from %s', (_what, format, bytes, ms) => {
    expect(checkSound(bytes, format).durationMs).toBe(ms);
  });

  it('is thirty seconds at most', () => {
    expect(refusal(aWav({ seconds: 30 }), 'wav')).toBe('taken: 30000 ms');
    expect(refusal(aWav({ seconds: 30.1 }), 'wav')).toBe('A sound may last 30 seconds.');
    const [frame] = [MP3_SAMPLE.subarray(0, 72)];
    expect(refusal(Buffer.concat(Array<Buffer>(850).fill(frame)), 'mp3')).toBe('A sound may last 30 seconds.');
  });

  it('is what is there, whatever the last page of an Ogg says', () => {
    const packets = Array.from({ length: 600 }, () => Buffer.from([0x1b << 3, 1, 2]));
    expect(refusal(anOpus(packets, 48_000n), 'ogg')).toMatch(/^taken: 12000/);
    // Frames of 60 ms, one a packet, for 36 seconds, and a page that says one second.
    expect(
      refusal(
        anOpus(
          packets.map(() => Buffer.from([3 << 3, 1])),
          48_000n,
        ),
        'ogg',
      ),
    ).toBe('A sound may last 30 seconds.');
    expect(refusal(anOpus(packets.slice(0, 5), 48_000n * 3600n), 'ogg')).toBe('A sound may last 30 seconds.');
  });
});

describe('a WAV', () => {
  const wav = aWav();
  it.each([
    ['compressed', patched(wav, 20, 0x55, 0)],
    ['of three channels', patched(wav, 22, 3, 0)],
    ['of 400 Hz', patched(wav, 24, 0x90, 1, 0, 0, 0x20, 3, 0, 0)],
    ['with a false rate of bytes', patched(wav, 28, 1, 0, 0, 0)],
    ['with frames of no size', patched(wav, 32, 0, 0)],
    ['of no bits', patched(wav, 34, 0, 0)],
    ['with no sound', aWav({ seconds: 0 })],
    ['whose sound comes first', patched(patched(wav, 12, ...Buffer.from('data')), 36, ...Buffer.from('fmt '))],
    ['of which most is something else', wrapped(wav, Buffer.concat([Buffer.from('LIST\x01\0\x02\0', 'latin1'), Buffer.alloc(0x2_0002)]))],
  ])('is refused %s', (_what, bytes) => {
    expect(refusal(bytes, 'wav')).toMatch(/cannot be used/);
  });

  it('may have words beside its sound, and be of an extensible format', () => {
    expect(refusal(wrapped(wav, Buffer.from('LIST\x05\0\0\0INFO!\0', 'latin1')), 'wav')).toBe('taken: 50 ms');
    const fmt = Buffer.concat([
      wav.subarray(12, 16),
      Buffer.from([40, 0, 0, 0, 0xfe, 0xff]),
      wav.subarray(22, 36),
      Buffer.from([22, 0, 16, 0, 0, 0, 0, 0, 1, 0]),
    ]);
    const whole = Buffer.concat([wav.subarray(0, 12), fmt, Buffer.from('000000001000800000aa00389b71', 'hex'), wav.subarray(36)]);
    whole.writeUInt32LE(whole.length - 8, 4);
    expect(refusal(whole, 'wav')).toBe('taken: 50 ms');
  });
});

describe('an MP3', () => {
  it('may have tags in front and behind', () => {
    const before = Buffer.concat([Buffer.from('ID3\x04\0\0\0\0\x01\x02', 'latin1'), Buffer.alloc(130)]);
    const behind = Buffer.concat([Buffer.from('TAG'), Buffer.alloc(125)]);
    expect(refusal(Buffer.concat([before, MP3_SAMPLE, behind]), 'mp3')).toMatch(/^taken/);
    expect(refusal(patched(Buffer.concat([before, MP3_SAMPLE]), 6, 0x80), 'mp3')).toMatch(/its tag has no length/);
    expect(refusal(patched(Buffer.concat([before, MP3_SAMPLE]), 6, 0x7f), 'mp3')).toMatch(/it holds no sound/);
  });
});

describe('an Ogg', () => {
  it('is refused when one bit of it has fallen over', () => {
    for (const sample of [OPUS_SAMPLE, VORBIS_SAMPLE]) {
      for (let at = 0; at < sample.length; at += 13) {
        expect(refusal(patched(sample, at, (sample[at] ?? 0) ^ 4), 'ogg'), String(at)).toMatch(/cannot be used/);
      }
    }
  });

  it('is refused when it holds two streams, one after the other or mixed', () => {
    expect(refusal(Buffer.concat([OPUS_SAMPLE, VORBIS_SAMPLE]), 'ogg')).toMatch(/pages are not in order/);
  });
});

function wrapped(wav: Buffer, chunk: Buffer): Buffer {
  const whole = Buffer.concat([wav.subarray(0, 36), chunk, wav.subarray(36)]);
  whole.writeUInt32LE(whole.length - 8, 4);
  return whole;
}

/** The head and tags of the sample, and packets of our own on one page each. */
function anOpus(packets: readonly Buffer[], granule: bigint): Buffer {
  const secondAt = OPUS_SAMPLE.indexOf('OggS', 4);
  const thirdAt = OPUS_SAMPLE.indexOf('OggS', secondAt + 4);
  const serial = OPUS_SAMPLE.readUInt32LE(14);
  const pages = packets.map((packet, n) => {
    const page = Buffer.alloc(28 + packet.length);
    page.write('OggS', 0, 'latin1');
    page.writeUInt8(n === packets.length - 1 ? 4 : 0, 5);
    page.writeBigUInt64LE(n === packets.length - 1 ? granule : 0n, 6);
    page.writeUInt32LE(serial, 14);
    page.writeUInt32LE(n + 2, 18);
    page.writeUInt8(1, 26);
    page.writeUInt8(packet.length, 27);
    packet.copy(page, 28);
    page.writeUInt32LE(crc(page), 22);
    return page;
  });
  return Buffer.concat([OPUS_SAMPLE.subarray(0, thirdAt), ...pages]);
}

/** Bit by bit, as the specification words it. */
function crc(bytes: Buffer): number {
  let value = 0;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit -= 1) {
      const top = (value >>> 31) ^ ((byte >> bit) & 1);
      value = ((value << 1) ^ (top === 1 ? 0x04c1_1db7 : 0)) >>> 0;
    }
  }
  return value;
}
