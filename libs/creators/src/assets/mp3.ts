import { AssetRefused } from '../errors.js';

/** Kilobits by index, for MPEG 1 and for MPEG 2 and 2.5; 0 (free) and 15 (forbidden) are not taken. */
const KILOBITS = [
  [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
] as const;
const HERTZ = [44_100, 48_000, 32_000] as const;
/** By the two bits of the version: 2.5, none, 2, 1. */
const DIVIDED_BY = [4, undefined, 2, 1] as const;
const LAYER_THREE = 1;
const TAG_BYTES = 128;
const LEAST_FRAMES = 3;

interface Frame {
  readonly bytes: number;
  readonly samples: number;
  readonly hertz: number;
}

/** Milliseconds of an MP3 whose frames follow each other from its tag to its end, whole. Throws `AssetRefused`. */
export function mp3Duration(bytes: Buffer): number {
  const end =
    bytes.toString('latin1', bytes.length - TAG_BYTES, bytes.length - TAG_BYTES + 3) === 'TAG' ? bytes.length - TAG_BYTES : bytes.length;
  let frames = 0;
  let samples = 0;
  let hertz: number | undefined;
  for (let at = tagLength(bytes); at < end;) {
    const frame = frameAt(bytes, at);
    if (frame === undefined || (hertz !== undefined && frame.hertz !== hertz)) throw refusal('what should be a frame is none');
    at += frame.bytes;
    if (at > end) throw refusal('it ends within a frame');
    hertz = frame.hertz;
    frames += 1;
    samples += frame.samples;
  }
  if (hertz === undefined || frames < LEAST_FRAMES) throw refusal('it holds no sound');
  return Math.round((samples / hertz) * 1000);
}

/** Of an ID3v2 in front. Its size is written with seven bits a byte. */
function tagLength(bytes: Buffer): number {
  if (bytes.toString('latin1', 0, 3) !== 'ID3') return 0;
  if (bytes.length < 10) throw refusal('it ends within its tag');
  const size = [6, 7, 8, 9].map((at) => bytes.readUInt8(at));
  if (size.some((part) => part > 0x7f)) throw refusal('its tag has no length');
  const footer = (bytes.readUInt8(5) & 0x10) === 0 ? 0 : 10;
  return 10 + footer + size.reduce((sum, part) => sum * 128 + part, 0);
}

function frameAt(bytes: Buffer, at: number): Frame | undefined {
  if (at + 4 > bytes.length) return undefined;
  const header = bytes.readUInt32BE(at);
  const divided = DIVIDED_BY[(header >>> 19) & 3];
  const base = HERTZ[(header >>> 10) & 3];
  const isOne = divided === 1;
  const kilobits = KILOBITS[isOne ? 0 : 1][((header >>> 12) & 15) - 1];
  if (header >>> 21 !== 0x7ff || ((header >>> 17) & 3) !== LAYER_THREE) return undefined;
  if (divided === undefined || base === undefined || kilobits === undefined) return undefined;
  const [hertz, samples] = [base / divided, isOne ? 1152 : 576];
  return { hertz, samples, bytes: Math.floor((samples / 8) * ((kilobits * 1000) / hertz)) + ((header >>> 9) & 1) };
}

function refusal(why: string): AssetRefused {
  return new AssetRefused(`The MP3 cannot be used: ${why}.`);
}
