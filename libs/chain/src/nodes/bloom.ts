import type { Hex, LogFilter } from '@droppio/tips';
import { keccak256 } from 'viem';

/** One bit of a 2048-bit bloom, as a place in its hex text: far cheaper to test than hashing again for every block. */
interface BloomBit {
  readonly at: number;
  readonly mask: number;
}

/** `unusable`: all zero, which may mean an empty block or a chain that does not fill its bloom. */
export type BloomVerdict = 'excluded' | 'possible' | 'unusable';

const BLOOM_LENGTH = 2 + 512;
const ZERO = /^0x0*$/;

/** Answers whether a block's bloom admits a log of the filter's addresses with one of its topics. False positives are normal, false negatives are not. */
export function bloomOracle(filter: LogFilter): (bloom: Hex) => BloomVerdict {
  const wanted = filter.pairs?.map((pair) => pair.flatMap(bitsOf));
  const addresses = filter.addresses.map(bitsOf);
  const topics = filter.topics.map(bitsOf);
  return (bloom) => {
    if (bloom.length !== BLOOM_LENGTH || ZERO.test(bloom)) return 'unusable';
    const has = (bits: readonly BloomBit[]): boolean => bits.every(({ at, mask }) => (nibble(bloom, at) & mask) !== 0);
    const possible = wanted?.some(has) ?? ((addresses.length === 0 || addresses.some(has)) && (topics.length === 0 || topics.some(has)));
    return possible ? 'possible' : 'excluded';
  };
}

const BITS_IN_NIBBLE: readonly number[] = Array.from({ length: 16 }, (_, value) => value.toString(2).replaceAll('0', '').length);

/** Share of its bits that are set: of blocks without our logs, about the sixth power of this is admitted all the same. */
export function bloomFill(bloom: Hex): number {
  let bits = 0;
  for (let at = 2; at < bloom.length; at += 1) bits += BITS_IN_NIBBLE[nibble(bloom, at)] ?? 0;
  return bits / 2048;
}

/** The bloom that a block with exactly these addresses and topics would carry. */
export function bloomOf(entries: readonly Hex[]): Hex {
  const nibbles = new Uint8Array(512);
  for (const { at, mask } of entries.flatMap(bitsOf)) nibbles[at - 2] = (nibbles[at - 2] ?? 0) | mask;
  return `0x${Array.from(nibbles, (value) => value.toString(16)).join('')}`;
}

/** Yellow paper 4.4.1: the low 11 bits of the hash's first three 16-bit words, counted from the right end of the bloom. */
function bitsOf(entry: Hex): readonly BloomBit[] {
  const hash = keccak256(entry);
  return [0, 1, 2].map((word) => {
    const bit = Number.parseInt(hash.slice(2 + word * 4, 6 + word * 4), 16) & 2047;
    return { at: 2 + 511 - (bit >> 2), mask: 1 << (bit & 3) };
  });
}

function nibble(text: Hex, at: number): number {
  const code = text.charCodeAt(at);
  return code < 58 ? code - 48 : code - 87;
}
