import { AssetRefused } from '../errors.js';

export interface OggStream {
  /** Where the last page says that the sound ends, in samples. */
  readonly granule: number;
  readonly packets: readonly Buffer[];
}

const HEADER_BYTES = 27;
const FIRST = 2;
const LAST = 4;
const CONTINUED = 1;
const NO_GRANULE = 0xffff_ffff_ffff_ffffn;
/** More than any sound of ours has: ten packets of a long block are a second. */
const MOST_PACKETS = 20_000;

/** RFC 3533's CRC: the polynomial of Ethernet, its bits not turned around. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000_0000) === 0 ? crc << 1 : (crc << 1) ^ 0x04c1_1db7;
  return crc >>> 0;
});

/** The packets of an Ogg file with one stream that is whole: pages in order, each with the right checksum, from the first to the last. */
export function readOgg(bytes: Buffer): OggStream {
  const packets: Buffer[] = [];
  let parts: Buffer[] = [];
  let granule = 0n;
  let serial = -1;
  let ended = false;
  for (let at = 0, number = 0; at < bytes.length; number += 1) {
    const page = pageAt(bytes, at);
    const isFirst = number === 0;
    if (ended || page.number !== number || ((page.flags & FIRST) !== 0) !== isFirst) throw oggRefusal('its pages are not in order');
    if (!isFirst && page.serial !== serial) throw oggRefusal('it has more than one stream');
    if (((page.flags & CONTINUED) !== 0) !== parts.length > 0) throw oggRefusal('a packet has no end or no beginning');
    serial = page.serial;
    for (const { part, isEnd } of page.parts) {
      parts.push(part);
      if (!isEnd) continue;
      packets.push(Buffer.concat(parts));
      parts = [];
    }
    if (packets.length > MOST_PACKETS) throw oggRefusal('it has too many packets');
    if (page.granule !== NO_GRANULE) {
      if (page.granule < granule) throw oggRefusal('its time goes back');
      granule = page.granule;
    }
    ended = (page.flags & LAST) !== 0;
    at += page.length;
  }
  if (!ended || parts.length > 0) throw oggRefusal('its end is missing');
  return { granule: Number(granule), packets };
}

interface Page {
  readonly flags: number;
  readonly granule: bigint;
  readonly serial: number;
  readonly number: number;
  readonly length: number;
  readonly parts: readonly { readonly part: Buffer; readonly isEnd: boolean }[];
}

function pageAt(bytes: Buffer, at: number): Page {
  const segments = at + HEADER_BYTES <= bytes.length ? bytes.readUInt8(at + 26) : 0;
  const lengths = bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + segments);
  const head = HEADER_BYTES + segments;
  const length = head + lengths.reduce((sum, part) => sum + part, 0);
  const page = bytes.subarray(at, at + length);
  if (page.length < length || segments === 0 || page.toString('latin1', 0, 4) !== 'OggS' || page.readUInt8(4) !== 0) {
    throw oggRefusal('it ends within a page, or what should be a page is none');
  }
  if (crcOf(page) !== page.readUInt32LE(22)) throw oggRefusal('a page is damaged');
  return {
    flags: page.readUInt8(5),
    granule: page.readBigUInt64LE(6),
    serial: page.readUInt32LE(14),
    number: page.readUInt32LE(18),
    length,
    parts: partsOf(page.subarray(head), lengths),
  };
}

/** A packet goes on as long as its lengths are 255. */
function partsOf(body: Buffer, lengths: Buffer): Page['parts'] {
  const parts: { part: Buffer; isEnd: boolean }[] = [];
  let from = 0;
  let to = 0;
  for (const [index, length] of lengths.entries()) {
    to += length;
    const isEnd = length < 255;
    if (!isEnd && index < lengths.length - 1) continue;
    parts.push({ part: body.subarray(from, to), isEnd });
    from = to;
  }
  return parts;
}

function crcOf(page: Buffer): number {
  let crc = 0;
  for (let at = 0; at < page.length; at += 1) {
    // The checksum's own place counts as zeros.
    const byte = at >= 22 && at < 26 ? 0 : (page[at] ?? 0);
    crc = ((crc << 8) ^ (CRC_TABLE[((crc >>> 24) ^ byte) & 0xff] ?? 0)) >>> 0;
  }
  return crc;
}

export function oggRefusal(why: string): AssetRefused {
  return new AssetRefused(`The Ogg cannot be used: ${why}.`);
}
