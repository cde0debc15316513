import { AssetRefused } from '../errors.js';

const PCM = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;
const BITS: Readonly<Record<number, readonly number[]>> = { [PCM]: [8, 16, 24, 32], [FLOAT]: [32] };
/** What an extensible format's id ends with, after its two bytes of plain format. */
const GUID_TAIL = '000000001000800000aa00389b71';
/** Texts and such, beside the sound. */
const OTHERS_MAX_BYTES = 64 * 1024;

/** Milliseconds of a RIFF WAVE that is whole, uncompressed and nothing else besides. Throws `AssetRefused`. */
export function wavDuration(bytes: Buffer): number {
  const refuse = (why: string): never => {
    throw new AssetRefused(`The WAV cannot be used: ${why}.`);
  };
  if (bytes.length < 44 || bytes.readUInt32LE(4) + 8 !== bytes.length) return refuse('its length is not what its header says');
  let bytesPerSecond = 0;
  let frameBytes = 0;
  let soundBytes: number | undefined;
  let others = 0;
  for (let at = 12; at < bytes.length;) {
    if (at + 8 > bytes.length) return refuse('it ends within a chunk');
    const [name, size] = [bytes.toString('latin1', at, at + 4), bytes.readUInt32LE(at + 4)];
    const body = bytes.subarray(at + 8, at + 8 + size);
    if (body.length < size) return refuse('it ends within a chunk');
    if (name === 'fmt ' && frameBytes === 0) {
      ({ bytesPerSecond, frameBytes } = formatOf(body) ?? refuse('only PCM of one or two channels, 8 to 192 kHz, is taken'));
    } else if (name === 'data' && frameBytes > 0 && soundBytes === undefined) soundBytes = size;
    else if (name === 'fmt ' || name === 'data') return refuse('it has a chunk twice, or in the wrong place');
    else if ((others += size) > OTHERS_MAX_BYTES) return refuse('most of it is no sound');
    // Chunks begin at even places; what fills up the last one may be left out.
    at += 8 + size + (size % 2);
  }
  if (soundBytes === undefined || soundBytes === 0 || soundBytes % frameBytes !== 0) return refuse('it holds no whole sound');
  return Math.round((soundBytes / bytesPerSecond) * 1000);
}

function formatOf(body: Buffer): { bytesPerSecond: number; frameBytes: number } | undefined {
  if (![16, 18, 40].includes(body.length)) return undefined;
  const given = body.readUInt16LE(0);
  const isExtensible = given === EXTENSIBLE && body.length === 40 && body.toString('hex', 26, 40) === GUID_TAIL;
  const format = isExtensible ? body.readUInt16LE(24) : given;
  const [channels, rate, bits] = [body.readUInt16LE(2), body.readUInt32LE(4), body.readUInt16LE(14)];
  const frameBytes = (channels * bits) / 8;
  const fits =
    BITS[format]?.includes(bits) === true &&
    (channels === 1 || channels === 2) &&
    rate >= 8000 &&
    rate <= 192_000 &&
    body.readUInt16LE(12) === frameBytes &&
    body.readUInt32LE(8) === rate * frameBytes;
  return fits ? { bytesPerSecond: rate * frameBytes, frameBytes } : undefined;
}
