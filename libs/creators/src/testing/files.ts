import { randomBytes } from 'node:crypto';

export interface WavPlan {
  readonly seconds?: number;
  readonly hertz?: number;
  readonly channels?: number;
}

/** Noise, so that no two are the same: 16 bits, a short one as a rule. */
export function aWav({ seconds = 0.05, hertz = 8000, channels = 1 }: WavPlan = {}): Buffer {
  const frameBytes = channels * 2;
  const sound = randomBytes(Math.round(seconds * hertz) * frameBytes);
  const head = Buffer.alloc(44);
  head.write('RIFF', 0, 'latin1');
  head.writeUInt32LE(36 + sound.length, 4);
  head.write('WAVEfmt ', 8, 'latin1');
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(channels, 22);
  head.writeUInt32LE(hertz, 24);
  head.writeUInt32LE(hertz * frameBytes, 28);
  head.writeUInt16LE(frameBytes, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36, 'latin1');
  head.writeUInt32LE(sound.length, 40);
  return Buffer.concat([head, sound]);
}
