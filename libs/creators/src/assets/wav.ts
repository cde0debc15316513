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
  let format: { readonly bytesPerSecond: number; readonly frameBytes: number } | undefined;
  let soundBytes: number | undefined;
  let others = 0;
  for (const { name, body } of chunksOf(bytes)) {
    if (name === 'fmt ' && format === undefined) format = formatOf(body);
    else if (name === 'data' && format !== undefined && soundBytes === undefined) soundBytes = body.length;
    else if (name === 'fmt ' || name === 'data') throw refusal('it has a chunk twice, or in the wrong place');
    else if ((others += body.length) > OTHERS_MAX_BYTES) throw refusal('most of it is no sound');
  }
  if (format === undefined || soundBytes === undefined || soundBytes === 0 || soundBytes % format.frameBytes !== 0) {
    throw refusal('it holds no whole sound');
  }
  return Math.round((soundBytes / format.bytesPerSecond) * 1000);
}

function* chunksOf(bytes: Buffer): Generator<{ readonly name: string; readonly body: Buffer }> {
  if (bytes.length < 44 || bytes.readUInt32LE(4) + 8 !== bytes.length) throw refusal('its length is not what its header says');
  for (let at = 12; at < bytes.length;) {
    if (at + 8 > bytes.length) throw refusal('it ends within a chunk');
    const size = bytes.readUInt32LE(at + 4);
    const body = bytes.subarray(at + 8, at + 8 + size);
    if (body.length < size) throw refusal('it ends within a chunk');
    yield { name: bytes.toString('latin1', at, at + 4), body };
    // Chunks begin at even places; what fills up the last one may be left out.
    at += 8 + size + (size % 2);
  }
}

function formatOf(body: Buffer): { bytesPerSecond: number; frameBytes: number } {
  if (![16, 18, 40].includes(body.length)) throw notTaken();
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
  if (!fits) throw notTaken();
  return { bytesPerSecond: rate * frameBytes, frameBytes };
}

function notTaken(): AssetRefused {
  return refusal('only PCM of one or two channels, 8 to 192 kHz, is taken');
}

function refusal(why: string): AssetRefused {
  return new AssetRefused(`The WAV cannot be used: ${why}.`);
}
