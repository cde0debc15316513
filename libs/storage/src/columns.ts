import type { EntitySchemaColumnOptions } from 'typeorm';
import { toHex, type Hex } from '@droppio/tips';

/** Hex outside, bytea inside: half the size of text, and no two spellings of one hash. */
export function hexToBytes(hex: Hex): Buffer {
  return Buffer.from(hex.slice(2), 'hex');
}

export function bytesToHex(bytes: Uint8Array): Hex {
  return toHex(`0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`);
}

/** Columns of heights, seqs and milliseconds: int8, which pg hands over as text. All stay below 2^53. */
export const int8 = {
  type: 'bigint',
  transformer: { to: (value: number | null) => value, from: (value: string | null) => (value === null ? null : Number(value)) },
} satisfies EntitySchemaColumnOptions;

export const bytes = {
  type: 'bytea',
  transformer: {
    to: (value: Hex | null) => (value === null ? null : hexToBytes(value)),
    from: (value: Buffer | null) => (value === null ? null : bytesToHex(value)),
  },
} satisfies EntitySchemaColumnOptions;

/** Smallest units of any token: up to 2^256, so neither a float nor an int8. */
export const amount = {
  type: 'numeric',
  precision: 78,
  scale: 0,
  transformer: { to: (value: bigint) => value.toString(), from: (value: string) => BigInt(value) },
} satisfies EntitySchemaColumnOptions;

export const now = { type: 'timestamptz', default: () => 'now()' } satisfies EntitySchemaColumnOptions;
