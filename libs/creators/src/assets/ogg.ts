import { oggRefusal, readOgg, type OggStream } from './ogg-pages.js';

const OPUS_HERTZ = 48_000;
/** Milliseconds of a frame, by the upper five bits of a packet's first byte (RFC 6716, 3.1). */
const OPUS_FRAME_MS = [
  ...[10, 20, 40, 60, 10, 20, 40, 60, 10, 20, 40, 60],
  ...[10, 20, 10, 20],
  ...[2.5, 5, 10, 20, 2.5, 5, 10, 20, 2.5, 5, 10, 20, 2.5, 5, 10, 20],
];
/** Vorbis blocks are long or short, and only a decoder knows which: a file may seem this much longer than it is. */
const VORBIS_SLACK = 4;

/**
 * Milliseconds of an Ogg with one stream of Opus or Vorbis. The longer of what its last page says and what its packets hold: a page may say
 * anything, and a player decodes what is there. Throws `AssetRefused`.
 */
export function oggDuration(bytes: Buffer): number {
  const stream = readOgg(bytes);
  const [head] = stream.packets;
  if (head?.toString('latin1', 0, 8) === 'OpusHead') return opusDuration(head, stream);
  if (head?.toString('latin1', 0, 7) === '\x01vorbis') return vorbisDuration(head, stream);
  throw oggRefusal('it is neither Opus nor Vorbis');
}

function opusDuration(head: Buffer, { granule, packets }: OggStream): number {
  const isPlain = head.length === 19 && head.readUInt8(8) < 16 && [1, 2].includes(head.readUInt8(9)) && head.readUInt8(18) === 0;
  const sounds = packets.slice(2);
  if (!isPlain || packets[1]?.toString('latin1', 0, 8) !== 'OpusTags' || sounds.length === 0) throw oggRefusal('it is no Opus of ours');
  const told = (Math.max(0, granule - head.readUInt16LE(10)) / OPUS_HERTZ) * 1000;
  return Math.round(
    Math.max(
      told,
      sounds.reduce((sum, packet) => sum + packetMs(packet), 0),
    ),
  );
}

function packetMs(packet: Buffer): number {
  const [first, second = 0] = packet;
  if (first === undefined) throw oggRefusal('it has an empty packet');
  const code = first & 3;
  const frames = code === 0 ? 1 : code === 3 ? second & 63 : 2;
  const ms = (OPUS_FRAME_MS[first >>> 3] ?? 0) * frames;
  if (ms === 0 || ms > 120) throw oggRefusal('it has a packet of no length');
  return ms;
}

function vorbisDuration(head: Buffer, { granule, packets }: OggStream): number {
  const isWhole = head.length === 30 && head.readUInt32LE(7) === 0 && [1, 2].includes(head.readUInt8(11)) && (head.readUInt8(29) & 1) === 1;
  const isHeaded = packets[1]?.toString('latin1', 0, 7) === '\x03vorbis' && packets[2]?.toString('latin1', 0, 7) === '\x05vorbis';
  const hertz = isWhole ? head.readUInt32LE(12) : 0;
  const sounds = packets.length - 3;
  if (!isHeaded || hertz < 8000 || hertz > 192_000 || sounds < 1) throw oggRefusal('it is no Vorbis of ours');
  const longest = (sounds * 2 ** (head.readUInt8(28) >>> 4)) / 2;
  return Math.round((Math.max(granule, longest / VORBIS_SLACK) / hertz) * 1000);
}
