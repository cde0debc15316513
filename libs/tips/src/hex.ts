/** 0x-prefixed lower-case hex, the shape of every hash and address outside SQL. */
export type Hex = `0x${string}`;

/** The address under which a chain's own coin (ETH, …) is listed among tokens. */
export const NATIVE_TOKEN: Hex = '0x0000000000000000000000000000000000000000';

export function isHex(text: string): text is Hex {
  return /^0x[0-9a-fA-F]*$/.test(text);
}

/** Lower-cases and checks hex; hashes and addresses are compared as text everywhere, so case must not differ. */
export function toHex(text: string, bytes?: number): Hex {
  if (!isHex(text) || (bytes !== undefined && text.length !== 2 + bytes * 2)) {
    throw new TypeError(`not ${bytes === undefined ? '' : `${String(bytes)} bytes of `}0x-hex`);
  }
  return `0x${text.slice(2).toLowerCase()}`;
}
