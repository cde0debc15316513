import type { Hex } from '@droppio/tips';

/** Hex digits that are looked at: 24 bits, of which 100 000 addresses fill less than one in a hundred. */
const DIGITS = 6;
const BYTES = 2 ** (DIGITS * 4 - 3);

/**
 * Says of nearly every stranger's address that it is one, some fifty times faster than a `Map` of all addresses would: by its last digits, one
 * bit each, without making or hashing a string. Two megabytes, however many addresses.
 */
export class AddressSieve {
  private readonly bits = new Uint8Array(BYTES);

  add(address: Hex): void {
    const slot = slotOf(address);
    this.bits[slot >> 3] = (this.bits[slot >> 3] ?? 0) | (1 << (slot & 7));
  }

  /** False: certainly not added. Takes an address or a topic that ends with one, lower-cased as everywhere. */
  maybe(text: Hex): boolean {
    const slot = slotOf(text);
    return ((this.bits[slot >> 3] ?? 0) & (1 << (slot & 7))) !== 0;
  }
}

function slotOf(text: Hex): number {
  let slot = 0;
  for (let at = text.length - DIGITS; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    slot = (slot << 4) | ((code < 58 ? code - 48 : code - 87) & 15);
  }
  return slot;
}
